// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <pinfold/own.h>
#include <tap.h>

static int leaked;
static void scope(void)
{
    own_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    leaked = fd;
}

int main(void)
{
    scope();
    ok(leaked >= 0 && fcntl(leaked, F_GETFD) < 0, "an owned descriptor ends with its scope");
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), taken = fd_steal(&fd);
    ok(fd == -1 && fcntl(taken, F_GETFD) >= 0, "a stolen one lives on, -1 stays behind");
    errno = 77;
    fd_close(&taken);
    ok(taken == -1 && errno == 77, "closing leaves -1 and keeps errno");
    fd_close(&taken);
    char *p = xstrdup("x"), *q = ptr_steal(&p);
    ok(!p && q, "a stolen pointer leaves NULL");
    free(q);
    q = xmemdup0("a\0b", 3);
    ok(!memcmp(q, "a\0b", 4), "bytes are copied with a NUL behind");
    free(q);
    q = xasprintf("%d-%s", 1, "z");
    is_str(q, "1-z", "text is formatted");
    free(q);
    free(xcalloc(0, 0));
    return done_testing();
}
