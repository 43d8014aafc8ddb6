// SPDX-License-Identifier: Apache-2.0
// pinfold-tool: one file operation (or one traced command) inside a sandbox, then exit.
//
// Theory of operation: pid 1 of the sandbox executes this static binary from a descriptor, as the
// sandbox's user, with the server's pipes as stdio. It has no more rights than that user's own
// programs, holds no secret and keeps no state; what it prints is checked by the server, since
// processes of the same user run beside it. Contract and arguments: tool.h.
#include "tool_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/files.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/tool.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static int parse_mode(const char *s, uint32_t *ret, struct err *e)
{
    uint32_t mode = 0;
    size_t n = strspn(s, "01234567");
    if (!n || n > 4 || s[n])
        return err_set(e, ERR_BAD_REQUEST, "mode '%.20s' is not octal", s);
    for (; *s; s++)
        mode = mode << 3 | (uint32_t)(*s - '0');
    *ret = mode;
    return 0;
}

// Letters of `known` into *ret, a bit each by their place in it.
static int parse_flags(const char *s, const char *known, unsigned *ret, struct err *e)
{
    *ret = 0;
    if (!strcmp(s, "-"))
        return 0;
    for (; *s; s++) {
        const char *at = strchr(known, *s);
        if (!at)
            return err_set(e, ERR_BAD_REQUEST, "unknown flag '%c'", *s);
        *ret |= 1u << (at - known);
    }
    return 0;
}

static int parse_u64(const char *what, const char *s, uint64_t *ret, struct err *e)
{
    return num_parse_u64(s, 0, INT64_MAX, ret, e) ? err_wrap(e, "%s", what) : 0;
}

static int run_stat(struct files *f, char **arg, struct err *e)
{
    return files_stat(f, arg[0], e);
}

static int run_list(struct files *f, char **arg, struct err *e)
{
    uint64_t depth, max;
    if (parse_u64("depth", arg[1], &depth, e) || parse_u64("max", arg[2], &max, e))
        return -1;
    return files_list(f, arg[0], depth > 1000 ? 1000 : (unsigned)depth, max, arg[3], e);
}

static int run_read(struct files *f, char **arg, struct err *e)
{
    uint64_t offset, length = FILES_END;
    bool from_end = arg[1][0] == '-';
    if (parse_u64("offset", arg[1] + from_end, &offset, e) ||
        (strcmp(arg[2], "-") && parse_u64("length", arg[2], &length, e)))
        return -1;
    return files_read(f, arg[0], offset, from_end, length, e);
}

static int run_write(struct files *f, char **arg, struct err *e)
{
    struct files_write how = {.mode = FILES_MODE_KEEP, .condition = arg[3]};
    unsigned flags;
    if ((strcmp(arg[1], "-") && parse_mode(arg[1], &how.mode, e)) ||
        parse_u64("size", arg[2], &how.size, e) || parse_flags(arg[4], "p", &flags, e))
        return -1;
    how.parents = flags & 1;
    return files_write(f, arg[0], &how, e);
}

static int run_mkdir(struct files *f, char **arg, struct err *e)
{
    uint32_t mode;
    unsigned flags;
    if (parse_mode(arg[1], &mode, e) || parse_flags(arg[2], "p", &flags, e))
        return -1;
    return files_mkdir(f, arg[0], mode, flags & 1, e);
}

static int run_move(struct files *f, char **arg, struct err *e)
{
    unsigned flags;
    if (parse_flags(arg[2], "po", &flags, e))
        return -1;
    struct files_move how = {.parents = flags & 1, .replace = flags & 2};
    return files_move(f, arg[0], arg[1], &how, e);
}

static int run_delete(struct files *f, char **arg, struct err *e)
{
    unsigned flags;
    if (parse_flags(arg[1], "r", &flags, e))
        return -1;
    return files_delete(f, arg[0], flags & 1, e);
}

static int run_tar_out(struct files *f, char **arg, struct err *e)
{
    return files_tar_out(f, arg[0], e);
}

static int run_tar_in(struct files *f, char **arg, struct err *e)
{
    struct files_tar_in how;
    unsigned flags;
    if (parse_u64("max_bytes", arg[1], &how.max_bytes, e) ||
        parse_u64("max_files", arg[2], &how.max_files, e) || parse_flags(arg[3], "p", &flags, e))
        return -1;
    how.parents = flags & 1;
    return files_tar_in(f, arg[0], &how, e);
}

static int run_trust(struct files *f, char **arg, struct err *e)
{
    return files_trust(f, arg[0], e);
}

static int run_ps(struct files *f, char **arg, struct err *e)
{
    uint64_t max;
    return parse_u64("max", arg[0], &max, e) ? -1 : files_processes(f, max, e);
}

static const struct operation {
    const char *name;
    int n_args;
    int (*run)(struct files *f, char **arg, struct err *e);
} operations[] = {
    {"stat", 1, run_stat},     {"list", 4, run_list},       {"read", 3, run_read},
    {"write", 5, run_write},   {"mkdir", 3, run_mkdir},     {"move", 3, run_move},
    {"delete", 2, run_delete}, {"tar-out", 1, run_tar_out}, {"tar-in", 4, run_tar_in},
    {"ps", 1, run_ps},         {"trust", 1, run_trust},
};

static int run(struct files *f, int argc, char **argv, struct err *e)
{
    f->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (f->root_fd < 0)
        return err_sys(e, "open /");
    for (size_t i = 0; argc > 1 && i < N_ELEMS(operations); i++) {
        const struct operation *op = &operations[i];
        if (strcmp(op->name, argv[1]))
            continue;
        if (argc - 2 != op->n_args)
            return err_set(e, ERR_BAD_REQUEST, "%s takes %d arguments", op->name, op->n_args);
        return op->run(f, argv + 2, e);
    }
    return err_set(e, ERR_BAD_REQUEST, "unknown operation '%.40s'", argc > 1 ? argv[1] : "");
}

int main(int argc, char **argv)
{
    struct files f = {.base = "workspace", .in_fd = STDIN_FILENO, .out_fd = STDOUT_FILENO};
    struct err e = {0};
    // Not dumpable: processes of the same user beside us can then neither trace us nor open our
    // descriptors by way of /proc.
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); // hardening only
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); // a reader that left is EPIPE, and told as such
    (void)umask(022);
    int code = 0, r;
    if (argc > 1 && !strcmp(argv[1], "trace"))
        r = trace_command(argc - 2, argv + 2, &code, &e);
    else
        r = run(&f, argc, argv, &e);
    const char *text = r ? e.text : f.note;
    if (*text)
        (void)dprintf(STDERR_FILENO, "%.199s\n", text); // nowhere else to tell
    if (!r)
        return code;
    return e.code == ERR_CONFLICT && e.sys == ESTALE ? TOOL_EXIT_CONDITION
                                                     : TOOL_EXIT_BASE + (int)e.code;
}
