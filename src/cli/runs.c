// SPDX-License-Identifier: Apache-2.0
// pinfold runs: runs on the server.
#include "body_int.h"
#include "client_int.h"
#include "commands_int.h"

#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>

struct item { // a run, or the last event of one
    const char *id, *agent, *status, *reason, *error, *created_at, *exec_id, *type;
    int64_t exit_code;
    uint64_t sequence, events;
    const char *payload;
};
#define IT(m, t, ...) JSON_FIELD(struct item, m, t, ##__VA_ARGS__)
#define RUN_FIELDS                                                                                 \
    IT(agent, JSON_STRING), IT(status, JSON_STRING), IT(reason, JSON_STRING),                      \
        IT(error, JSON_STRING, .max = 4096), IT(created_at, JSON_STRING), IT(exit_code, JSON_I64)
static const struct json_field run_fields[] = {IT(id, JSON_STRING), IT(exec_id, JSON_STRING),
                                               IT(events, JSON_U64), RUN_FIELDS};
static const struct json_table run_table = {"Run", run_fields, N_ELEMS(run_fields),
                                            sizeof(struct item), -1};
static const struct json_field event_fields[] = {RUN_FIELDS, IT(type, JSON_STRING),
                                                 IT(sequence, JSON_U64),
                                                 IT(payload, JSON_RAW, .max = ANSWER_MAX)};
static const struct json_table event_table = {"RunEvent", event_fields, N_ELEMS(event_fields),
                                              sizeof(struct item), -1};

static char *run_path(const char *id, const char *rest)
{
    own_free char *part = client_part(id);
    return xasprintf("/v1/runs/%s%s", part, rest);
}

static int read_item(const struct json_table *t, const char *text, size_t len,
                     struct json_pool *pool, struct item *ret, struct err *e)
{
    struct json_fault f;
    *ret = (struct item){.exit_code = -1};
    if (json_read(t, text, len, JSON_IGNORE_UNKNOWN, pool, ret, &f))
        return err_set(e, ERR_INTERNAL, "the server's answer is no run: %s %s", f.pointer,
                       f.detail);
    return 0;
}

// --- list and look --------------------------------------------------------------------------

static void show_run(const void *item, struct buf *out)
{
    const struct item *r = item;
    (void)buf_printf(out, "%-25s %-12s %-12s %-16s %s\n", r->id ? r->id : "",
                     r->agent ? r->agent : "", r->status ? r->status : "",
                     r->reason ? r->reason : "", r->error ? r->error : "");
}

int cmd_runs_list(struct cli *c)
{
    own_free char *heading =
        xasprintf("%-25s %-12s %-12s %-16s %s\n", "ID", "AGENT", "STATUS", "REASON", "ERROR");
    const char *status = cli_get(c, "status");
    own_free char *part = client_part(status ? status : "");
    own_free char *path = status ? xasprintf("/v1/runs?status=%s", part) : xstrdup("/v1/runs");
    const struct show_list l = {path, &run_table, heading, show_run};
    return show_list(c, &l);
}

