// SPDX-License-Identifier: Apache-2.0
// What the steps are called: for init, which does them, and for those who print a plan or a failure.
#include <pinfold/stage.h>

const char *const step_names[STEP_N_KINDS] = {
    [STEP_IDS] = "ids",
    [STEP_KEYRING] = "keyring",
    [STEP_CGROUP_NS] = "cgroup_ns",
    [STEP_PRIVATE] = "private",
    [STEP_STAGE] = "stage",
    [STEP_UPPER] = "upper",
    [STEP_ROOT] = "root",
    [STEP_TREE] = "tree",
    [STEP_FILES] = "files",
    [STEP_TMPFS] = "tmpfs",
    [STEP_PROC] = "proc",
    [STEP_DEV] = "dev",
    [STEP_PTS] = "pts",
    [STEP_HIDE] = "hide",
    [STEP_READ_ONLY] = "read_only",
    [STEP_PIVOT] = "pivot",
    [STEP_HOSTNAME] = "hostname",
    [STEP_LOOPBACK] = "loopback",
    [STEP_LISTEN] = "listen",
    [STEP_NO_USERNS] = "no_userns",
    [STEP_RLIMITS] = "rlimits",
    [STEP_CORE_SCHED] = "core_sched",
    [STEP_NO_NEW_PRIVS] = "no_new_privs",
    [STEP_WRITABLE] = "writable",
    [STEP_LANDLOCK] = "landlock",
    [STEP_INIT] = "init",
};
