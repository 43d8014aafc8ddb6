// SPDX-License-Identifier: Apache-2.0
// Stands in for pinfold-server and pinfold-launcher to test pinfoldd: checks the start contract,
// says what it got on stderr, and misbehaves as files in its state directory ask.
#include <pinfold/conf.h>
#include <pinfold/own.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

extern char **environ;

static void say_fds(const char *name)
{
    own_dir DIR *d = opendir("/proc/self/fd");
    char text[256] = "";
    size_t n = 0;
    for (struct dirent *de; d && (de = readdir(d));)
        if (de->d_name[0] != '.' && atol(de->d_name) != dirfd(d))
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", de->d_name);
    fprintf(stderr, "%s fds:%s\n", name, text);
}

static int asked(const char *what)
{
    return !faccessat(START_STATE, what, F_OK, 0);
}

static void flood(void)
{
    for (int i = 0; i < 5000; i++)
        fprintf(stderr, "flood %d\n", i);
    char line[3000];
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    fprintf(stderr, "long %s\033[31mred\n", line);
}

int main(int argc, char **argv)
{
    const char *name = argc ? argv[0] : "?";
    static struct conf c;
    struct err e;
    setvbuf(stderr, NULL, _IOLBF, 1024);
    say_fds(name);
    if (conf_inherit(&c, &e)) {
        fprintf(stderr, "%s: %s\n", name, e.text);
        return 1;
    }
    fprintf(stderr, "%s env:%s uid:%llu listen:%llu token:%zu\n", name,
            environ[0] ? "some" : "none", (unsigned long long)c.server_uid,
            (unsigned long long)c.listen_sockets, strlen(c.admin_token));
    if (asked("die-early"))
        return 3;
    if (asked("flood"))
        flood();
    sigset_t set;
    sigemptyset(&set);
    if (!asked("ignore-term"))
        sigaddset(&set, SIGTERM);
    struct sigaction ign = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &ign, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int sig = signalfd(-1, &set, SFD_CLOEXEC);
    if (!asked("never-ready") && conf_ready(&e))
        return 1;
    struct pollfd p[] = {{.fd = sig, .events = POLLIN}, {.fd = START_READY}};
    while (poll(p, 2, -1) < 0 && errno == EINTR)
        ;
    fprintf(stderr, "%s ends: %s\n", name, p[0].revents ? "told to" : "pinfoldd is gone");
    return 0;
}
