// SPDX-License-Identifier: Apache-2.0
// What is a profile and what is not, with the line that says so.
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include "tap.h"

static const char base_text[] =
    "format=1\n"
    "[Profile]\nDescription=the base\n"
    "[Limits]\nMemoryMax=1G\nTasksMax=100\nCPUQuota=100%\nDiskMax=1G\nFilesMax=1000\n"
    "LimitNOFILE=1024\nTmpSize=1M\nShmSize=1M\n"
    "[Sandbox]\nUser=1000\nGroup=1000\nCapabilityBoundingSet=CAP_CHOWN\nNetwork=none\n"
    "[SystemCalls]\nSystemCallFilter=@init\n"
    "Allow=clone if arg0 & CLONE_NEWANY == 0 # threads\n"
    "Allow=ioctl if arg1 != TIOCSTI and arg1 != TIOCLINUX and arg1 != TIOCSETD # all\n"
    "Allow=personality if arg0 == 0 # somebody\n";

static const char *lookup(void *arg, const char *name)
{
    unsigned *calls = arg;
    ++*calls;
    if (!strcmp(name, "base"))
        return base_text;
    if (!strcmp(name, "second"))
        return "format=1\n[Profile]\nExtends=base\n";
    return NULL;
}

// Every profile here extends a sound one, so that only the line in question can be wrong.
static void is_error(const char *lines, const char *want)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    own_free char *text = xasprintf("format=1\n[Profile]\nExtends=base\n%s", lines);
    struct err e = {0};
    unsigned calls = 0;
    int r = profile_parse("x", text, lookup, &calls, p, &e);
    if (!ok(r == -1 && strstr(e.text, want), "%s", want))
        printf("# got %d '%s'\n", r, e.text);
}

static void is_plain_error(const char *text, const char *want)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    struct err e = {0};
    unsigned calls = 0;
    int r = profile_parse("x", text, lookup, &calls, p, &e);
    if (!ok(r == -1 && strstr(e.text, want), "%s", want))
        printf("# got %d '%s'\n", r, e.text);
}

static int parse(const char *lines, struct profile *p)
{
    own_free char *text = xasprintf("format=1\n[Profile]\nExtends=base\n%s", lines);
    struct err e = {0};
    unsigned calls = 0;
    int r = profile_parse("x", text, lookup, &calls, p, &e);
    if (r)
        printf("# %s\n", e.text);
    return r;
}

