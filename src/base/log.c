// SPDX-License-Identifier: Apache-2.0
// Log lines to stderr.
#include <pinfold/log.h>

#include <pinfold/clock.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024 // one write, well under PIPE_BUF, so lines never mix

static const char *log_role = "pinfold";
static enum log_level log_max = LOG_INFO;
static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_init(const char *role, enum log_level max)
{
    log_role = role;
    log_max = max;
}

// Escape what is not printable ASCII or UTF-8, in place of what would fake a second line.
static size_t escape(const char *in, char *out, size_t room)
{
    size_t n = 0;
    for (; *in && n + 5 < room; in++) {
        unsigned char c = (unsigned char)*in;
        if (c >= 0x20 && c != 0x7f)
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, room - n, "\\x%02x", c);
    }
    out[n++] = '\n';
    return n;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (level > log_max)
        return;
    char text[LINE_MAX_BYTES - 128], line[LINE_MAX_BYTES], when[CLOCK_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); // cut at the size on purpose
    va_end(ap);
    int n = snprintf(line, sizeof(line), "%s %s %s[%d]: ", clock_format(clock_wall_ms(), when),
                     level_names[level], log_role, (int)getpid());
    size_t len = (size_t)n + escape(text, line + n, sizeof(line) - (size_t)n);
    if (write(STDERR_FILENO, line, len) < 0)
        return; // nowhere left to say so
}
