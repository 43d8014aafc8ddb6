// SPDX-License-Identifier: Apache-2.0
// pinfold exec: one command in a workspace, its output as it comes, its exit code ours.
#include "body_int.h"
#include "client_int.h"
#include "commands_int.h"

#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

#define STDIN_MAX (32u << 20) // a request's body holds it once more in base 64

struct event {
    const char *event, *id, *reason, *detail, *signal, *stream;
    int64_t exit_code;
    uint32_t signal_number;
    uint64_t from, to;
    struct json_text data, data_base64;
};
#define EV(m, t, ...) JSON_FIELD(struct event, m, t, ##__VA_ARGS__)
static const struct json_field event_fields[] = {
    EV(event, JSON_STRING, .max = 64),
    EV(id, JSON_STRING, .max = 64),
    EV(reason, JSON_STRING, .max = 64),
    EV(detail, JSON_STRING, .max = 4096),
    EV(signal, JSON_STRING, .max = 64),
    EV(stream, JSON_STRING, .max = 64),
    EV(exit_code, JSON_I64),
    EV(signal_number, JSON_U32),
    EV(from, JSON_U64),
    EV(to, JSON_U64),
    EV(data, JSON_TEXT, .max = ANSWER_MAX),
    EV(data_base64, JSON_BASE64, .max = ANSWER_MAX),
};
static const struct json_table event_table = {"Event", event_fields, N_ELEMS(event_fields),
                                              sizeof(struct event), -1};

struct output {
    struct client_stream stream; // first member
    const struct cli *cli;
    bool ended;
    int code;
};

// How it ended as an exit code; what is not an exit of its own is said on stderr.
static int code_of(const struct event *ev)
{
    const char *reason = ev->reason ? ev->reason : "lost";
    if (!strcmp(reason, "exited"))
        return (int)ev->exit_code;
    (void)fprintf(stderr, "pinfold: %s%s%s%s%s\n", reason, ev->signal ? " " : "",
                  ev->signal ? ev->signal : "", ev->detail && *ev->detail ? ": " : "",
                  ev->detail ? ev->detail : "");
    if (!strcmp(reason, "timed_out"))
        return EXIT_TIMED_OUT;
    if (!strcmp(reason, "start_failed"))
        return ev->detail && strstr(ev->detail, "No such file") ? EXIT_NO_COMMAND
               : ev->detail && strstr(ev->detail, "Permission") ? EXIT_NOT_EXECUTABLE
                                                                : EXIT_NOT_STARTED;
    return ev->signal_number ? 128 + (int)ev->signal_number : EXIT_NOT_STARTED;
}

static int show_event(const struct event *ev, struct err *e)
{
    const struct json_text *data = ev->data_base64.p ? &ev->data_base64 : &ev->data;
    if (!strcmp(ev->event, "stdout") || !strcmp(ev->event, "stderr")) {
        int fd = ev->event[3] == 'o' ? STDOUT_FILENO : STDERR_FILENO;
        return data->p && io_write_full(fd, data->p, data->len) ? err_sys(e, "write the output")
                                                                : 0;
    }
    if (!strcmp(ev->event, "gap"))
        (void)fprintf(stderr, "pinfold: bytes %llu to %llu of %s were not kept\n",
                      (unsigned long long)ev->from, (unsigned long long)ev->to,
                      ev->stream ? ev->stream : "the output");
    if (!strcmp(ev->event, "error"))
        return err_set(e, ERR_LOST, "%s", ev->detail ? ev->detail : "the server gave up");
    return 0;
}

static int on_line(struct client_stream *s, const char *line, size_t len, struct err *e)
{
    struct output *out = (struct output *)s;
    own_json_pool struct json_pool pool;
    struct json_fault f;
    struct event ev = {0};
    json_pool_init(&pool);
    if (json_read(&event_table, line, len, JSON_IGNORE_UNKNOWN, &pool, &ev, &f) || !ev.event)
        return err_set(e, ERR_INTERNAL, "an event of the server: %s %s", f.pointer, f.detail);
    if (!strcmp(ev.event, "exit")) {
        out->ended = true;
        out->code = code_of(&ev);
    }
    if (!out->cli->json)
        return show_event(&ev, e);
    return io_write_full(STDOUT_FILENO, line, len) || io_write_full(STDOUT_FILENO, "\n", 1)
               ? err_sys(e, "write the output")
               : 0;
}

static int body_stdin(struct json_out *o, const struct cli *c, struct err *e)
{
    own_buf struct buf in;
    char chunk[65536];
    ssize_t n;
    buf_init(&in, STDIN_MAX);
    if (!cli_get(c, "stdin"))
        return 0;
    while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
        if (buf_append(&in, chunk, (size_t)n))
            return err_set(e, ERR_LIMIT, "stdin is larger than %u bytes", STDIN_MAX);
    if (n < 0)
        return err_sys(e, "read stdin");
    json_bytes(o, "stdin", in.data, in.len);
    return 0;
}

static int exec_body(const struct cli *c, struct buf *body, struct err *e)
{
    struct json_out o;
    uint64_t ms = 0;
    json_out_init(&o, body);
    json_begin(&o, NULL);
    json_begin_array(&o, "argv");
    for (unsigned i = 0; i < c->n_rest; i++)
        json_str(&o, NULL, c->rest[i]);
    json_end_array(&o);
    body_str(&o, c, "cwd", "cwd");
    body_str(&o, c, "user", "user");
    if (cli_duration(c, "timeout", &ms, e) || body_env(&o, c, e) || body_stdin(&o, c, e))
        return -1;
    if (ms)
        json_f64(&o, "timeout_secs", (double)ms / 1000);
    if (cli_get(c, "background"))
        json_bool(&o, "background", true);
    json_end(&o);
    return body->overflow ? err_set(e, ERR_LIMIT, "the request is too large") : 0;
}

static int in_background(struct cli *c, const char *path, const struct buf *body)
{
    struct err e;
    own_buf struct buf answer;
    own_json_pool struct json_pool pool;
    struct json_fault f;
    struct event ev = {0};
    buf_init(&answer, ANSWER_MAX);
    json_pool_init(&pool);
    if (client_call(c->client, "POST", path, body, &answer, &e))
        return cli_fail(EXIT_NOT_STARTED, &e);
    if (c->json)
        return show_answer(c, &answer);
    if (json_read(&event_table, answer.data, answer.len, JSON_IGNORE_UNKNOWN, &pool, &ev, &f) ||
        !ev.id) {
        (void)err_set(&e, ERR_INTERNAL, "the server's answer has no id");
        return cli_fail(EXIT_NOT_STARTED, &e);
    }
    return puts(ev.id) < 0 ? EXIT_NOT_STARTED : 0;
}

int cmd_exec(struct cli *c)
{
    struct err e;
    own_buf struct buf body;
    buf_init(&body, 2 * STDIN_MAX);
    own_free char *part = client_part(c->args[0]);
    own_free char *path = xasprintf("/v1/workspaces/%s/exec", part);
    if (exec_body(c, &body, &e))
        return cli_fail(EXIT_NOT_STARTED, &e);
    if (cli_get(c, "background"))
        return in_background(c, path, &body);
    struct output out = {.stream = {on_line}, .cli = c};
    int bad = client_follow(c->client, "POST", path, &body, &out.stream, &e);
    if (!bad && !out.ended)
        bad = err_set(&e, ERR_LOST, "the output ended without the command's end");
    return bad ? cli_fail(EXIT_NOT_STARTED, &e) : out.code;
}