static void test_errors(void)
{
    is_plain_error("", "the first line must be format=1");
    is_plain_error("[Profile]\nformat=1\n", "x.profile:1: the first line must be format=1");
    is_plain_error("format=2\n", "x.profile:1: the first line must be format=1");
    is_plain_error("format=1\n[Limits]\nMemoryMax=1G\n", "TasksMax= is missing from [Limits]");
    is_plain_error("format=1\n[Profile]\nExtends=absent\n",
                   "extends 'absent', which does not exist");
    is_plain_error("format=1\n[Profile]\nExtends=../base\n", "x.profile:3: Extends");
    is_plain_error("format=1\n[Profile]\nExtends=second\n", "only one step is allowed");
    is_error("Extends=base\n", "x.profile:4: Extends stands here a second time");
    is_error("[Limit]\n", "x.profile:4: no section is called 'Limit'");
    is_error("[Limits]\nMemory=1G\n", "x.profile:5: no key is called 'Memory'");
    is_error("MemoryMax=1G\n", "x.profile:4: MemoryMax belongs in [Limits]");
    is_error("[Limits]\nMemoryMax=1X\n", "x.profile:5: MemoryMax: '1X' is not a size");
    is_error("[Limits]\nMemoryMax=0\n", "x.profile:5: MemoryMax: 0 is no MemoryMax");
    is_error("[Limits]\nMemoryMax=1K\n", "is not from 4194304 to");
    is_error("[Limits]\nMemoryMax=1G\nMemoryMax=2G\n",
             "x.profile:6: MemoryMax stands here a second");
    is_error("[Limits]\nTasksMax=-1\n", "is not a whole number");
    is_error("[Limits]\nTasksMax=1\n", "is not from 4 to");
    is_error("[Limits]\nCPUQuota=fast\n", "is not a percentage");
    is_error("[Limits]\nRuntimeMaxSec=1y\n", "is not a duration");
    is_error("[Limits]\nTmpSize=infinity\n", "is not from 64K to 1T");
    is_error("[Sandbox]\nUser=root\n", "x.profile:5: User: 'root' is not a whole number");
    is_error("[Sandbox]\nUser=65534\n", "is not between 0 and 65533");
    is_error("[Sandbox]\nNetwork=some\n", "'some' is not one of none, full, allow-list, host");
    is_error("[Sandbox]\nWorkspaceReadOnly=true\n", "'true' is neither yes nor no");
    is_error("[Sandbox]\nCapabilityBoundingSet=CHOWN\n", "'CHOWN' is not a capability");
    is_error("[Sandbox]\nCoreScheduling=full\n", "'full' is not one of no, yes, required");
    is_error("[Sandbox]\nReadWritePaths=tmp\n", "'tmp' is not an absolute directory");
    is_error("[Sandbox]\nReadWritePaths=/\n", "'/' is not an absolute directory");
    is_error("[Sandbox]\nReadWritePaths=/tmp/../etc\n", "is not an absolute directory");
    is_error("[Sandbox]\nReadWritePaths=/a /b /c /d /e /f\nReadWritePaths=/g /h /i\n",
             "more than 8 directories");
    is_error("[Sandbox]\nLandlock=yes\n", "Landlock= without ReadWritePaths=");
    is_error("[Sandbox]\nLandlock=yes\nReadWritePaths=/a\nReadWritePaths=\n",
             "Landlock= without ReadWritePaths=");
    is_error("[Sandbox]\nLandlock=yes\nReadWritePaths=/a\nUserNamespaces=yes\n",
             "Landlock= forbids all mounting");
    is_error("[SystemCalls]\nSystemCallErrorNumber=EACCES\n", "'EACCES' is neither EPERM nor kill");
    is_error("[SystemCalls]\nSystemCallFilter=@all\n", "'@all' is not a group");
    is_error("[SystemCalls]\nSystemCallFilter=opne\n",
             "x.profile:5: SystemCallFilter: 'opne' is not");
    is_error("[SystemCalls]\nSystemCallFilter=a_name_that_is_longer_than_any_call_has\n",
             "is not a sys");
    is_error("nonsense\n", "x.profile:4: 'nonsense' is not Key=value");
}

static void test_condition_errors(void)
{
    is_error("[SystemCalls]\nAllow=ptrace\n", "x.profile:5: Allow: no comment (# ...) says who");
    is_error("[SystemCalls]\nAllow=ptrace #\n", "no comment (# ...) says who needs it");
    is_error("[SystemCalls]\nAllow=ptrace # \t\n", "no comment (# ...) says who needs it");
    is_error("[SystemCalls]\nAllow=nothing # me\n", "'nothing' is not a system call");
    is_error("[SystemCalls]\nAllow=ptrace arg0 == 1 # me\n", "stands where 'if' must");
    is_error("[SystemCalls]\nAllow=ptrace if # me\n", "'' stands where arg0 to arg5");
    is_error("[SystemCalls]\nAllow=ptrace if arg6 == 1 # me\n", "'arg6' stands where arg0 to arg5");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 = 1 # me\n", "'=' is not one of == != <=");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 == # me\n", "neither a number nor a value of");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 == AF_UNIX # me\n", "of ptrace's argument 0");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 & 1 == 2 # me\n", "has bits outside the mask");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 == 0x100000000 # me\n", "bits outside the mask");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 == 0x11112222333344445 # me\n",
             "neither a number");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 == 1 or arg0 == 2 # me\n",
             "stands where 'and' must");
    is_error("[SystemCalls]\nAllow=ptrace if arg0 == 1 and # me\n", "stands where arg0 to arg5");
    is_error("[SystemCalls]\n"
             "Allow=ptrace if arg0 <= 1 and arg1 <= 1 and arg2 <= 1 and arg3 <= 1 # me\n",
             "more than 3 conditions");
}

