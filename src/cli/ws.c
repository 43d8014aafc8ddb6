// SPDX-License-Identifier: Apache-2.0
// pinfold ws: workspaces on the server.
#include "body_int.h"
#include "client_int.h"
#include "commands_int.h"

#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

#define SCRIPT_MAX (1u << 20)

struct ws {
    const char *id, *name, *status, *image, *profile, *error, *created_at;
    bool busy;
};
#define WS(m, t, ...) JSON_FIELD(struct ws, m, t, ##__VA_ARGS__)
static const struct json_field ws_fields[] = {
    WS(id, JSON_STRING),         WS(name, JSON_STRING),    WS(status, JSON_STRING),
    WS(image, JSON_STRING),      WS(profile, JSON_STRING), WS(error, JSON_STRING, .max = 4096),
    WS(created_at, JSON_STRING), WS(busy, JSON_BOOL),
};
static const struct json_table ws_table = {"Workspace", ws_fields, N_ELEMS(ws_fields),
                                           sizeof(struct ws), -1};

static void show_ws(const void *item, struct buf *out)
{
    const struct ws *w = item;
    (void)buf_printf(out, "%-24s %-20s %-9s %-16s %-10s %s\n", w->id ? w->id : "",
                     w->name ? w->name : "", w->status ? w->status : "", w->image ? w->image : "",
                     w->profile ? w->profile : "", w->error ? w->error : "");
}

int cmd_ws_list(struct cli *c)
{
    own_free char *heading = xasprintf("%-24s %-20s %-9s %-16s %-10s %s\n", "ID", "NAME", "STATUS",
                                       "IMAGE", "PROFILE", "ERROR");
    const struct show_list l = {"/v1/workspaces", &ws_table, heading, show_ws};
    return show_list(c, &l);
}

static char *ws_path(const char *id, const char *rest)
{
    own_free char *part = client_part(id);
    return xasprintf("/v1/workspaces/%s%s", part, rest);
}

