// SPDX-License-Identifier: Apache-2.0
// Cleanup attributes. A local that owns something is declared with one of these and a null value
// on the same line; giving it away is a `steal`, visible at the call.
#pragma once
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_free_cleanup(void *p)
{
    free(*(void **)p);
}
static inline void own_fd_cleanup(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); // nothing to do about a failing close of a descriptor we only read
}
static inline void own_dir_cleanup(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}
static inline void own_file_cleanup(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}
#define own_free __attribute__((cleanup(own_free_cleanup)))
#define own_fd __attribute__((cleanup(own_fd_cleanup)))
#define own_dir __attribute__((cleanup(own_dir_cleanup)))
#define own_file __attribute__((cleanup(own_file_cleanup)))

// Take the descriptor out of *fd and leave -1 there.
static inline int fd_steal(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}
// Close *fd if it is open and leave -1 there; errno is kept.
void fd_close(int *fd);
// Take the pointer out of *pp and leave NULL there.
#define ptr_steal(pp)                                                                              \
    ({                                                                                             \
        typeof(*(pp)) v_ = *(pp);                                                                  \
        *(pp) = NULL;                                                                              \
        v_;                                                                                        \
    })

// Allocation that cannot return NULL: out of memory aborts, since every process is supervised
// and every size that comes from outside is capped before it gets here.
void *xmalloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((alloc_size(2)));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xmemdup0(const void *p, size_t n) __attribute__((malloc, returns_nonnull)); // adds a NUL
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#define N_ELEMS(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
