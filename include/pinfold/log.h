// SPDX-License-Identifier: Apache-2.0
// One line, one write, under 1 KiB, to stderr, which pinfoldd reads, bounds and tags. For process
// rooms only. Bytes from users are escaped. Never a secret, an environment or a program's text.
#pragma once

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

// role is printed in each line and must be a static string.
void log_init(const char *role, enum log_level max);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
