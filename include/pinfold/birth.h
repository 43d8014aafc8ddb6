// SPDX-License-Identifier: Apache-2.0
// A command's process from its birth until it executes: group, session, descriptors, user, working
// directory. It shares init's memory meanwhile (clone_apart.h), and init may go on beside it.
#pragma once
#include <limits.h>
#include <pinfold/passwd.h>

// Why a birth ended with 127 instead of executing; step is NULL otherwise.
struct birth_failure {
    const char *step;
    int sys;
};
// All of it is the child's until it has executed or ended; what it points to must stay until then.
struct birth {
    char **argv, **envp;
    const char *cwd;
    struct passwd_user who;
    char path[PATH_MAX]; // room to try the directories of PATH
    int program_fd;      // >= 0: execute this descriptor, not argv[0]
    int in, out, err;
    bool tty;               // make in the controlling terminal
    int v1_memory, v1_pids; // directories of groups to join, or -1
    struct birth_failure *failure;
};
_Noreturn void birth(void *birth);                              // a struct birth; for clone_apart
const char *birth_env(const struct birth *b, const char *name); // NULL: not in its environment
