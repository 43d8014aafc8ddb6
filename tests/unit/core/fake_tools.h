// SPDX-License-Identifier: Apache-2.0
// What pinfold-tool and pinfold-git would print, as far as tests of core need it. They run as plain
// children of fake_launcher.h.
#pragma once
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <pinfold/tool.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fake_shell(const char *cmd)
{
    int status = -1;
    pid_t pid = fork();
    if (!pid) {
        (void)execlp("sh", "sh", "-c", cmd, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(pid, &status, 0);
    return status;
}

static void fake_put(struct tool_record rec)
{
    struct buf b;
    buf_init(&b, TOOL_RECORD_MAX);
    (void)tool_record_put(&b, &rec);
    (void)io_write_full(1, b.data, b.len);
}

static struct tool_record fake_entry(const char *path)
{
    struct stat st = {0};
    if (stat(path, &st)) {
        fprintf(stderr, "%s does not exist", path);
        fflush(stderr);
        _exit(TOOL_EXIT_BASE + ERR_NOT_FOUND);
    }
    return (struct tool_record){
        .type = TOOL_REC_ENTRY,
        .entry = {.type = S_ISDIR(st.st_mode) ? TOOL_DIR : TOOL_FILE,
                  .mode = st.st_mode & 07777,
                  .size = (uint64_t)st.st_size,
                  .path = path,
                  .path_len = (uint32_t)strlen(path)},
    };
}

static void fake_tool(char **argv)
{
    char chunk[4096];
    ssize_t n;
    if (!strcmp(argv[1], "write")) {
        int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (!strcmp(argv[5], "!"))
            _exit(TOOL_EXIT_CONDITION);
        while ((n = read(0, chunk, sizeof(chunk))) > 0)
            (void)io_write_full(fd, chunk, (size_t)n);
        fake_put(fake_entry(argv[2]));
    } else if (!strcmp(argv[1], "stat")) {
        fake_put(fake_entry(argv[2]));
    } else if (!strcmp(argv[1], "read")) {
        fake_put(fake_entry(argv[2]));
        int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
        while ((n = read(fd, chunk, sizeof(chunk))) > 0)
            (void)io_write_full(1, chunk, (size_t)n);
    } else if (!strcmp(argv[1], "list")) {
        fake_put(fake_entry("."));
        fake_put((struct tool_record){.type = TOOL_REC_END, .end = {.entries = 1}});
    } else if (!strcmp(argv[1], "ps")) {
        fake_put((struct tool_record){
            .type = TOOL_REC_PROCESS,
            .process = {.pid = 1, .state = 'S', .comm = "pinfold-init", .cmdline = ""}});
        fake_put((struct tool_record){.type = TOOL_REC_END, .end = {.entries = 1}});
    } else if (!strcmp(argv[1], "delete")) {
        fake_put((struct tool_record){.type = TOOL_REC_END});
    } else if (!strcmp(argv[1], "tar-out")) {
        (void)io_write_full(1, "no end", 6);
        _exit(TOOL_EXIT_BASE + ERR_FULL);
    }
    _exit(0);
}

static void fake_git(void)
{
    struct buf in, out;
    char chunk[4096];
    ssize_t n;
    struct err e = {0};
    struct repo_request *q = xcalloc(1, sizeof(*q));
    buf_init(&in, REPO_REQUEST_MAX);
    buf_init(&out, 100000);
    while ((n = read(0, chunk, sizeof(chunk))) > 0)
        (void)buf_append(&in, chunk, (size_t)n);
    if (repo_request_parse(in.data, in.len, q, &e))
        _exit(REPO_EXIT_USAGE);
    if (strstr(q->url.canonical, "missing")) {
        err_set(&e, ERR_NOT_FOUND, "the repository does not exist");
        repo_error_format(&e, "remote: 404", &out);
        (void)io_write_full(1, out.data, out.len);
        _exit(REPO_EXIT_FAILED);
    }
    if (strstr(q->url.canonical, "crowd")) // until the test lets it go on
        (void)close(open("../../go", O_RDONLY | O_CLOEXEC));
    struct repo_result r = {.fetched = true, .bytes = 1000, .objects = 10, .refs = 1, .files = 2};
    (void)snprintf(r.commit, sizeof(r.commit), "%040d", 7);
    (void)snprintf(r.ref, sizeof(r.ref), "refs/heads/main");
    (void)snprintf(r.branch, sizeof(r.branch), "main");
    (void)snprintf(r.refs_digest, sizeof(r.refs_digest), "%040d", 8);
    (void)snprintf(r.default_branch, sizeof(r.default_branch), "main");
    struct repo_progress p = {.phase = REPO_RECEIVING, .done = 5, .total = 10, .bytes = 500};
    repo_progress_format(&p, &out);
    repo_result_format(&r, &out);
    if (q->op != REPO_OP_MIRROR)
        (void)close(open("README", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    (void)io_write_full(1, out.data, out.len);
    _exit(q->password[0] && strcmp(q->password, "secret") ? REPO_EXIT_FAILED : REPO_EXIT_OK);
}
