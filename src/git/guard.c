// SPDX-License-Identifier: Apache-2.0
// Limits that hold whatever the library does: a deadline (libgit2 1.5 has no timeouts), the size
// of a file it writes, the size of one allocation (a delta of a few bytes may claim gigabytes).
#include "git_int.h"

#include <errno.h>
#include <git2/sys/alloc.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

static _Atomic uint64_t alloc_max = UINT64_MAX;
static atomic_bool alloc_refused;

void guard_alloc_max(uint64_t bytes)
{
    alloc_refused = false;
    alloc_max = bytes;
}

bool guard_alloc_refused(void)
{
    return alloc_refused;
}

static bool refused(size_t n)
{
    if (n <= alloc_max)
        return false;
    alloc_refused = true;
    git_error_set_oom();
    return true;
}

static void *guard_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return refused(n) ? NULL : malloc(n ? n : 1);
}

static void *guard_calloc(size_t n, size_t size, const char *file, int line)
{
    size_t all;
    (void)file, (void)line;
    if (__builtin_mul_overflow(n, size, &all) || refused(all))
        return NULL;
    return calloc(all ? all : 1, 1);
}

static void *guard_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return refused(n) ? NULL : realloc(p, n ? n : 1);
}

static void *guard_reallocarray(void *p, size_t n, size_t size, const char *file, int line)
{
    size_t all;
    return __builtin_mul_overflow(n, size, &all) ? NULL : guard_realloc(p, all, file, line);
}

static void *guard_mallocarray(size_t n, size_t size, const char *file, int line)
{
    return guard_reallocarray(NULL, n, size, file, line);
}

static char *guard_substrdup(const char *s, size_t n, const char *file, int line)
{
    char *copy = n < SIZE_MAX ? guard_malloc(n + 1, file, line) : NULL;
    if (!copy)
        return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

static char *guard_strndup(const char *s, size_t n, const char *file, int line)
{
    return guard_substrdup(s, strnlen(s, n), file, line);
}

static char *guard_strdup(const char *s, const char *file, int line)
{
    return guard_substrdup(s, strlen(s), file, line);
}

static git_allocator allocator = {
    .gmalloc = guard_malloc,
    .gcalloc = guard_calloc,
    .gstrdup = guard_strdup,
    .gstrndup = guard_strndup,
    .gsubstrdup = guard_substrdup,
    .grealloc = guard_realloc,
    .greallocarray = guard_reallocarray,
    .gmallocarray = guard_mallocarray,
    .gfree = free,
};

static void on_alarm(int sig)
{
    (void)sig;
    say_fatal(SAY_TIMEOUT, REPO_EXIT_TIMEOUT);
}

// The library writes packs through a mapping: a full disk is a SIGBUS, not an error.
static void on_bus(int sig)
{
    (void)sig;
    say_fatal(SAY_DISK_FULL, REPO_EXIT_FAILED);
}

static int set_handler(int sig, void (*handler)(int), struct err *e)
{
    struct sigaction sa = {.sa_handler = handler};
    return sigaction(sig, &sa, NULL) < 0 ? err_sys(e, "handle signal %d", sig) : 0;
}

int guard_start(const struct repo_limits *l, struct err *e)
{
    uint64_t file = l->bytes > l->file_bytes ? l->bytes : l->file_bytes;
    struct rlimit size = {file, file};
    struct itimerval timer = {.it_value.tv_sec = (time_t)l->seconds};
    say_prepare(l->seconds);
    // SIGXFSZ ignored, a write over the limit fails with EFBIG.
    if (set_handler(SIGALRM, on_alarm, e) < 0 || set_handler(SIGBUS, on_bus, e) < 0 ||
        set_handler(SIGPIPE, SIG_IGN, e) < 0 || set_handler(SIGXFSZ, SIG_IGN, e) < 0)
        return -1;
    if (setrlimit(RLIMIT_FSIZE, &size) < 0)
        return err_sys(e, "limit file sizes");
    if (setitimer(ITIMER_REAL, &timer, NULL) < 0)
        return err_sys(e, "set the deadline");
    // Before git_libgit2_init, which allocates.
    if (git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator) < 0)
        return err_set(e, ERR_INTERNAL, "the library takes no allocator");
    return 0;
}
