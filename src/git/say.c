// SPDX-License-Identifier: Apache-2.0
// Everything that pinfold-git says. Each message is one write, so that a signal handler's last
// words do not stand in the middle of a line.
#include "git_int.h"

#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <string.h>
#include <unistd.h>

static struct {
    char text[512];
    size_t len;
} fatal[SAY_N];

static void put(struct buf *b)
{
    (void)io_write_full(STDOUT_FILENO, b->data, b->len); // the reader is gone: nobody to tell
    buf_release(b);
}

void say_progress(enum repo_phase phase, uint64_t done, uint64_t total, uint64_t bytes)
{
    static uint64_t last_ms;
    static enum repo_phase last_phase = REPO_PHASE_N;
    uint64_t now = clock_mono_ms();
    if (phase == last_phase && now - last_ms < 100)
        return;
    last_ms = now;
    last_phase = phase;
    struct repo_progress p = {phase, done, total, bytes};
    struct buf b;
    buf_init(&b, 256);
    repo_progress_format(&p, &b);
    put(&b);
}

void say_change(char status, const char *path)
{
    struct buf b;
    buf_init(&b, REPO_CHANGE_PATH_MAX + 16);
    if (repo_change_format(status, path, &b))
        buf_release(&b);
    else
        put(&b);
}

void say_result(const struct job *j)
{
    struct buf b;
    buf_init(&b, 4096);
    repo_result_format(&j->r, &b);
    put(&b);
}

void say_error(const struct err *e, const char *detail)
{
    struct buf b;
    buf_init(&b, 4096);
    repo_error_format(e, detail, &b);
    put(&b);
}

static void prepare(enum say_fatal what, const struct err *e)
{
    struct buf b;
    buf_init(&b, sizeof(fatal[what].text));
    repo_error_format(e, "", &b);
    memcpy(fatal[what].text, b.data, b.len);
    fatal[what].len = b.len;
    buf_release(&b);
}

void say_prepare(uint64_t seconds)
{
    struct err e;
    (void)err_set(&e, ERR_TIMEOUT, "the repository was not there within %llu seconds",
                  (unsigned long long)seconds);
    prepare(SAY_TIMEOUT, &e);
    (void)err_set(&e, ERR_FULL, "no space left for the repository");
    prepare(SAY_DISK_FULL, &e);
}

void say_fatal(enum say_fatal what, int exit_code)
{
    ssize_t n = write(STDOUT_FILENO, fatal[what].text, fatal[what].len);
    (void)n; // nothing is left to do about it
    _exit(exit_code);
}