static void test_never(void)
{
    is_error("[SystemCalls]\nSystemCallFilter=keyctl\n",
             "keyctl is allowed in no profile: keyrings");
    is_error("[SystemCalls]\nAllow=bpf # me\n", "bpf is allowed in no profile");
    is_error("[Profile]\nInternal=yes\n[SystemCalls]\nAllow=kexec_load # me\n", "in no profile");
    is_error("[SystemCalls]\nAllow=socket # everything\n", "must refuse socket(");
    is_error("[SystemCalls]\nAllow=socket if arg0 == 38 # me\n", "must refuse socket(0x26");
    is_error("[SystemCalls]\nAllow=ioctl # everything\n", "must refuse ioctl(");
    is_error("[SystemCalls]\nAllow=ioctl if arg1 & 0xffffffffffffffff != TIOCSTI # 64 bits\n",
             "must refuse ioctl(");
    is_error("[SystemCalls]\nAllow=clone # everything\n", "must refuse clone(");
    is_error("[SystemCalls]\nAllow=unshare # everything\n", "must refuse unshare(");
    is_error("[SystemCalls]\nSystemCallFilter=@mount\n", "must refuse mount(");
    is_error("[SystemCalls]\nSystemCallFilter=~execve\n", "must allow execve(");
    is_error("[SystemCalls]\nSystemCallFilter=\n", "must allow recvmsg(");
    is_error("[Sandbox]\nNetwork=host\n", "Network=host is for internal profiles only");
    is_error("[Sandbox]\nPrivilegedMounts=yes\n", "is for internal profiles only");
    is_error("[Sandbox]\nCapabilityBoundingSet=CAP_SYS_ADMIN\n", "CAP_SYS_ADMIN is for internal");
    is_error("[Sandbox]\nCapabilityBoundingSet=CAP_NET_ADMIN\n", "CAP_NET_ADMIN is for internal");
}

static bool allows(const struct profile *p, const char *call, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t args[6] = {a, b, c};
    int nr = -1;
    return profile_call_find(call, &nr) && profile_allows(p, nr, args);
}

static void test_extends(void)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    unsigned calls = 0;
    struct err e;
    is_int(profile_parse("x", "format=1\n[Profile]\nExtends=base\n", lookup, &calls, p, &e), 0,
           "a profile that says nothing of its own");
    is_int(calls, 1, "the base is looked up once");
    is_str(p->name, "x", "has its own name");
    is_str(p->extends, "base", "and its base's");
    is_str(p->description, "", "not its description");
    is_int(p->limits.memory_bytes, 1ull << 30, "it has its base's memory");
    is_int(p->capabilities, 1, "and capabilities");
    ok(allows(p, "read", 0, 0, 0) && !allows(p, "ptrace", 0, 0, 0), "and calls");

    is_int(parse("Description=mine\n[Limits]\nMemoryMax=2G\nTasksMax=infinity\nRuntimeMaxSec=90s\n"
                 "[Sandbox]\nUser=7\nCapabilityBoundingSet=CAP_KILL CAP_FOWNER\n"
                 "CapabilityBoundingSet=~CAP_CHOWN CAP_FOWNER\nUserNamespaces=yes\n"
                 "[SystemCalls]\nSystemCallErrorNumber=kill\nSystemCallFilter=@trace\n"
                 "SystemCallFilter=~kcmp personality\nAllow=unshare # podman\n",
                 p),
           0, "one that says everything anew");
    is_str(p->description, "mine", "description");
    is_int(p->limits.memory_bytes, 2ull << 30, "memory");
    is_int(p->limits.pids, 0, "infinity is no limit");
    is_int(p->limits.wall_ms, 90000, "wall time");
    is_int(p->uid, 7, "user");
    is_int(p->gid, 1000, "the group is its base's still");
    is_int(p->capabilities, 1 << 5, "capabilities add up and are taken away");
    is_int(p->refuse, REFUSE_KILL, "refused calls kill");
    ok(allows(p, "ptrace", 0, 0, 0) && !allows(p, "kcmp", 0, 0, 0), "a group less one call");
    ok(!allows(p, "personality", 0, 0, 0), "calls with conditions are taken away too");
    ok(allows(p, "unshare", 0x10000000, 0, 0), "nested namespaces, since it says so twice");

    is_int(parse("[Sandbox]\nCapabilityBoundingSet=\nCapabilityBoundingSet=CAP_KILL\n", p), 0,
           "an empty line");
    is_int(p->capabilities, 1 << 5, "forgets the base's");
}

