// SPDX-License-Identifier: Apache-2.0
// Tools that a run brings: HTTP addresses that its agent calls by way of us. A call is one curl in a
// sandbox of its own, as a webhook's is, so that what it answers with is not in the agent's sandbox
// before it is text; its headers are sealed, and in no sandbox at all. A call is made once: one that was under way
// when the server died is answered with that.
#include "run_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/crypt.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdio.h>

#define FIELDS                                                                                     \
    5 // of a tool in its run's record: name, description, method and url, schema, headers
#define CALLS_MAX 8    // of a run at a time
#define CALL_MS 120000 // of one
#define ANSWER_BYTES (64 * 1024)

const char *const run_tool_methods[] = {"POST", "GET", "PUT", "PATCH", "DELETE", NULL};

struct tool_call {
    struct waiter w;
    struct runrec *r;
    struct list link;
    char id[AGENT_ID_MAX], *rpc;
    bool by_door;
    struct list askers; // then: who waits for it, unless he has left
};

static bool is_plain(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == '"' || *s == '\\' || *s == 0x7f)
            return false;
    return true;
}

static int check(const struct core *c, const struct run_tool *t, size_t *bytes, struct err *e)
{
    if (!t->name || !name_ok(t->name) || strchr(t->name, '.'))
        return err_set(e, ERR_BAD_REQUEST, "'%.64s' is not the name of a tool",
                       t->name ? t->name : "");
    if (!t->url || hook_check_as(c, "url", t->url, e))
        return t->url ? -1 : err_set(e, ERR_BAD_REQUEST, "url is missing");
    if (t->schema[strspn(t->schema, " \t\r\n")] != '{')
        return err_set(e, ERR_BAD_REQUEST, "input_schema is not an object");
    *bytes += strlen(t->description) + strlen(t->schema) + strlen(t->url);
    for (const char *const *h = t->headers; h && *h; h++) {
        *bytes += strlen(*h);
        if (!is_plain(*h) || !strchr(*h, ':') || **h == ':')
            return err_set(e, ERR_BAD_REQUEST,
                           "a header has no name, or a quote, backslash or control character");
    }
    return 0;
}

int run_tools_check(const struct core *c, const struct run_tool *tools, unsigned n, struct err *e)
{
    size_t bytes = 0;
    if (n > AGENT_TOOLS_MAX)
        return err_set(e, ERR_LIMIT, "there are %u tools; at most %d may be", n, AGENT_TOOLS_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (check(c, &tools[i], &bytes, e))
            return err_wrap(e, "tools/%u", i);
        for (unsigned k = 0; k < i; k++)
            if (!strcmp(tools[k].name, tools[i].name))
                return err_set(e, ERR_BAD_REQUEST, "tools/%u: there is a '%.64s' already", i,
                               tools[i].name);
    }
    return bytes <= RUN_LIBRARY_BYTES
               ? 0
               : err_set(e, ERR_LIMIT, "tools are larger than %d bytes", RUN_LIBRARY_BYTES);
}

// Of "METHOD URL"; an older record has no method. ret_body: does it have one?
static const char *url_of(const char *const *tool, char ret_method[8], bool *ret_body)
{
    size_t n = strcspn(tool[2], " ");
    bool none = !tool[2][n] || n > 7;
    (void)snprintf(ret_method, 8, "%.*s", none ? 4 : (int)n, none ? "POST" : tool[2]);
    *ret_body = strcmp(ret_method, "GET") != 0 && strcmp(ret_method, "DELETE") != 0;
    return none ? tool[2] : tool[2] + n + 1;
}

// One line of it: what stands between values becomes blanks.
static char *flat(const char *schema)
{
    char *text = xstrdup(schema);
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    return text;
}

