// SPDX-License-Identifier: Apache-2.0
// Shared by the files of room repo.
#pragma once
#include <pinfold/repo.h>

// Percent-decodes len bytes of p; NUL, control bytes and bad escapes are refused.
int repo_percent_decode(const char *p, size_t len, char *ret, size_t room, struct err *e);
// Rewrites an URL path: unreserved bytes decoded, all others escaped with upper-case digits.
int repo_path_normalize(const char *p, size_t len, char *ret, size_t room, struct err *e);
// A local path to the path of a file: URL.
int repo_path_encode(const char *path, char *ret, size_t room, struct err *e);
bool repo_is_oid(const char *s);
// No "", "." or ".." between slashes; `path` starts with one and does not end with one.
int repo_path_check(const char *path, struct err *e);
// host or [v6] with an optional :port, lower-cased.
int repo_authority_parse(const char *p, size_t len, struct repo_url *ret, struct err *e);