static void test_rows(void)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    is_int(parse("[SystemCalls]\nAllow=kcmp if arg0 == 5 # a\nAllow=kcmp if arg0 == 0x5 # b\n", p),
           0, "the same condition twice");
    unsigned before = p->n_calls;
    is_int(parse("[SystemCalls]\nAllow=kcmp if arg0 == 5 # a\n", p), 0, "and once");
    is_int(p->n_calls, before, "are one row");
    is_int(parse("[SystemCalls]\nAllow=kcmp if arg0 == 5 # a\nAllow=kcmp if arg1 <= 9 # b\n"
                 "Allow=kcmp # all\n",
                 p),
           0, "a condition, another and none");
    is_int(p->n_calls, before, "are one row");
    ok(allows(p, "kcmp", 1, 77, 0), "which is the one without");
    is_int(parse("[SystemCalls]\nAllow=read if arg0 == 5 # no use\n", p), 0,
           "a condition on a call that a group allows");
    ok(allows(p, "read", 6, 0, 0), "says nothing");

    is_int(
        parse("[SystemCalls]\nAllow=kcmp if arg0 & 0xf0 == 0x30 and arg1 != 7 and arg2 <= 9 # c\n",
              p),
        0, "three conditions");
    ok(allows(p, "kcmp", 0x3f, 8, 9) && allows(p, "kcmp", 0xffff00000000ff3full, 6, 0), "hold");
    ok(!allows(p, "kcmp", 0x2f, 8, 9) && !allows(p, "kcmp", 0x3f, 7, 9) &&
           !allows(p, "kcmp", 0x3f, 0xff00000007ull, 9) && !allows(p, "kcmp", 0x3f, 8, 10),
       "and each of them counts, in its low half");
    is_int(
        parse("[SystemCalls]\nAllow=kcmp if arg0 & 0xffffffffffffffff == 0x100000005 # wide\n", p),
        0, "a mask of 64 bits");
    ok(allows(p, "kcmp", 0x100000005, 0, 0) && !allows(p, "kcmp", 5, 0, 0), "looks at all of them");
    own_free char *joined =
        xasprintf("[SystemCalls]\nAllow=kcmp if \\\n  arg0 == 5 # over two lines\n");
    is_int(parse(joined, p), 0, "a line may go on after a backslash");
    ok(allows(p, "kcmp", 5, 0, 0) && !allows(p, "kcmp", 6, 0, 0), "and means the same");
}

static void test_untouched(void)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    own_free struct profile *before = xcalloc(1, sizeof(*before));
    memset(p, 0x5a, sizeof(*p));
    *before = *p;
    struct err e;
    ok(profile_parse("x", "format=1\n[Limits]\nMemoryMax=1G\nwrong\n", NULL, NULL, p, &e) == -1 &&
           !memcmp(p, before, sizeof(*p)),
       "a failed parse leaves its result alone");
    ok(profile_parse("../x", base_text, NULL, NULL, p, &e) == -1, "%s", e.text);
}

int main(void)
{
    test_errors();
    test_condition_errors();
    test_never();
    test_extends();
    test_rows();
    test_untouched();
    return done_testing();
}
