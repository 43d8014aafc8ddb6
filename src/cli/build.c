// SPDX-License-Identifier: Apache-2.0
// Builds by the server, followed by their log.
#include "client_int.h"
#include "commands_int.h"

#include <pinfold/own.h>
#include <string.h>

struct event {
    const char *event, *status, *error, *detail, *id;
    struct json_text data, data_base64;
};
#define EV(m, t, ...) JSON_FIELD(struct event, m, t, ##__VA_ARGS__)
static const struct json_field event_fields[] = {
    EV(event, JSON_STRING, .max = 64),
    EV(status, JSON_STRING, .max = 64),
    EV(error, JSON_STRING, .max = 4096),
    EV(detail, JSON_STRING, .max = 4096),
    EV(id, JSON_STRING, .max = 64),
    EV(data, JSON_TEXT, .max = ANSWER_MAX),
    EV(data_base64, JSON_BASE64, .max = ANSWER_MAX),
};
static const struct json_table event_table = {"Event", event_fields, N_ELEMS(event_fields),
                                              sizeof(struct event), -1};

struct log {
    struct client_stream stream; // first member
    bool ended, good;
};

static int on_line(struct client_stream *s, const char *line, size_t len, struct err *e)
{
    struct log *l = (struct log *)s;
    own_json_pool struct json_pool pool;
    struct json_fault f;
    struct event ev = {0};
    json_pool_init(&pool);
    if (json_read(&event_table, line, len, JSON_IGNORE_UNKNOWN, &pool, &ev, &f) || !ev.event)
        return err_set(e, ERR_INTERNAL, "an event of the server: %s %s", f.pointer, f.detail);
    const struct json_text *data = ev.data_base64.p ? &ev.data_base64 : &ev.data;
    if (data->p)
        (void)fwrite(data->p, 1, data->len, stderr);
    if (!strcmp(ev.event, "error"))
        return err_set(e, ERR_LOST, "%s", ev.detail ? ev.detail : "the server gave up");
    if (strcmp(ev.event, "end"))
        return 0;
    l->ended = true;
    l->good = ev.status && !strcmp(ev.status, "succeeded");
    return l->good ? 0 : err_set(e, ERR_CONFLICT, "%s", ev.error ? ev.error : "the build failed");
}

int follow_build(struct cli *c, const char *path, const char *what)
{
    struct log l = {.stream = {on_line}};
    struct err e;
    if (client_follow(c->client, "GET", path, NULL, &l.stream, &e)) {
        (void)err_wrap(&e, "%s", what);
        return cli_fail(EXIT_FAILED, &e);
    }
    if (l.ended)
        return 0;
    (void)err_set(&e, ERR_LOST, "%s: the log ended without the build's end", what);
    return cli_fail(EXIT_FAILED, &e);
}

static int build_id(const struct buf *answer, char id[64], struct err *e)
{
    own_json_pool struct json_pool pool;
    struct json_fault f;
    struct event ev = {0};
    json_pool_init(&pool);
    if (json_read(&event_table, answer->data, answer->len, JSON_IGNORE_UNKNOWN, &pool, &ev, &f) ||
        !ev.id)
        return err_set(e, ERR_INTERNAL, "the server's answer has no id");
    (void)snprintf(id, 64, "%s", ev.id);
    return 0;
}

// Start one at path and follow it; afterwards its last state is the answer.
static int build_at(struct cli *c, const char *path, const char *what)
{
    struct err e;
    char id[64];
    own_buf struct buf body, answer;
    buf_init(&body, 256);
    buf_init(&answer, ANSWER_MAX);
    (void)buf_puts(&body, cli_get(c, "rebuild") ? "{\"rebuild\":true}" : "{}");
    if (client_call(c->client, "POST", path, &body, &answer, &e) || build_id(&answer, id, &e))
        return cli_fail(EXIT_FAILED, &e);
    own_free char *part = client_part(id);
    own_free char *log = xasprintf("/v1/builds/%s/log", part),
                  *state = xasprintf("/v1/builds/%s", part);
    int failed = follow_build(c, log, what);
    if (!c->json)
        return failed;
    if (client_call(c->client, "GET", state, NULL, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return show_answer(c, &answer) ? EXIT_FAILED : failed;
}

int cmd_build(struct cli *c)
{
    own_free char *part = client_part(c->args[0]);
    own_free char *path = xasprintf("/v1/images/%s/build", part);
    int failed = build_at(c, path, c->args[0]);
    if (!failed && !c->json)
        (void)printf("image %s is ready\n", c->args[0]);
    return failed;
}

int cmd_ws_build(struct cli *c)
{
    own_free char *part = client_part(c->args[0]);
    own_free char *path = xasprintf("/v1/workspaces/%s/build", part);
    int failed = build_at(c, path, c->args[0]);
    if (!failed && !c->json)
        (void)printf("workspace %s is ready\n", c->args[0]);
    return failed;
}