static int get_and_show(struct cli *c, const char *rest)
{
    struct err e;
    own_buf struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    own_free char *path = ws_path(c->args[0], rest);
    if (client_call(c->client, "GET", path, NULL, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return show_answer(c, &answer);
}

int cmd_ws_get(struct cli *c)
{
    return get_and_show(c, "");
}

int cmd_ws_debug(struct cli *c)
{
    return get_and_show(c, "/debug");
}

// --- create and fork ------------------------------------------------------------------------

static int body_script(struct json_out *o, const struct cli *c, struct err *e)
{
    const char *file = cli_get(c, "init-script");
    own_buf struct buf text;
    buf_init(&text, SCRIPT_MAX);
    if (!file)
        return 0;
    if (io_read_file(AT_FDCWD, file, &text, e))
        return -1;
    if (!json_utf8_ok(text.data, text.len) || memchr(text.data, 0, text.len))
        return err_set(e, ERR_BAD_REQUEST, "%.150s is not text", file);
    json_str(o, "init_script", text.data);
    return 0;
}

static int create_body(const struct cli *c, struct buf *body, struct err *e)
{
    struct json_out o;
    json_out_init(&o, body);
    json_begin(&o, NULL);
    body_str(&o, c, "name", "name");
    body_str(&o, c, "image", "image");
    body_str(&o, c, "profile", "profile");
    if (cli_get(c, "repository")) {
        json_begin(&o, "repository");
        body_str(&o, c, "repository", "url");
        body_str(&o, c, "ref", "ref");
        json_end(&o);
    } else if (cli_get(c, "ref")) {
        return err_set(e, ERR_BAD_REQUEST, "--ref needs --repository");
    }
    body_network(&o, c);
    if (body_env(&o, c, e) || body_script(&o, c, e) || body_limits(&o, c, e))
        return -1;
    json_end(&o);
    return 0;
}

static int read_ws(const struct buf *answer, struct json_pool *pool, struct ws *ret, struct err *e)
{
    struct json_fault f;
    *ret = (struct ws){0};
    if (json_read(&ws_table, answer->data, answer->len, JSON_IGNORE_UNKNOWN, pool, ret, &f) ||
        !ret->id || !ret->status)
        return err_set(e, ERR_INTERNAL, "the server's answer is no workspace: %s %s", f.pointer,
                       f.detail);
    return 0;
}

// Until nothing goes on in it any more; *answer is its last state.
static int await_quiet(struct cli *c, struct buf *answer, struct err *e)
{
    uint64_t start = clock_mono_ms();
    for (;;) {
        own_json_pool struct json_pool pool;
        struct ws w;
        json_pool_init(&pool);
        if (read_ws(answer, &pool, &w, e))
            return -1;
        if (!strcmp(w.status, "error"))
            return err_set(e, ERR_CONFLICT, "workspace %s: %s", w.id, w.error ? w.error : "error");
        if (!w.busy)
            return 0;
        cli_progress("workspace %s: %s (%llu s)", w.id, w.status,
                     (unsigned long long)(clock_mono_ms() - start) / 1000);
        own_free char *path = ws_path(w.id, "?wait=5");
        if (client_call(c->client, "GET", path, NULL, answer, e))
            return -1;
    }
}

// The id alone on stdout, for scripts; or the whole with --json.
static int show_made(const struct cli *c, const struct buf *answer)
{
    own_json_pool struct json_pool pool;
    struct ws w;
    struct err e;
    json_pool_init(&pool);
    cli_progress_end();
    if (c->json)
        return show_answer(c, answer);
    if (read_ws(answer, &pool, &w, &e))
        return cli_fail(EXIT_FAILED, &e);
    return puts(w.id) < 0 ? EXIT_FAILED : 0;
}

static int build_new(struct cli *c, struct buf *answer, struct err *e)
{
    own_json_pool struct json_pool pool;
    struct ws w;
    json_pool_init(&pool);
    if (read_ws(answer, &pool, &w, e))
        return -1;
    own_buf struct buf body, build;
    buf_init(&body, 16);
    buf_init(&build, ANSWER_MAX);
    (void)buf_puts(&body, "{}");
    own_free char *path = ws_path(w.id, "/build"), *log = ws_path(w.id, "/build/log"),
                  *self = ws_path(w.id, "");
    if (client_call(c->client, "POST", path, &body, &build, e))
        return -1;
    (void)follow_build(c, log, w.id); // the workspace's own state is asked for next
    return client_call(c->client, "GET", self, NULL, answer, e) ? -1 : await_quiet(c, answer, e);
}

int cmd_ws_create(struct cli *c)
{
    struct err e;
    own_buf struct buf body, answer;
    buf_init(&body, ANSWER_MAX);
    buf_init(&answer, ANSWER_MAX);
    if (create_body(c, &body, &e))
        return cli_fail(EXIT_USAGE, &e);
    if (client_call(c->client, "POST", "/v1/workspaces", &body, &answer, &e) ||
        await_quiet(c, &answer, &e) || (cli_get(c, "build") && build_new(c, &answer, &e)))
        return cli_fail(EXIT_FAILED, &e);
    return show_made(c, &answer);
}

int cmd_ws_fork(struct cli *c)
{
    struct err e;
    struct json_out o;
    own_buf struct buf body, answer;
    buf_init(&body, 4096);
    buf_init(&answer, ANSWER_MAX);
    json_out_init(&o, &body);
    json_begin(&o, NULL);
    body_str(&o, c, "name", "name");
    body_str(&o, c, "snapshot", "snapshot");
    json_end(&o);
    own_free char *path = ws_path(c->args[0], "/fork");
    if (client_call(c->client, "POST", path, &body, &answer, &e) || await_quiet(c, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return show_made(c, &answer);
}

// --- snapshots ------------------------------------------------------------------------------

struct snapshot {
    const char *id, *name, *created_at;
};
#define SN(m) JSON_FIELD(struct snapshot, m, JSON_STRING)
static const struct json_field snapshot_fields[] = {SN(id), SN(name), SN(created_at)};
static const struct json_table snapshot_table = {
    "Snapshot", snapshot_fields, N_ELEMS(snapshot_fields), sizeof(struct snapshot), -1};

static void show_snapshot(const void *item, struct buf *out)
{
    const struct snapshot *s = item;
    (void)buf_printf(out, "%-26s %-20s %s\n", s->id ? s->id : "", s->name ? s->name : "",
                     s->created_at ? s->created_at : "");
}

static int list_snapshots(struct cli *c)
{
    own_free char *heading = xasprintf("%-26s %-20s %s\n", "ID", "NAME", "MADE");
    own_free char *path = ws_path(c->args[0], "/snapshots");
    const struct show_list l = {path, &snapshot_table, heading, show_snapshot};
    return show_list(c, &l);
}

static int print_snapshot(const struct cli *c, const struct buf *answer)
{
    own_json_pool struct json_pool pool;
    struct snapshot s = {0};
    struct json_fault f;
    json_pool_init(&pool);
    if (c->json)
        return show_answer(c, answer);
    if (json_read(&snapshot_table, answer->data, answer->len, JSON_IGNORE_UNKNOWN, &pool, &s, &f) ||
        !s.id)
        return EXIT_FAILED;
    return puts(s.id) < 0 ? EXIT_FAILED : 0;
}

int cmd_ws_snapshot(struct cli *c)
{
    struct err e;
    struct json_out o;
    own_buf struct buf body, answer;
    buf_init(&body, 4096);
    buf_init(&answer, ANSWER_MAX);
    if (cli_get(c, "list"))
        return list_snapshots(c);
    if (cli_get(c, "delete")) {
        own_free char *part = client_part(cli_get(c, "delete"));
        own_free char *rest = xasprintf("/snapshots/%s", part), *path = ws_path(c->args[0], rest);
        return client_call(c->client, "DELETE", path, NULL, &answer, &e) ? cli_fail(EXIT_FAILED, &e)
                                                                         : 0;
    }
    json_out_init(&o, &body);
    json_begin(&o, NULL);
    body_str(&o, c, "name", "name");
    json_end(&o);
    own_free char *path = ws_path(c->args[0], "/snapshots");
    if (client_call(c->client, "POST", path, &body, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return print_snapshot(c, &answer);
}

int cmd_ws_restore(struct cli *c)
{
    struct err e;
    struct json_out o;
    own_buf struct buf body, answer;
    buf_init(&body, 4096);
    buf_init(&answer, ANSWER_MAX);
    json_out_init(&o, &body);
    json_begin(&o, NULL);
    json_str(&o, "snapshot", c->args[1]);
    if (cli_get(c, "force"))
        json_bool(&o, "force", true);
    json_end(&o);
    own_free char *path = ws_path(c->args[0], "/restore");
    if (client_call(c->client, "POST", path, &body, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return c->json ? show_answer(c, &answer) : 0;
}

int cmd_ws_delete(struct cli *c)
{
    struct err e;
    int code = 0;
    own_buf struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    for (unsigned i = 0; i < c->n_args; i++) {
        own_free char *path = ws_path(c->args[i], "?wait=60");
        if (client_call(c->client, "DELETE", path, NULL, &answer, &e)) {
            (void)err_wrap(&e, "%s", c->args[i]);
            code = cli_fail(EXIT_FAILED, &e);
        }
    }
    return code;
}