struct strings *run_tools_pack(struct core *c, const struct run_tool *tools, unsigned n_tools,
                               struct err *e)
{
    const char *list[FIELDS * AGENT_TOOLS_MAX + 1];
    char *made[AGENT_TOOLS_MAX][3] = {0};
    size_t n = 0;
    bool bad = false;
    for (unsigned i = 0; i < n_tools && !bad; i++) {
        const struct run_tool *t = &tools[i];
        made[i][0] = xasprintf("%s %s", t->method ? t->method : "POST", t->url);
        made[i][1] = flat(t->schema);
        if (t->headers && t->headers[0] && tool_seal(c, t, &made[i][2], e))
            bad = err_wrap(e, "tools/%u", i);
        list[n++] = t->name;
        list[n++] = t->description;
        list[n++] = made[i][0];
        list[n++] = made[i][1];
        list[n++] = made[i][2] ? made[i][2] : "";
    }
    list[n] = NULL;
    struct strings *ret = bad ? NULL : strings_copy(list);
    for (unsigned i = 0; i < n_tools; i++)
        for (unsigned k = 0; k < N_ELEMS(made[i]); k++)
            free(made[i][k]);
    return ret;
}

// An older server recorded headers as they came. NULL: it had none, or they cannot be kept.
static char *seal_lines(struct runrec *r, const char *const *tool)
{
    const char *headers[65];
    char method[8], *ret = NULL;
    bool body;
    size_t n = 0;
    struct err e;
    own_free char *copy = xstrdup(tool[4]);
    char *rest = copy;
    for (char *line; n < N_ELEMS(headers) - 1 && (line = strsep(&rest, "\n"));)
        if (*line)
            headers[n++] = line;
    headers[n] = NULL;
    struct run_tool t = {.url = url_of(tool, method, &body), .headers = headers, .method = method};
    if (tool_seal(r->core, &t, &ret, &e))
        core_notice(r->core, true, "run %s: the headers of its tool %s are dropped: %s", r->pub.id,
                    tool[0], e.text);
    crypt_wipe(copy, strlen(copy));
    return ret;
}

static void seal_old(struct runrec *r)
{
    const char *list[FIELDS * AGENT_TOOLS_MAX + 1];
    char *made[AGENT_TOOLS_MAX] = {0};
    size_t n = 0;
    bool found = false;
    for (size_t i = 0; i + FIELDS <= r->tools->n && n + FIELDS < N_ELEMS(list); i += FIELDS) {
        const char *const *tool = r->tools->list + i;
        bool old = *tool[4] && !tool_is_sealed(tool[4]);
        if (old)
            made[i / FIELDS] = seal_lines(r, tool);
        found |= old;
        for (size_t k = 0; k < FIELDS; k++)
            list[n++] = k == 4 && old ? made[i / FIELDS] ? made[i / FIELDS] : "" : tool[k];
    }
    list[n] = NULL;
    if (found) {
        run_tools_replace(r, strings_copy(list));
        run_row_changed(r);
    }
    for (size_t i = 0; i < N_ELEMS(made); i++)
        free(made[i]);
}

void run_tools_seal_old(struct core *c)
{
    list_for (it, &c->run_list)
        seal_old(container_of(it, struct runrec, all));
}

void run_tools_publish(struct runrec *r)
{
    r->n_tools = 0;
    for (size_t i = 0; i + FIELDS <= r->tools->n && r->n_tools < AGENT_TOOLS_MAX; i += FIELDS)
        r->agent_tools[r->n_tools++] =
            (struct agent_tool){r->tools->list[i], r->tools->list[i + 1], r->tools->list[i + 3]};
}

void run_tools_replace(struct runrec *r, struct strings *take_tools)
{
    free(r->tools);
    r->tools = take_tools;
    r->pub.tools = r->tools->list;
    run_tools_publish(r);
}

// --- calls ------------------------------------------------------------------------------------

static void answer(struct runrec *r, const struct agent_call *call, const char *text, size_t len,
                   bool is_error)
{
    own_buf struct buf b;
    buf_init(&b, 1024 * 1024); // a text of 64 KiB, escaped
    agent_call_done(r->adapter, &b, call, (struct json_text){text, len}, is_error);
    if (!b.overflow)
        run_write(r, &b);
}