int cmd_runs_get(struct cli *c)
{
    struct err e;
    own_buf struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    own_free char *path = run_path(c->args[0], "");
    if (client_call(c->client, "GET", path, NULL, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return show_answer(c, &answer);
}

// --- events and output ----------------------------------------------------------------------

struct watching {
    struct client_stream stream; // first member
    const struct cli *cli;
    uint64_t after; // sequence of the last one that is not shown
    bool ended;
    int code;
};

static int code_of(const struct item *end, int exit_code)
{
    if (!strcmp(end->status, "succeeded"))
        return 0;
    if (!strcmp(end->status, "timed_out"))
        return EXIT_TIMED_OUT;
    return exit_code > 0 ? exit_code : EXIT_FAILED;
}

static int on_event(struct client_stream *s, const char *line, size_t len, struct err *e)
{
    struct watching *w = (struct watching *)s;
    own_json_pool struct json_pool pool;
    struct item ev;
    json_pool_init(&pool);
    if (read_item(&event_table, line, len, &pool, &ev, e))
        return -1;
    if (ev.type && !strcmp(ev.type, "end") && ev.status) {
        w->ended = true;
        w->code = code_of(&ev, -1);
    }
    if (ev.sequence && ev.sequence <= w->after)
        return 0;
    if (!w->cli->json && ev.sequence)
        return printf("%4llu %-20s %s\n", (unsigned long long)ev.sequence, ev.type ? ev.type : "",
                      ev.payload ? ev.payload : "") < 0
                   ? err_sys(e, "write the events")
                   : 0;
    if (!w->cli->json)
        return 0;
    return io_write_full(STDOUT_FILENO, line, len) || io_write_full(STDOUT_FILENO, "\n", 1)
               ? err_sys(e, "write the events")
               : 0;
}

static int watch(struct cli *c, const char *id, uint64_t after)
{
    struct err e;
    struct watching w = {.stream = {on_event}, .cli = c, .after = after};
    const char *types = cli_get(c, "types");
    own_free char *part = client_part(types ? types : "");
    own_free char *rest = xasprintf("/events%s%s", types ? "?types=" : "", part);
    own_free char *path = run_path(id, rest);
    int bad = client_follow(c->client, "GET", path, NULL, &w.stream, &e);
    if (!bad && !w.ended)
        bad = err_set(&e, ERR_LOST, "the events ended without the run's end");
    return bad ? cli_fail(EXIT_NOT_STARTED, &e) : w.code;
}

int cmd_runs_events(struct cli *c)
{
    return watch(c, c->args[0], 0);
}

static int on_bytes(struct client_sink *s, const void *p, size_t n, struct err *e)
{
    (void)s;
    return io_write_full(STDOUT_FILENO, p, n) ? err_sys(e, "write the output") : 0;
}

// The run that the first argument names.
static int look(struct cli *c, struct json_pool *pool, struct item *ret, struct err *e)
{
    own_buf struct buf answer;
    own_free char *path = run_path(c->args[0], "");
    buf_init(&answer, ANSWER_MAX);
    return client_call(c->client, "GET", path, NULL, &answer, e) ||
                   read_item(&run_table, answer.data, answer.len, pool, ret, e)
               ? -1
               : 0;
}

static int fetch(struct cli *c, const char *rest)
{
    struct err e;
    struct client_sink sink = {on_bytes};
    own_free char *path = run_path(c->args[0], rest);
    return client_fetch(c->client, path, &sink, &e) ? cli_fail(EXIT_FAILED, &e) : 0;
}

// REST of what is below a run, or with --contains the parts of that.
static int fetch_found(struct cli *c, const char *rest)
{
    const char *text = cli_get(c, "contains");
    own_free char *part = client_part(text ? text : "");
    own_free char *path = xasprintf("%s?contains=%s", rest, part);
    return fetch(c, text ? path : rest);
}

struct line {
    uint64_t offset;
    const char *text, *text_base64;
};
static const struct json_field line_fields[] = {
    JSON_FIELD(struct line, offset, JSON_U64),
    JSON_FIELD(struct line, text, JSON_STRING),
    JSON_FIELD(struct line, text_base64, JSON_STRING),
};
static const struct json_table line_table = {"Line", line_fields, N_ELEMS(line_fields),
                                             sizeof(struct line), -1};

static void show_line(const void *item, struct buf *out)
{
    const struct line *l = item;
    (void)buf_printf(out, "%-10llu %s\n", (unsigned long long)l->offset,
                     l->text          ? l->text
                     : l->text_base64 ? l->text_base64
                                      : "");
}

static int show_lines(struct cli *c)
{
    own_free char *text = client_part(cli_get(c, "contains"));
    own_free char *rest =
        xasprintf("/logs?stream=%s&contains=%s", cli_get(c, "stderr") ? "stderr" : "stdout", text);
    own_free char *path = run_path(c->args[0], rest);
    const struct show_list l = {path, &line_table, "OFFSET     LINE\n", show_line};
    return show_list(c, &l);
}

int cmd_runs_logs(struct cli *c)
{
    if (cli_get(c, "contains"))
        return show_lines(c);
    struct err e;
    struct client_sink sink = {on_bytes};
    own_json_pool struct json_pool pool;
    struct item r;
    json_pool_init(&pool);
    if (look(c, &pool, &r, &e))
        return cli_fail(EXIT_FAILED, &e);
    if (!r.exec_id) {
        (void)err_set(&e, ERR_CONFLICT, "run %s is %s: it has printed nothing", r.id, r.status);
        return cli_fail(EXIT_FAILED, &e);
    }
    own_free char *part = client_part(r.exec_id);
    own_free char *path =
        xasprintf("/v1/execs/%s/%s", part, cli_get(c, "stderr") ? "stderr" : "stdout");
    return client_fetch(c->client, path, &sink, &e) ? cli_fail(EXIT_FAILED, &e) : 0;
}

int cmd_runs_transcript(struct cli *c)
{
    return fetch_found(c, "/transcript");
}

int cmd_runs_recording(struct cli *c)
{
    const char *turn = cli_get(c, "turn");
    own_free char *part = client_part(turn ? turn : "");
    own_free char *rest = xasprintf("/recording%s%s", turn ? "?turn=" : "", part);
    return fetch(c, rest);
}

// --- create ---------------------------------------------------------------------------------

static int body_times(struct json_out *o, const struct cli *c, struct err *e)
{
    uint64_t ms = 0, silence = 0;
    if (cli_duration(c, "timeout", &ms, e) || cli_duration(c, "silence", &silence, e))
        return -1;
    if (ms)
        json_f64(o, "timeout_secs", (double)ms / 1000);
    if (silence)
        json_f64(o, "silence_secs", (double)silence / 1000);
    return 0;
}

static int body_priority(struct json_out *o, const struct cli *c, struct err *e)
{
    const char *text = cli_get(c, "priority");
    uint64_t n = 0;
    if (!text)
        return 0;
    if (num_parse_u64(text + (*text == '-'), 0, 100, &n, NULL))
        return err_set(e, ERR_BAD_REQUEST, "--priority '%.20s' is not from -100 to 100", text);
    json_i64(o, "priority", *text == '-' ? -(int64_t)n : (int64_t)n);
    return 0;
}

// Its model's: turns, and dollars.
static int body_model_limits(struct json_out *o, const struct cli *c, struct err *e)
{
    const char *turns = cli_get(c, "max-turns"), *cost = cli_get(c, "max-cost");
    uint64_t n = 0;
    if (turns && num_parse_u64(turns, 1, UINT32_MAX, &n, NULL))
        return err_set(e, ERR_BAD_REQUEST, "--max-turns '%.20s' is no number from 1 on", turns);
    if (turns)
        json_u64(o, "max_turns", n);
    char *end = NULL;
    double usd = cost ? strtod(cost, &end) : 0;
    if (cost && (*end || !(usd > 0 && usd < 1e9)))
        return err_set(e, ERR_BAD_REQUEST, "--max-cost '%.20s' is no amount of dollars", cost);
    if (cost)
        json_f64(o, "max_cost_usd", usd);
    return 0;
}

// URL, or URL#REF.
static void body_repositories(struct json_out *o, const struct cli *c)
{
    unsigned at = 0;
    if (!cli_get(c, "repository"))
        return;
    json_begin_array(o, "repositories");
    for (const char *v; (v = cli_each(c, "repository", &at));) {
        size_t n = strcspn(v, "#");
        json_begin(o, NULL);
        json_strn(o, "url", v, n);
        if (v[n])
            json_str(o, "ref", v + n + 1);
        else
            body_str(o, c, "ref", "ref");
        if (cli_get(c, "submodules"))
            json_bool(o, "submodules", true);
        json_end(o);
    }
    json_end_array(o);
}

static int create_body(const struct cli *c, struct buf *body, struct err *e)
{
    struct json_out o;
    static const char *const same[] = {"agent", "prompt", "model",     "effort",  "mode",
                                       "task",  "image",  "workspace", "profile", "permissions"};
    json_out_init(&o, body);
    json_begin(&o, NULL);
    for (unsigned i = 0; i < N_ELEMS(same); i++)
        body_str(&o, c, same[i], same[i]);
    if (c->n_rest)
        json_begin_array(&o, "argv");
    for (unsigned i = 0; i < c->n_rest; i++)
        json_str(&o, NULL, c->rest[i]);
    if (c->n_rest)
        json_end_array(&o);
    body_repositories(&o, c);
    body_str(&o, c, "webhook", "webhook_url");
    if (cli_get(c, "notify"))
        json_bool(&o, "notify", true);
    if (cli_get(c, "terminal")) {
        json_begin(&o, "terminal");
        json_end(&o);
    }
    body_network(&o, c);
    if (body_env(&o, c, e) || body_limits(&o, c, e) || body_times(&o, c, e) ||
        body_priority(&o, c, e) || body_model_limits(&o, c, e) || body_file(&o, c, "body", e))
        return -1;
    json_end(&o);
    return body->overflow ? err_set(e, ERR_LIMIT, "the request is too large") : 0;
}

int cmd_runs_create(struct cli *c)
{
    struct err e;
    own_buf struct buf body, answer;
    own_json_pool struct json_pool pool;
    struct item made;
    buf_init(&body, ANSWER_MAX);
    buf_init(&answer, ANSWER_MAX);
    json_pool_init(&pool);
    if (create_body(c, &body, &e))
        return cli_fail(EXIT_USAGE, &e);
    if (client_call(c->client, "POST", "/v1/runs", &body, &answer, &e) ||
        read_item(&run_table, answer.data, answer.len, &pool, &made, &e))
        return cli_fail(EXIT_NOT_STARTED, &e);
    if (c->followed || cli_get(c, "follow"))
        return watch(c, made.id, 0);
    if (c->json)
        return show_answer(c, &answer);
    return puts(made.id) < 0 ? EXIT_FAILED : 0;
}

// --- cancel and delete ----------------------------------------------------------------------

static int each(struct cli *c, const char *method, const char *rest)
{
    struct err e;
    int code = 0;
    own_buf struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    for (unsigned i = 0; i < c->n_args; i++) {
        own_free char *path = run_path(c->args[i], rest);
        if (client_call(c->client, method, path, NULL, &answer, &e)) {
            (void)err_wrap(&e, "%s", c->args[i]);
            code = cli_fail(EXIT_FAILED, &e);
        }
    }
    return code;
}

int cmd_runs_cancel(struct cli *c)
{
    return each(c, "POST", "/cancel?wait=60");
}

int cmd_runs_pause(struct cli *c)
{
    return each(c, "POST", "/pause?wait=60");
}

int cmd_runs_delete(struct cli *c)
{
    return each(c, "DELETE", "");
}

// --- saying something -----------------------------------------------------------------------

static int tell(struct cli *c, const char *rest, const char *member)
{
    struct err e;
    struct json_out o;
    own_buf struct buf body, answer;
    own_free char *path = run_path(c->args[0], rest);
    buf_init(&body, ANSWER_MAX);
    buf_init(&answer, ANSWER_MAX);
    json_out_init(&o, &body);
    json_begin(&o, NULL);
    if (c->n_args > 1)
        json_str(&o, member, c->args[1]);
    body_str(&o, c, "mode", "mode");
    json_end(&o);
    if (client_call(c->client, "POST", path, &body, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    return 0;
}

int cmd_runs_continue(struct cli *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct item before;
    json_pool_init(&pool);
    if (look(c, &pool, &before, &e))
        return cli_fail(EXIT_FAILED, &e);
    int code = tell(c, "/continue", "message");
    return code || !cli_get(c, "follow") ? code : watch(c, c->args[0], before.events);
}

int cmd_runs_interrupt(struct cli *c)
{
    return tell(c, "/interrupt", "message");
}

int cmd_runs_say(struct cli *c)
{
    return tell(c, "/messages", "content");
}
