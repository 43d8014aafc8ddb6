// SPDX-License-Identifier: Apache-2.0
// pinfold serve: becomes pinfoldd.
#include "commands_int.h"

#include <pinfold/conf.h>
#include <pinfold/own.h>
#include <sys/syscall.h>

extern char **environ;

int cmd_serve(struct cli *c)
{
    static const char *const passed[] = {"listen", "state", "config"};
    char *argv[2 * N_ELEMS(passed) + 2];
    unsigned n = 0;
    struct err e;
    own_fd int dir = conf_bin_dir(&e);
    if (dir < 0)
        return cli_fail(EXIT_FAILED, &e);
    argv[n++] = (char *)(uintptr_t) "pinfoldd";
    for (size_t i = 0; i < N_ELEMS(passed); i++)
        if (cli_get(c, passed[i])) {
            argv[n++] = xasprintf("--%s", passed[i]); // until exec
            argv[n++] = (char *)(uintptr_t)cli_get(c, passed[i]);
        }
    argv[n] = NULL;
    (void)syscall(SYS_execveat, dir, "pinfoldd", argv, environ, 0);
    err_sys(&e, "start pinfoldd");
    return cli_fail(EXIT_FAILED, &e);
}