static void answer_call(struct tool_call *t, const char *text, size_t len, bool is_error)
{
    const struct agent_call call = {.id = t->id, .rpc = t->rpc};
    own_buf struct buf b;
    buf_init(&b, 1024 * 1024); // as above
    if (!t->by_door) {
        answer(t->r, &call, text, len, is_error);
    } else if (!list_empty(&t->askers)) {
        struct list askers;
        agent_mcp_done(&b, t->rpc, (struct json_text){text, len}, is_error);
        list_take(&t->askers, &askers);
        waiters_done(&askers, &b);
    }
}

static void call_free(struct tool_call *t)
{
    list_del(&t->link);
    free(t->rpc);
    free(t);
}

static void on_called(struct waiter *w)
{
    struct tool_call *t = container_of(w, struct tool_call, w);
    const struct exec *x = w->result;
    struct core *core = t->r->core;
    struct err e;
    char status[4] = "", text[160];
    if (w->err.code) {
        answer_call(t, w->err.text, strlen(w->err.text), true);
        call_free(t);
        return;
    }
    size_t n = x->data_len[EXEC_STDERR];
    uint64_t code = 0;
    if (n >= 3)
        memcpy(status, x->data[EXEC_STDERR] + n - 3, 3); // curl's -w, after its own words
    (void)num_parse_u64(status, 0, 999, &code, NULL);    // else there was no answer
    bool good = code >= 200 && code < 300 && x->end.reason == END_EXITED && !x->end.exit_code;
    if (good || (code && x->data_len[EXEC_STDOUT])) {
        answer_call(t, x->data[EXEC_STDOUT], x->data_len[EXEC_STDOUT], !good);
    } else {
        (void)snprintf(text, sizeof(text),
                       code ? "it answered with status %llu" : "it is not to be reached (%llu)",
                       (unsigned long long)code);
        answer_call(t, text, strlen(text), true);
    }
    (void)core_exec_delete(core, w->result, NULL, &e); // it is nobody's to look at
    call_free(t);
}

// url: where it is to be asked, by a rule of its own or by way of the egress process, which adds its
// headers.
struct asking {
    char method[8];
    const char *url;
    bool body, sealed;
};
static void write_config(const struct asking *a, const struct agent_call *call, struct buf *b)
{
    (void)buf_printf(b, "request = \"%s\"\nurl = \"%s", a->method, a->url);
    if (!a->body)
        (void)buf_putc(b, strchr(a->url, '?') ? '&' : '?');
    if (!a->body)
        agent_call_query(call, b);
    (void)buf_puts(b, "\"\n");
    if (a->body)
        (void)buf_puts(b, "header = \"Expect:\"\ndata-binary = \"@body.json\"\n");
    if (a->sealed)
        (void)buf_puts(b, "header = \"Content-Type:\"\nheader = \"User-Agent:\"\n"
                          "header = \"Accept:\"\nnoproxy = \"*\"\n");
    else
        (void)buf_printf(b, "noproxy = \"\"\n%s",
                         a->body ? "header = \"Content-Type: application/json\"\n" : "");
    (void)buf_puts(b, "silent\nshow-error\nwrite-out = \"%{stderr}%{http_code}\"\n"
                      "max-time = 100\nproto = \"=http,https\"\n");
}

static int start(struct tool_call *t, const char *const *tool, const struct agent_call *call,
                 struct err *e)
{
    static const char *const argv[] = {"curl", "--disable", "--config", "-", NULL};
    struct core *core = t->r->core;
    char rule[NETWORK_RULE_MAX], id[SECRET_ID_MAX];
    struct asking a = {.sealed = *tool[4]};
    const char *url = a.url = url_of(tool, a.method, &a.body);
    const char *const allow[] = {a.sealed ? id : rule, NULL};
    own_buf struct buf config, service;
    buf_init(&config, 2 * RUN_LIBRARY_BYTES);
    buf_init(&service, 2 * SECRET_SEALED_MAX);
    if (a.sealed ? tool_tell(core, tool[4], url, id, &service, e) : hook_rule("url", url, rule, e))
        return -1;
    a.url = a.sealed ? service.data : url;
    write_config(&a, call, &config);
    const struct file_put body = {
        .path = "body.json", .data = call->arguments, .len = call->arguments_len};
    const struct exec_spec spec = {.argv = argv,
                                   .stdin_data = config.data,
                                   .stdin_len = config.len,
                                   .timeout_ms = CALL_MS,
                                   .answer_bytes = ANSWER_BYTES,
                                   .image = "host",
                                   .profile = "default",
                                   .network_given = true,
                                   .network = NET_LIST,
                                   .allow = allow,
                                   .keep = a.sealed ? allow : NULL,
                                   .files = &body,
                                   .n_files = 1};
    return core_exec_start(core, NULL, &spec, &t->w, e) ? 0 : -1;
}

