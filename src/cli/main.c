// SPDX-License-Identifier: Apache-2.0
// pinfold, the command. Finds the row, parses by it, calls its function, prints one error.
#include "cli_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

static bool progress_open; // a line without its end stands on the terminal

int cli_fail(int code, const struct err *e)
{
    cli_progress_end();
    (void)fprintf(stderr, "pinfold: %s\n", e->text);
    return code;
}

void cli_progress(const char *fmt, ...)
{
    bool terminal = isatty(STDERR_FILENO);
    va_list ap;
    va_start(ap, fmt);
    if (terminal)
        (void)fputs("\r\x1b[K", stderr); // start of the line, clear to its end
    (void)vfprintf(stderr, fmt, ap);
    if (!terminal)
        (void)fputc('\n', stderr);
    va_end(ap);
    progress_open = terminal;
}

void cli_progress_end(void)
{
    if (progress_open)
        (void)fputc('\n', stderr);
    progress_open = false;
}

int cli_print(const struct buf *b)
{
    cli_progress_end();
    if (!io_write_full(STDOUT_FILENO, b->data, b->len))
        return 0;
    struct err e;
    err_sys(&e, "write the output");
    return errno == EPIPE ? EXIT_FAILED : cli_fail(EXIT_FAILED, &e);
}

// Whoever starts us with 0, 1 or 2 closed would have a file of ours in their place.
static void fill_stdio(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
        (void)fcntl(fd, F_SETFD, 0); // it stands in for a stream that children inherit
    fd_close(&fd);
}

static int show_usage(const char *word)
{
    own_buf struct buf out;
    buf_init(&out, 1 << 20);
    if (word && *word != '-') {
        struct err e;
        (void)err_set(&e, ERR_BAD_REQUEST, "there is no command %.40s; see pinfold help", word);
        return cli_fail(EXIT_USAGE, &e);
    }
    help_all(&out);
    bool asked = word && (!strcmp(word, "--help") || !strcmp(word, "-h"));
    (void)io_write_full(asked ? STDOUT_FILENO : STDERR_FILENO, out.data, out.len);
    return asked ? 0 : EXIT_USAGE;
}

// `pinfold run` that begins with who does it or on what is a run of the server's, followed.
static bool is_for_server(const struct cli_cmd *cmd, const char *word)
{
    static const char *const begin[] = {"--agent", "--repository"};
    bool is = !strncmp(word, "-a", 2) || !strncmp(word, "-r", 2);
    for (size_t i = 0; i < N_ELEMS(begin); i++) {
        size_t n = strlen(begin[i]);
        is = is || (!strncmp(word, begin[i], n) && (!word[n] || word[n] == '='));
    }
    return is && !strcmp(cmd->name, "run");
}

int main(int argc, char **argv)
{
    static struct cli c;
    struct err e;
    fill_stdio();
    struct sigaction ign = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ign, NULL); // a reader that went away is an error of write
    const struct cli_cmd *cmd = argc > 1 ? cli_find(argv[1], argc > 2 ? argv[2] : NULL) : NULL;
    if (!cmd)
        return show_usage(argc > 1 ? argv[1] : NULL);
    int words = strchr(cmd->name, ' ') ? 3 : 2;
    bool followed = argc > 2 && is_for_server(cmd, argv[2]);
    if (followed)
        cmd = cli_find("runs", "create");
    if (cli_parse(&c, cmd, argc - words, argv + words, &e))
        return cli_fail(EXIT_USAGE, &e);
    c.followed = followed;
    if (c.help) {
        own_buf struct buf out;
        buf_init(&out, 1 << 20);
        help_command(cmd, &out);
        return cli_print(&out);
    }
    int own_failure = cmd->flags & CLI_REST ? EXIT_NOT_STARTED : EXIT_FAILED;
    if (cmd->flags & CLI_ROOT && geteuid() != 0) {
        (void)err_set(&e, ERR_DENIED, "%s needs root", cmd->name);
        return cli_fail(own_failure, &e);
    }
    bool server = cmd->flags & CLI_SERVER || (cmd->flags & CLI_EITHER && cli_names_server(&c));
    if (server && cli_client(&c, &e))
        return cli_fail(own_failure, &e);
    return cmd->run(&c);
}
