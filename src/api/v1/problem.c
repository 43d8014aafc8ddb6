// SPDX-License-Identifier: Apache-2.0
// Errors as RFC 9457 documents: what was wrong, whether a retry can help, what would cure it.
#include "v1_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct problem {
    int status;
    const char *code, *title, *detail, *remedy;
    bool retryable;
    const char *pointer; // of the bad member, NULL for none
    const char *limit;
    uint64_t limit_value;
    unsigned retry_after; // seconds, 0: not said
};

static void write_problem(struct http_req *r, const struct problem *p)
{
    struct answer a;
    char type[80], after[16];
    (void)snprintf(type, sizeof(type), "urn:pinfold:problem:%s", p->code); // codes are short
    v1_answer_begin(&a);
    struct json_out *o = &a.o;
    json_str(o, "type", type);
    json_str(o, "title", p->title ? p->title : http_status_text(p->status));
    json_u64(o, "status", (uint64_t)p->status);
    json_str(o, "detail", p->detail);
    json_str(o, "instance", r->path);
    json_str(o, "code", p->code);
    json_bool(o, "retryable", p->retryable);
    if (p->remedy)
        json_str(o, "remedy", p->remedy);
    json_str(o, "request_id", r->id);
    if (p->limit) {
        json_begin(o, "limit");
        json_str(o, "name", p->limit);
        json_u64(o, "value", p->limit_value);
        json_end(o);
    }
    if (p->pointer) {
        json_begin_array(o, "errors");
        json_begin(o, NULL);
        json_str(o, "pointer", p->pointer);
        json_str(o, "detail", p->detail);
        json_end(o);
        json_end_array(o);
    }
    json_end(o);
    if (p->retry_after) {
        (void)snprintf(after, sizeof(after), "%u", p->retry_after);
        http_set_header(r, "retry-after", after);
    }
    http_reply_take(r, p->status, "application/problem+json", &a.b);
    buf_release(&a.b);
}

// --- refusals of the generic part -----------------------------------------------------------

static const struct {
    const char *code, *remedy;
} remedies[] = {
    {"no_such_route", "GET /v1/openapi.json lists every path"},
    {"method_not_allowed", "the Allow header lists the methods of this path"},
    {"body_too_large", "send less at once; larger input can be written to a command's stdin in "
                       "parts"},
    {"upgrade_required", "connect with a WebSocket client"},
    {"bad_path", "percent-encode special characters; slashes inside a name cannot be sent"},
};

void v1_refuse(struct http_req *r, const struct http_refusal *why)
{
    struct problem p = {.status = why->status,
                        .code = why->code,
                        .detail = why->detail,
                        .limit = why->limit,
                        .limit_value = why->limit_value};
    for (size_t i = 0; i < N_ELEMS(remedies); i++)
        if (!strcmp(remedies[i].code, why->code))
            p.remedy = remedies[i].remedy;
    write_problem(r, &p);
}

// --- errors of the verbs --------------------------------------------------------------------

static const struct {
    int status;
    const char *code;
    bool retryable, internal;
    const char *remedy;
} errors[ERR_N_CODES] = {
    [ERR_NONE] = {500, "internal", false, true, NULL},
    [ERR_BAD_REQUEST] = {400, "bad_request", false, false, NULL},
    [ERR_NOT_FOUND] = {404, "not_found", false, false, NULL},
    [ERR_GONE] = {410, "gone", false, false, NULL},
    [ERR_CONFLICT] = {409, "conflict", false, false, NULL},
    [ERR_LIMIT] = {422, "over_limit", false, false, NULL},
    [ERR_DENIED] = {403, "denied", false, false, NULL},
    [ERR_BUSY] = {503, "busy", true, false, "try again in a moment"},
    [ERR_TIMEOUT] = {504, "timeout", true, false, "try again, or allow more time"},
    [ERR_FULL] = {507, "disk_full", false, false,
                  "free space or inodes, or raise limits.disk_bytes"},
    [ERR_KERNEL] = {500, "internal", false, true,
                    "the server's log names the cause under the request's id"},
    [ERR_LOST] = {503, "lost", true, false, "try again; what ran before is not running any more"},
    [ERR_INTERNAL] = {500, "internal", false, true,
                      "the server's log names the cause under the request's id"},
};

