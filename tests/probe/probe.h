// SPDX-License-Identifier: Apache-2.0
// What all probes share. A probe is a static program with sub-commands; each tries one thing and
// says in one line what came of it:
//
//   worked: WHAT            exit code 0   the thing was done
//   refused: WHAT: ERRNO    exit code 1   the kernel said no, and how
//   broken: WHAT            exit code 2   it could not even be tried
//   not here: WHY           exit code 3   a hostile one, outside a sandbox
//
// Hostile sub-commands really do what they try, so in the initial user namespace, where it would
// hit the machine, they do not start. That check stands in probe_main, before any of them.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

struct probe_row {
    const char *name;
    int n_args; // at least
    bool hostile;
    int (*run)(char **arg);
    const char *usage;
};

// --- where are we --------------------------------------------------------------------------------

// The initial user namespace has the whole id range mapped onto itself, and a number that the
// kernel fixes (PROC_USER_INIT_INO). Either is enough, and so is not knowing.
static bool probe_is_initial(const char *uid_map, const char *ns_link)
{
    unsigned long long inside = 1, outside = 1, count = 0;
    if (!uid_map || !ns_link || strncmp(ns_link, "user:[", 6))
        return true;
    if (!strcmp(ns_link, "user:[4026531837]"))
        return true;
    if (sscanf(uid_map, "%llu %llu %llu", &inside, &outside, &count) != 3)
        return *uid_map != 0; // an empty map is a namespace nobody has mapped yet
    return inside == 0 && outside == 0 && count == 4294967295ull;
}

static bool probe_outside(void)
{
    char map[256] = "", link[64];
    int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, map, sizeof(map) - 1);
    if (fd >= 0)
        close(fd);
    ssize_t len = readlink("/proc/self/ns/user", link, sizeof(link) - 1);
    if (n < 0 || len < 0)
        return true;
    link[len] = 0;
    return probe_is_initial(map, link);
}

// --- what came of it -----------------------------------------------------------------------------

UNUSED __attribute__((format(printf, 1, 2))) static int worked(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("worked: ");
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    return 0;
}

UNUSED static int refused(const char *what)
{
    const char *name = strerrorname_np(errno);
    printf("refused: %s: %s\n", what, name ? name : "?");
    return 1;
}

UNUSED __attribute__((format(printf, 1, 2))) static int broken(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("broken: ");
    vprintf(fmt, ap);
    printf(" (%s)\n", strerrorname_np(errno) ? strerrorname_np(errno) : "?");
    va_end(ap);
    return 2;
}

UNUSED static int verdict(long r, const char *what)
{
    return r < 0 ? refused(what) : worked("%s", what);
}

static int probe_main(int argc, char **argv, const struct probe_row *rows, size_t n_rows)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; argc > 1 && i < n_rows; i++) {
        const struct probe_row *r = &rows[i];
        if (strcmp(r->name, argv[1]))
            continue;
        if (argc - 2 < r->n_args)
            break;
        if (r->hostile && probe_outside()) {
            printf("not here: %s is hostile and this is the initial user namespace\n", r->name);
            return 3;
        }
        errno = 0;
        return r->run(argv + 2);
    }
    for (size_t i = 0; i < n_rows; i++)
        printf("%s %s%s\n", rows[i].name, rows[i].usage, rows[i].hostile ? " (hostile)" : "");
    return 2;
}
