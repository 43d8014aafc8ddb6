// SPDX-License-Identifier: Apache-2.0
// An error is a value: the caller owns a `struct err` on its stack, a function that can fail
// takes it last, returns 0 or -1 (or NULL), and fills it only on failure. Library rooms never
// log and never exit; the process room that handles an error logs it once.
//
// A user's program that fails is not an error: see run.h, struct outcome.
#pragma once
#include <stddef.h>

enum err_code {
    ERR_NONE,
    ERR_BAD_REQUEST, // the caller sent something malformed
    ERR_NOT_FOUND,   // the named thing does not exist
    ERR_GONE,        // it existed and has ended
    ERR_CONFLICT,    // wrong state for this request
    ERR_LIMIT,       // over a limit; the text names it and its value
    ERR_DENIED,      // not allowed
    ERR_BUSY,        // try again later
    ERR_TIMEOUT,
    ERR_FULL,     // no space or no inodes
    ERR_KERNEL,   // a system call failed; `sys` holds errno
    ERR_LOST,     // the process that did the work died
    ERR_INTERNAL, // broken invariant or protocol
    ERR_N_CODES
};

struct err {
    enum err_code code;
    int sys;        // errno, or 0
    char text[200]; // lower case, no full stop, names the object
};

// Fill *e and return -1, so that a failure is one line. A NULL e is allowed.
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// As err_set, with errno: appends its text, keeps its number; ENOSPC, EDQUOT become ERR_FULL,
// ENOENT ERR_NOT_FOUND, the rest ERR_KERNEL.
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Put context in front of an error already set, once per room border. Returns -1.
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// The code's name as it is printed ("not_found"); a static string for every value.
const char *err_code_name(enum err_code code);
