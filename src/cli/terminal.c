// SPDX-License-Identifier: Apache-2.0
// pinfold ws terminal, pinfold runs terminal: this terminal becomes one of the server's, until that
// ends or is left with Ctrl-].
#include "client_int.h"
#include "commands_int.h"

#include <errno.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define LEAVE 0x1d // Ctrl-], as telnet has it

struct told {
    const char *event, *reason, *detail, *signal;
    int64_t exit_code;
};
#define T(m, t, ...) JSON_FIELD(struct told, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {T(event, JSON_STRING), T(reason, JSON_STRING),
                                           T(detail, JSON_STRING, .max = 4096),
                                           T(signal, JSON_STRING), T(exit_code, JSON_I64)};
static const struct json_table table = {"Event", fields, N_ELEMS(fields), sizeof(struct told), -1};

struct session {
    struct client_socket *socket;
    struct termios saved;
    bool raw, view, ended, warned;
    int code, signals;
};

static void restore(struct session *s)
{
    if (s->raw)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &s->saved); // it is as it was, or gone
    s->raw = false;
}

static void say(struct session *s, const char *what, const char *more)
{
    (void)fprintf(stderr, "%spinfold: %s%s%s\n", s->raw ? "\r" : "", what, *more ? ": " : "", more);
}

static void on_told(struct session *s, const struct told *t)
{
    const char *detail = t->detail ? t->detail : "";
    if (!strcmp(t->event, "read_only")) {
        if (!s->warned)
            say(s, "nothing is typed", detail);
        s->warned = true;
    } else if (!strcmp(t->event, "error") || !strcmp(t->event, "reconnect")) {
        say(s, t->event, detail);
        s->code = EXIT_NOT_STARTED;
    } else if (!strcmp(t->event, "exit")) {
        const char *reason = t->reason ? t->reason : "lost";
        bool exited = !strcmp(reason, "exited");
        s->ended = true;
        s->code = exited ? (int)t->exit_code : EXIT_NOT_STARTED;
        restore(s);
        if (!exited)
            say(s, reason, detail);
    }
}

static void on_message(void *arg, struct client_message *m)
{
    struct session *s = arg;
    struct told t = {0};
    struct json_fault f;
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (!m->text && io_write_full(STDOUT_FILENO, m->p, m->n))
        s->ended = true; // nobody looks any more
    if (m->text && !json_read(&table, m->p, m->n, JSON_IGNORE_UNKNOWN, &pool, &t, &f) && t.event)
        on_told(s, &t);
}

static int tell_size(struct session *s, struct err *e)
{
    struct winsize w;
    char text[80];
    if (s->view || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_row || !w.ws_col)
        return 0;
    int n = snprintf(text, sizeof(text), "{\"event\":\"resize\",\"rows\":%u,\"cols\":%u}", w.ws_row,
                     w.ws_col);
    return client_socket_send(s->socket, true, text, (size_t)n, e);
}

// -1: left, or failed with *e.
static int type(struct session *s, bool *ret_open, struct err *e)
{
    char keys[4096];
    ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        *ret_open = false;
        return 0;
    }
    const char *leave = s->raw ? memchr(keys, LEAVE, (size_t)n) : NULL;
    if (leave)
        n = leave - keys;
    if (n && !s->view && client_socket_send(s->socket, false, keys, (size_t)n, e))
        return -1;
    if (leave) {
        s->ended = true;
        restore(s);
        say(s, "left", "what runs there goes on");
    }
    return 0;
}

static int relay(struct session *s, struct err *e)
{
    bool open = true;
    while (!s->ended) {
        int r = client_socket_read(s->socket, on_message, s, e);
        if (r < 0)
            return -1;
        if (r || s->ended)
            return 0;
        struct pollfd p[] = {{.fd = client_socket_fd(s->socket), .events = POLLIN},
                             {.fd = open ? STDIN_FILENO : -1, .events = POLLIN},
                             {.fd = s->signals, .events = POLLIN}};
        struct signalfd_siginfo info;
        if (poll(p, N_ELEMS(p), -1) < 0)
            continue; // interrupted
        if (p[2].revents && read(s->signals, &info, sizeof(info)) == sizeof(info) &&
            tell_size(s, e))
            return -1;
        if (p[1].revents && type(s, &open, e))
            return -1;
    }
    return 0;
}

static void make_raw(struct session *s)
{
    struct termios t;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &s->saved))
        return;
    t = s->saved;
    cfmakeraw(&t);
    s->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static int attach(struct cli *c, const char *path)
{
    struct err e;
    sigset_t winch;
    struct session s = {.view = cli_get(c, "view"), .code = 0};
    (void)sigemptyset(&winch);
    (void)sigaddset(&winch, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &winch, NULL);
    own_fd int signals = signalfd(-1, &winch, SFD_CLOEXEC | SFD_NONBLOCK);
    s.signals = signals;
    if (!(s.socket = client_socket(c->client, path, &e)))
        return cli_fail(EXIT_NOT_STARTED, &e);
    make_raw(&s);
    int bad = tell_size(&s, &e) || relay(&s, &e);
    restore(&s);
    client_socket_free(s.socket);
    return bad ? cli_fail(EXIT_NOT_STARTED, &e) : s.code;
}

int cmd_runs_terminal(struct cli *c)
{
    own_free char *part = client_part(c->args[0]);
    own_free char *path =
        xasprintf("/v1/runs/%s/terminal%s", part, cli_get(c, "view") ? "?view=true" : "");
    return attach(c, path);
}

int cmd_ws_terminal(struct cli *c)
{
    struct winsize w = {.ws_row = 24, .ws_col = 80};
    own_free char *part = client_part(c->args[0]);
    own_buf struct buf command;
    buf_init(&command, 65536);
    (void)buf_puts(&command, "");
    for (unsigned i = 0; i < c->n_rest; i++) { // words of a shell
        (void)buf_puts(&command, i ? " '" : "'");
        for (const char *p = c->rest[i]; *p; p++)
            (void)(*p == '\'' ? buf_puts(&command, "'\\''") : buf_putc(&command, *p));
        (void)buf_putc(&command, '\'');
    }
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w); // or that
    own_free char *encoded = client_part(command.data);
    own_free char *path = xasprintf("/v1/workspaces/%s/terminal?rows=%u&cols=%u&command=%s", part,
                                    w.ws_row ? w.ws_row : 24, w.ws_col ? w.ws_col : 80, encoded);
    return attach(c, path);
}
