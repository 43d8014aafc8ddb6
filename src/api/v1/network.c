// SPDX-License-Identifier: Apache-2.0
// The network of a workspace: what it may reach, what it tried, changes while it runs.
#include "routes_int.h"

#include <pinfold/core_network.h>
#include <stdio.h>

// Words with blanks between, as an array.
static void write_words(struct json_out *o, const char *name, const char *text)
{
    json_begin_array(o, name);
    while (*(text += strspn(text, " "))) {
        size_t n = strcspn(text, " ");
        json_strn(o, NULL, text, n);
        text += n;
    }
    json_end_array(o);
}

static void write_decision(struct json_out *o, const struct network_decision *d)
{
    json_begin(o, NULL);
    json_time(o, "time", d->time_ms);
    json_str(o, "host", *d->host ? d->host : NULL);
    if (d->port)
        json_u64(o, "port", d->port);
    else
        json_null(o, "port");
    json_bool(o, "allowed", d->allowed);
    json_str(o, "rule", *d->rule ? d->rule : NULL);
    json_str(o, "reason", *d->reason ? d->reason : NULL);
    json_u64(o, "bytes_sent", d->bytes_sent);
    json_u64(o, "bytes_received", d->bytes_received);
    json_bool(o, "open", d->open);
    json_u64(o, "count", d->count);
    json_str(o, "process", *d->process ? d->process : NULL);
    if (d->pid)
        json_u64(o, "pid", d->pid);
    else
        json_null(o, "pid");
    json_end(o);
}

static const struct json_show use_rows[] = {
    JSON_SHOW_AS(struct network_use, id, "name", SHOW_STRING, .doc = "secret/NAME, provider/NAME"),
    JSON_SHOW(struct network_use, requests, SHOW_U64),
    JSON_SHOW(struct network_use, failures, SHOW_U64,
              .doc = "of them, without an answer or with an error's status"),
    JSON_SHOW(struct network_use, input_tokens, SHOW_U64, .doc = "as answers counted them"),
    JSON_SHOW(struct network_use, output_tokens, SHOW_U64),
    JSON_SHOW(struct network_use, cached_tokens, SHOW_U64),
};
static const struct json_shape use_shape = {"SecretUse", use_rows, N_ELEMS(use_rows)};

static void write_view(struct json_out *o, struct core *core, struct workspace *ws)
{
    struct network_view v;
    core_network_view(core, ws, &v);
    own_free char *effective = v.effective, *proposed = core_network_proposed(ws);
    json_str(o, "mode", net_mode_name(v.mode));
    json_begin_array(o, "allow");
    for (const char *const *a = v.allow; *a; a++)
        json_str(o, NULL, *a);
    json_end_array(o);
    write_words(o, "effective", effective);
    json_bool(o, "learn", v.learn);
    json_bool(o, "live", v.live);
    if (v.learn)
        write_words(o, "proposed", proposed);
    json_begin_array(o, "secrets");
    for (unsigned i = 0; i < v.n_uses; i++) {
        struct network_use u;
        core_network_use(ws, i, &u);
        json_show(o, NULL, &use_shape, &u);
    }
    json_end_array(o);
    json_begin_array(o, "decisions");
    for (unsigned i = 0; i < v.n_decisions; i++) {
        struct network_decision d;
        core_network_decision(ws, i, &d);
        write_decision(o, &d);
    }
    json_end_array(o);
    json_u64(o, "decisions_dropped", v.untold);
}

static const char *mode_word(uint32_t v)
{
    return net_mode_name((enum net_mode)v);
}
static const struct json_show decision_rows[] = {
    {.name = "time", .type = SHOW_TIME},
    {.name = "host", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "in its canonical form"},
    {.name = "port",
     .type = SHOW_U32,
     .flags = SHOW_EMPTY_NULL,
     .doc = "null: a name was asked for"},
    {.name = "allowed", .type = SHOW_BOOL},
    {.name = "rule", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "that allowed it"},
    {.name = "reason",
     .type = SHOW_STRING,
     .flags = SHOW_EMPTY_NULL,
     .doc = "of a refusal: not_listed, private_address, bad_name"},
    {.name = "bytes_sent", .type = SHOW_U64, .doc = "counted when the connection has ended"},
    {.name = "bytes_received", .type = SHOW_U64},
    {.name = "open", .type = SHOW_BOOL},
    {.name = "count", .type = SHOW_U32, .doc = "the same refusal so many times in a row"},
    {.name = "process",
     .type = SHOW_STRING,
     .flags = SHOW_EMPTY_NULL,
     .doc = "what the program that asked calls itself; null: it was gone, or hides"},
    {.name = "pid", .type = SHOW_U32, .flags = SHOW_EMPTY_NULL, .doc = "its id inside"},
};
static const struct json_shape decision_shape = {"NetworkDecision", decision_rows,
                                                 N_ELEMS(decision_rows)};
static const struct json_show view_rows[] = {
    {.name = "mode", .type = SHOW_WORD, .word = mode_word, .n_words = NET_HOST},
    {.name = "allow", .type = SHOW_STRINGS, .doc = "as asked for"},
    {.name = "effective",
     .type = SHOW_STRINGS,
     .doc = "presets spelt out, cut to what the profile allows"},
    {.name = "learn", .type = SHOW_BOOL},
    {.name = "live", .type = SHOW_BOOL, .doc = "its sandbox runs with this network"},
    {.name = "proposed", .type = SHOW_STRINGS, .doc = "with learn: rules for what was refused"},
    {.name = "secrets",
     .type = SHOW_CALL,
     .sub = &use_shape,
     .list = true,
     .doc = "those that were used since the server started"},
    {.name = "decisions",
     .type = SHOW_CALL,
     .sub = &decision_shape,
     .list = true,
     .doc = "newest first"},
    {.name = "decisions_dropped", .type = SHOW_U64, .doc = "there were too many to be recorded"},
};
const struct json_shape v1_network_view_shape = {"WorkspaceNetwork", view_rows, N_ELEMS(view_rows)};

void v1_network_get(struct http_req *r)
{
    struct answer a;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    v1_answer_begin(&a);
    write_view(&a.o, v1_of(r)->core, ws);
    v1_answer_send(r, 200, &a);
}

static void on_patched(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    struct answer a;
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    v1_answer_begin(&a);
    write_view(&a.o, c->v->core, w->result);
    v1_call_answer(c, 200, &a);
}

void v1_network_patch(struct http_req *r)
{
    struct err e;
    struct json_fault f;
    own_json_pool struct json_pool pool;
    struct network_body b = {0};
    struct workspace *ws = v1_find_workspace(r);
    json_pool_init(&pool);
    if (!ws || v1_read_body(r, &v1_network_table, &pool, &b))
        return;
    struct workspace_patch patch = {
        .network_given = b.given & JSON_GIVEN(NETWORK_MODE),
        .learn_given = b.given & JSON_GIVEN(NETWORK_LEARN),
        .learn = b.learn,
    };
    if (v1_network_of(&b, &pool, &patch.network, &patch.allow, &f)) {
        v1_fault(r, &f);
        return;
    }
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_patched;
    (void)v1_call_started(c, core_workspace_patch(c->v->core, ws, &patch, &c->w, &e), &e);
}
