// SPDX-License-Identifier: Apache-2.0
// From what a command was seen to call to the smallest profile that allows it.
#include <pinfold/buf.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "tap.h"

static const char text[] =
    "format=1\n"
    "[Limits]\nMemoryMax=1G\nTasksMax=100\nCPUQuota=100%\nDiskMax=1G\nFilesMax=1000\n"
    "LimitNOFILE=1024\nTmpSize=1M\nShmSize=1M\n"
    "[Sandbox]\nUser=1000\nGroup=1000\nCapabilityBoundingSet=\nNetwork=none\n"
    "[SystemCalls]\nSystemCallFilter=@init\n"
    "Allow=clone if arg0 & CLONE_NEWANY == 0 # threads\n"
    "Allow=ioctl if arg1 != TIOCSTI and arg1 != TIOCLINUX and arg1 != TIOCSETD # all\n"
    "Allow=socket if arg0 == AF_UNIX # local\n"
    "Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == 0 # "
    "net\n";

static bool allows(const struct profile *p, int nr, uint64_t a0)
{
    uint64_t args[6] = {a0, SOCK_STREAM};
    return profile_allows(p, nr, args);
}

int main(void)
{
    own_free struct profile *wide = xcalloc(1, sizeof(*wide)), *p = xcalloc(1, sizeof(*p));
    own_free struct profile *again = xcalloc(1, sizeof(*again));
    struct err e = {0};
    is_int(profile_parse("base", text, NULL, NULL, wide, &e), 0, "a base");
    ok(!allows(wide, SYS_link, 0) && !allows(wide, SYS_ptrace, 0), "allows little");
    is_int(profile_widen(wide, &e), 0, "it can be widened: %s", e.text);
    ok(allows(wide, SYS_link, 0) && allows(wide, SYS_ptrace, 0), "to what any profile may allow");
    ok(!allows(wide, SYS_keyctl, 0) && !allows(wide, SYS_mount, 0) && !allows(wide, SYS_unshare, 0),
       "and no further");
    ok(!allows(wide, SYS_socket, AF_VSOCK), "arguments stay as the base has them");
    is_int(profile_looks_at(wide, SYS_socket), 7, "three arguments of socket matter");
    is_int(profile_looks_at(wide, SYS_link), 0, "none of link");

    const struct profile_seen seen[] = {
        {.nr = SYS_link, .count = 2, .comm = "ln"},
        {.nr = SYS_socket, .args = {AF_UNIX, SOCK_STREAM}, .count = 1, .comm = "app"},
        {.nr = SYS_socket, .args = {AF_VSOCK, SOCK_STREAM}, .count = 1, .comm = "app"},
        {.nr = SYS_ptrace, .count = 1, .comm = "gdb"},
        {.nr = SYS_keyctl, .count = 1, .comm = "app"},
    };
    is_int(profile_learn(wide, seen, sizeof(seen) / sizeof(seen[0]), p, &e), 0, "%s", e.text);
    ok(allows(p, SYS_link, 0) && allows(p, SYS_ptrace, 0), "what was seen is allowed");
    ok(allows(p, SYS_socket, AF_UNIX) && !allows(p, SYS_socket, AF_INET), "with its arguments");
    ok(!allows(p, SYS_socket, AF_VSOCK) && !allows(p, SYS_keyctl, 0), "what was refused is not");
    ok(!allows(p, SYS_symlink, 0), "nor what was not seen");
    ok(allows(p, SYS_clone, 17) && allows(p, SYS_execveat, 0), "init has what it needs");
    own_buf struct buf out;
    buf_init(&out, 1 << 16);
    is_int(profile_format_short(p, &out), 0, "it has a text");
    ok(strstr(out.data, "\nSystemCallFilter=@init\n"), "with the group that is there whole");
    ok(strstr(out.data, "\nSystemCallFilter=link\n"), "and the others by name");
    ok(strstr(out.data, "\nAllow=ptrace # seen in gdb\n"), "exceptions say who made them");
    ok(strstr(out.data, "\nAllow=socket if arg0 == AF_UNIX # local\n"), "or keep their reason");
    is_int(profile_parse("learned", out.data, NULL, NULL, again, &e), 0, "it reads: %s", e.text);
    is_int((int)again->n_calls, (int)p->n_calls, "as what it was");
    own_buf struct buf diff;
    buf_init(&diff, 1 << 16);
    (void)profile_diff(p, again, &diff);
    is_int((int)diff.len, 0, "to the last call");
    return done_testing();
}
