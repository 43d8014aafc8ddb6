// SPDX-License-Identifier: Apache-2.0
// The order of giving up power. Each step is possible only before the one after it, and nothing
// later can take an earlier one back.
#include "confine_int.h"

#include <grp.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int set_limit(int what, rlim_t v, const char *name, struct err *e)
{
    struct rlimit have, want = {v, v};
    if (!setrlimit(what, &want))
        return 0;
    // Raising takes a capability that even root may lack in a container; less is no danger.
    if (getrlimit(what, &have) || have.rlim_max >= v)
        return err_sys(e, "limit %s", name);
    want.rlim_cur = want.rlim_max = have.rlim_max;
    return setrlimit(what, &want) ? err_sys(e, "limit %s", name) : 0;
}

static int set_limits(const struct role *role, const struct confine *how, struct err *e)
{
    rlim_t files = how->open_files ? how->open_files : role->open_files;
    // 1, not 0: with 0 the kernel still starts a piped core handler as root.
    if (set_limit(RLIMIT_CORE, 1, "core", e))
        return -1;
    return set_limit(RLIMIT_NOFILE, files, "nofile", e);
}

static int check_ids(const struct confine *how, struct err *e)
{
    uid_t r, f, s;
    gid_t gr, gf, gs;
    if (getresuid(&r, &f, &s) || getresgid(&gr, &gf, &gs))
        return err_sys(e, "ids");
    if (r != how->uid || f != how->uid || s != how->uid || gr != how->gid || gf != how->gid ||
        gs != how->gid)
        return err_set(e, ERR_INTERNAL, "ids are %u:%u, not %u:%u", r, gr, how->uid, how->gid);
    return 0;
}

static int set_ids(const struct confine *how, struct err *e)
{
    if (how->uid == CONFINE_KEEP_ID)
        return 0;
    // Started without rights (tests, the git helper in its sandbox): it must be that user already.
    if (geteuid() != 0)
        return check_ids(how, e);
    if (setgroups(0, NULL))
        return err_sys(e, "give up groups");
    if (setresgid(how->gid, how->gid, how->gid))
        return err_sys(e, "become group %u", how->gid);
    if (setresuid(how->uid, how->uid, how->uid))
        return err_sys(e, "become user %u", how->uid);
    if (getgroups(0, NULL) != 0)
        return err_set(e, ERR_INTERNAL, "groups are left");
    if (how->uid != 0 && setresuid(-1, 0, -1) == 0)
        return err_set(e, ERR_INTERNAL, "could become root again");
    return check_ids(how, e);
}

static int set_dumpable(struct err *e)
{
    // Its memory holds tokens; after a change of ids, the user's other processes could read it.
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? err_sys(e, "not dumpable") : 0;
}

static int set_no_new_privs(struct err *e)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? err_sys(e, "no_new_privs") : 0;
}

static bool is_strict(const struct confine *how)
{
    const char *v = getenv("PINFOLD_STRICT");
    return how->strict || (v && !strcmp(v, "1"));
}

int confine_self(enum confine_role which, const struct confine *how, struct err *e)
{
    const struct role *role = &roles[which];
    bool strict = is_strict(how);
    own_free struct sock_filter *insns = NULL;
    unsigned n;
    if (how->n_paths > CONFINE_PATHS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d paths", CONFINE_PATHS_MAX);
    if (confine_program(which, strict, &insns, &n, e) || set_limits(role, how, e) ||
        caps_limit_bounding(role->capabilities, e))
        return err_wrap(e, "confine %s", role->name);
    if (role->filtered && caps_lock_securebits(e))
        return err_wrap(e, "confine %s", role->name);
    if (set_ids(how, e) || caps_limit(role->capabilities, e) || set_dumpable(e) ||
        set_no_new_privs(e))
        return err_wrap(e, "confine %s", role->name);
    if (role->filtered && (landlock_apply(role, how, e) || program_load(insns, n, !strict, e)))
        return err_wrap(e, "confine %s", role->name);
    return 0;
}
