// SPDX-License-Identifier: Apache-2.0
// The error value.
#include <pinfold/err.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[ERR_N_CODES] = {
    [ERR_NONE] = "none",           [ERR_BAD_REQUEST] = "bad_request",
    [ERR_NOT_FOUND] = "not_found", [ERR_GONE] = "gone",
    [ERR_CONFLICT] = "conflict",   [ERR_LIMIT] = "limit",
    [ERR_DENIED] = "denied",       [ERR_BUSY] = "busy",
    [ERR_TIMEOUT] = "timeout",     [ERR_FULL] = "disk_full",
    [ERR_KERNEL] = "kernel",       [ERR_LOST] = "lost",
    [ERR_INTERNAL] = "internal",
};

const char *err_code_name(enum err_code code)
{
    return code < ERR_N_CODES ? code_names[code] : "unknown";
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (!e)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    e->code = code;
    e->sys = 0;
    (void)vsnprintf(e->text, sizeof(e->text), fmt, ap); // cut at the size on purpose
    va_end(ap);
    return -1;
}

static enum err_code code_of_errno(int sys)
{
    switch (sys) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOENT:
        return ERR_NOT_FOUND;
    default:
        return ERR_KERNEL;
    }
}

int err_sys(struct err *e, const char *fmt, ...)
{
    int sys = errno;
    if (!e)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    e->code = code_of_errno(sys);
    e->sys = sys;
    int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(e->text))
        (void)snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", strerror(sys));
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    if (!e)
        return -1;
    char old[sizeof(e->text)];
    memcpy(old, e->text, sizeof(old));
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(e->text))
        (void)snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", old);
    return -1;
}