// A limit on how much goes on at a time is over when something ends; one on a value never.
static bool limit_of_load(struct core *c)
{
    const struct core_stats *s = core_stats(c);
    const struct core_conf *conf = core_conf(c);
    return s->execs_queued >= conf->execs_queued_max || s->boxes >= conf->boxes_max ||
           s->builds_queued >= conf->builds_queued_max || s->runs_queued >= conf->runs_queued_max ||
           s->workspaces >= conf->workspaces_max;
}

static struct problem problem_of(struct v1 *v, const char *request_id, const struct err *e)
{
    enum err_code code = (unsigned)e->code < ERR_N_CODES ? e->code : ERR_INTERNAL;
    struct problem p = {.status = errors[code].status,
                        .code = errors[code].code,
                        .detail = e->text,
                        .remedy = errors[code].remedy,
                        .retryable = errors[code].retryable};
    if (errors[code].internal) {
        p.detail = "something failed that is not the request's fault";
        if (v->conf.on_internal)
            v->conf.on_internal(v->conf.arg, request_id, e);
    }
    if (code == ERR_LIMIT && limit_of_load(v->core)) {
        p.status = 429;
        p.code = "too_many";
        p.retryable = true;
        p.remedy = "wait for something to end, or end something";
    }
    if (p.retryable)
        p.retry_after = 1;
    return p;
}

void v1_err(struct http_req *r, const struct err *e)
{
    struct problem p = problem_of(v1_of(r), r->id, e);
    write_problem(r, &p);
}

void v1_err_members(struct v1 *v, const char *request_id, struct json_out *o, const struct err *e)
{
    struct problem p = problem_of(v, request_id, e);
    json_u64(o, "status", (uint64_t)p.status);
    json_str(o, "code", p.code);
    json_str(o, "detail", p.detail);
    json_bool(o, "retryable", p.retryable);
    json_str(o, "request_id", request_id);
}

// --- bad input ------------------------------------------------------------------------------

void v1_fault(struct http_req *r, const struct json_fault *f)
{
    bool syntax = f->kind == JSON_NOT_JSON;
    char detail[300];
    const char *where = *f->pointer ? f->pointer : "the body";
    (void)snprintf(detail, sizeof(detail), "%s %s", where, f->detail); // cut is fine
    if (!strncmp(f->detail, "the ", 4) || !strncmp(f->detail, "either ", 7))
        (void)snprintf(detail, sizeof(detail), "%s", f->detail); // a sentence of its own
    struct problem p = {.status = syntax ? 400 : 422,
                        .code = syntax                 ? "malformed_json"
                                : f->kind == JSON_OVER ? "over_limit"
                                                       : "invalid_field",
                        .detail = detail,
                        .pointer = f->pointer,
                        .limit = f->limit,
                        .limit_value = f->limit_value,
                        .remedy = "GET /v1/openapi.json describes every field"};
    write_problem(r, &p);
}

void v1_bad(struct http_req *r, const char *pointer, const char *fmt, ...)
{
    struct json_fault f = {.kind = JSON_WRONG};
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(f.detail, sizeof(f.detail), fmt, ap);
    va_end(ap);
    (void)snprintf(f.pointer, sizeof(f.pointer), "%s", pointer);
    v1_fault(r, &f);
}

void v1_bad_param(struct http_req *r, const char *name, const char *what)
{
    char detail[160];
    (void)snprintf(detail, sizeof(detail), "the query parameter %s %s", name, what);
    struct problem p = {.status = 400, .code = "bad_parameter", .detail = detail};
    write_problem(r, &p);
}
