// SPDX-License-Identifier: Apache-2.0
// pinfold upgrade: tell the pinfoldd of this host to replace its processes, and wait for what comes
// of it. It is told by a signal, and what it says stands in its status file.
#include "cli_int.h"
#include "commands_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/keyfile.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>

#define STATUS_FILE "pinfoldd.status"
#define LOOK_MS 20
#define PATIENCE_MS 180000 // a launcher that cleans up can take long

struct status {
    uint64_t pid, turns;
    char result[400];
};

static int read_status(int state, struct status *ret, struct err *e)
{
    struct keyfile k;
    struct keyfile_entry en;
    own_buf struct buf text;
    buf_init(&text, 4096);
    *ret = (struct status){0};
    if (io_read_file(state, STATUS_FILE, &text, e) ||
        keyfile_init(&k, STATUS_FILE, text.data, text.len, e))
        return -1;
    int r;
    while ((r = keyfile_next(&k, &en, e)) > 0) {
        const char *key = en.key ? en.key : "";
        if (!strcmp(key, "Result"))
            (void)snprintf(ret->result, sizeof(ret->result), "%s", en.value);
        else if (num_parse_u64(en.value, 0, UINT32_MAX,
                               strcmp(key, "Pid") ? &ret->turns : &ret->pid, e))
            r = -1;
        if (r < 0)
            break;
    }
    keyfile_release(&k);
    return r;
}

// The lock is held by the pinfoldd that lives; its number is the one it wrote, if that is a
// pinfoldd still.
static int find(int state, struct status *ret, struct err *e)
{
    own_fd int layers = openat(state, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (layers < 0 || !flock(layers, LOCK_EX | LOCK_NB))
        return err_set(e, ERR_NOT_FOUND, "no pinfoldd uses this state directory");
    if (read_status(state, ret, e))
        return err_set(e, ERR_BUSY, "pinfoldd has not started yet");
    own_fd int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)ret->pid, 0);
    char path[64], exe[4096];
    (void)snprintf(path, sizeof(path), "/proc/%llu/exe", (unsigned long long)ret->pid);
    ssize_t n = pidfd < 0 ? -1 : readlink(path, exe, sizeof(exe) - 1);
    exe[n < 0 ? 0 : n] = '\0';
    const char *name = strrchr(exe, '/');
    if (!name || strncmp(name, "/pinfoldd", 9))
        return err_set(e, ERR_BUSY, "pinfoldd has not started yet");
    return fd_steal(&pidfd);
}

static int upgrade(const struct cli *c, struct status *now, struct err *e)
{
    struct status before;
    bool there;
    own_fd int state = host_state_look(c, &there, e);
    if (state < 0)
        return -1;
    if (!there)
        return err_set(e, ERR_NOT_FOUND, "there is no state directory");
    own_fd int pidfd = find(state, &before, e);
    if (pidfd < 0)
        return -1;
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGHUP, NULL, 0))
        return err_sys(e, "tell pinfoldd");
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    do {
        struct pollfd gone = {.fd = pidfd, .events = POLLIN};
        if (poll(&gone, 1, LOOK_MS) > 0)
            return err_set(e, ERR_LOST, "pinfoldd ended meanwhile; see its log");
        if (clock_mono_ms() > end)
            return err_set(e, ERR_TIMEOUT, "pinfoldd is not done after %d s; see its log",
                           PATIENCE_MS / 1000);
        if (read_status(state, now, e))
            return -1;
    } while (now->turns == before.turns);
    return 0;
}

int cmd_upgrade(struct cli *c)
{
    struct err e;
    struct status now;
    if (upgrade(c, &now, &e))
        return cli_fail(EXIT_FAILED, &e);
    if (strncmp(now.result, "ok: ", 4)) {
        (void)err_set(&e, ERR_CONFLICT, "%s", now.result);
        return cli_fail(EXIT_FAILED, &e);
    }
    own_buf struct buf out;
    buf_init(&out, 4096);
    (void)buf_printf(&out, "server and launcher are replaced, %s\n", now.result + 4);
    return cli_print(&out);
}