// false: it cannot be made, as *e says.
static struct tool_call *begin(struct runrec *r, const struct agent_call *call, struct err *e)
{
    size_t i = 0, n = 0;
    while (i + FIELDS <= r->tools->n && strcmp(r->tools->list[i], call->name))
        i += FIELDS;
    list_for (it, &r->calls)
        n++;
    if (n >= CALLS_MAX || i + FIELDS > r->tools->n) {
        err_set(e, ERR_LIMIT, "too many calls at a time");
        return NULL;
    }
    struct tool_call *t = xcalloc(1, sizeof(*t));
    t->r = r;
    t->w.on_done = on_called;
    list_init(&t->askers);
    TEXT_PUT(t->id, call->id ? call->id : "");
    t->rpc = xstrdup(call->rpc);
    list_add_tail(&r->calls, &t->link);
    if (!start(t, r->tools->list + i, call, e))
        return t;
    call_free(t);
    return NULL;
}

void run_call(void *arg, const struct agent_call *call)
{
    static const char again[] = "the server was replaced during the call; whether it was made is "
                                "not known";
    struct runrec *r = arg;
    struct err e = {0};
    if (r->read_at < r->replay_until) { // it was called before; and answered, if more is known
        if (!r->known_events)
            answer(r, call, again, sizeof(again) - 1, true);
    } else if (!begin(r, call, &e)) {
        answer(r, call, e.text, strlen(e.text), true);
    }
}

struct door_call {
    struct runrec *r;
    struct waiter *w;
    struct buf *reply;
    bool waits;
};

static void on_door_call(void *arg, const struct agent_call *call)
{
    struct door_call *d = arg;
    struct err e = {0};
    struct tool_call *t = begin(d->r, call, &e);
    if (!t) {
        agent_mcp_done(d->reply, call->rpc, (struct json_text){e.text, strlen(e.text)}, true);
        return;
    }
    t->by_door = d->waits = true;
    waiter_add(d->w, &t->askers, NULL, NULL);
}

int core_run_mcp(struct core *c, struct run *pub, const void *body, size_t len, struct waiter *w,
                 struct err *e)
{
    struct runrec *r = runrec_of(pub);
    own_buf struct buf reply;
    buf_init(&reply, 2 * 1024 * 1024); // all tools with their schemas
    struct door_call d = {.r = r, .w = w, .reply = &reply};
    const struct agent_expect x = {
        .tools = r->agent_tools, .n_tools = r->n_tools, .on_call = on_door_call, .arg = &d};
    (void)c;
    if (!r->x || !r->n_tools)
        return err_set(e, ERR_CONFLICT, "run %s serves no tools now", pub->id);
    if (agent_mcp_ask(&x, body, len, &reply, e))
        return -1;
    if (!d.waits) {
        w->err = (struct err){0};
        w->result = &reply;
        w->on_done(w);
    }
    return 0;
}

// Who waits by the door hears the end of it.
static void answer_door(struct tool_call *t)
{
    static const char over[] = "its turn is over";
    if (t->by_door)
        answer_call(t, over, sizeof(over) - 1, true);
}

void run_calls_end(struct runrec *r)
{
    while (!list_empty(&r->calls)) {
        struct tool_call *t = container_of(r->calls.next, struct tool_call, link);
        waiter_cancel(&t->w); // its curl is ended too
        answer_door(t);
        call_free(t);
    }
    for (size_t i = 0; i + FIELDS <= r->tools->n; i += FIELDS)
        tool_forget(r->core, r->tools->list[i + 4]);
}

void run_tool_lines(void *arg, const struct buf *lines)
{
    run_write(arg, lines);
}
