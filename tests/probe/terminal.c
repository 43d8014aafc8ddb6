// SPDX-License-Identifier: Apache-2.0
// Terminals: pushing input into them and taking them over.
#include "probe.h"
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif

// The number as the caller gave it, bits above the 32nd too: the kernel looks at 32 of them, and
// a filter that compares 64 lets the rest through (CVE-2019-10063).
static int raw_ioctl(unsigned long request, const void *p, const char *what)
{
    return verdict(syscall(SYS_ioctl, 0, request, p), what);
}

static int t_sti(char **arg)
{
    (void)arg;
    return raw_ioctl(TIOCSTI, "#", "push input");
}
static int t_sti_high(char **arg)
{
    (void)arg;
    return raw_ioctl(TIOCSTI | 1ul << 32, "#", "push input");
}
static int t_linux(char **arg)
{
    (void)arg;
    char sub = 2; // TIOCL_SETSEL needs more; the call alone tells
    return raw_ioctl(TIOCLINUX, &sub, "select and paste");
}
static int t_linux_high(char **arg)
{
    (void)arg;
    char sub = 2;
    return raw_ioctl(TIOCLINUX | 1ul << 63, &sub, "select and paste");
}
// N_HDLC and others were kernel holes (CVE-2017-2636); any change of discipline loads a module.
static int t_discipline(char **arg)
{
    int n = atoi(arg[0]);
    return raw_ioctl(TIOCSETD, &n, "change the line discipline");
}
static int t_console(char **arg)
{
    (void)arg;
    return raw_ioctl(TIOCCONS, NULL, "take the console's output");
}
static int t_steal(char **arg)
{
    (void)arg;
    return verdict(ioctl(0, TIOCSCTTY, 1), "take the terminal from its session");
}
static int t_pgrp(char **arg)
{
    pid_t group = (pid_t)atoi(arg[0]);
    return verdict(ioctl(0, TIOCSPGRP, &group), "change the foreground group");
}
static int t_hangup(char **arg)
{
    (void)arg;
    return verdict(syscall(SYS_vhangup), "hang up the terminal");
}

static const struct probe_row rows[] = {
    {"sti", 0, true, t_sti, ""},
    {"sti-high", 0, true, t_sti_high, ""},
    {"linux", 0, true, t_linux, ""},
    {"linux-high", 0, true, t_linux_high, ""},
    {"discipline", 1, true, t_discipline, "NUMBER"},
    {"console", 0, true, t_console, ""},
    {"steal", 0, true, t_steal, ""},
    {"pgrp", 1, true, t_pgrp, "GROUP"},
    {"hangup", 0, true, t_hangup, ""},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
