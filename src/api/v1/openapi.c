// SPDX-License-Identifier: Apache-2.0
// The OpenAPI 3.1 document, printed from the rows of routes.c, the tables that read bodies and the
// shapes that write answers.
#include "routes_int.h"

#include <ctype.h>
#include <stdio.h>

#define SCHEMAS_MAX 96

struct schemas { // named ones that the document must define
    struct {
        const struct json_shape *shape;
        const struct json_table *table;
    } at[SCHEMAS_MAX];
    unsigned n;
};

static const char *schema_name(const struct json_shape *shape, const struct json_table *table)
{
    return shape ? shape->name : table->name;
}

static void need(void *arg, const struct json_shape *shape, const struct json_table *table)
{
    struct schemas *s = arg;
    for (unsigned i = 0; i < s->n; i++)
        if (s->at[i].shape == shape && s->at[i].table == table)
            return;
    assert(s->n < SCHEMAS_MAX);
    s->at[s->n].shape = shape;
    s->at[s->n++].table = table;
}

static const struct json_show problem_rows[] = {
    {.name = "type", .type = SHOW_STRING},
    {.name = "title", .type = SHOW_STRING},
    {.name = "status", .type = SHOW_U32},
    {.name = "detail", .type = SHOW_STRING},
    {.name = "instance", .type = SHOW_STRING},
    {.name = "code", .type = SHOW_STRING, .doc = "for programs; does not change"},
    {.name = "retryable", .type = SHOW_BOOL},
    {.name = "remedy", .type = SHOW_STRING},
    {.name = "request_id", .type = SHOW_STRING},
    {.name = "limit", .type = SHOW_OBJECT},
};
static const struct json_shape problem_shape = {"Problem", problem_rows, N_ELEMS(problem_rows)};

static void ref(struct json_out *o, const char *name, const char *kind, const char *what)
{
    char text[120];
    (void)snprintf(text, sizeof(text), "#/components/%s/%s", kind, what); // names are short
    json_begin(o, name);
    json_str(o, "$ref", text);
    json_end(o);
}

// --- one operation --------------------------------------------------------------------------

// "/v1/workspaces/{id}/files/*" as OpenAPI writes it.
static void template_of(const char *pattern, char *out, size_t room)
{
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        (void)snprintf(out, room, "%.*s{path}", (int)n - 1, pattern);
    else
        (void)snprintf(out, room, "%s", pattern);
}

static void operation_id(struct json_out *o, const struct http_route *r)
{
    char text[160];
    size_t n = 0;
    for (const char *p = http_method_name(r->method); *p; p++)
        text[n++] = (char)tolower((unsigned char)*p);
    for (const char *p = r->pattern; *p && n + 2 < sizeof(text); p++) {
        if (isalnum((unsigned char)*p))
            text[n++] = *p;
        else if (*p == '*')
            text[n++] = 'x';
        else if (n && text[n - 1] != '_')
            text[n++] = '_';
    }
    while (n && text[n - 1] == '_')
        n--;
    json_strn(o, "operationId", text, n);
}

static void parameter(struct json_out *o, const char *name, size_t n, const char *in,
                      const char *type, const char *doc)
{
    json_begin(o, NULL);
    json_strn(o, "name", name, n);
    json_str(o, "in", in);
    json_bool(o, "required", *in == 'p');
    json_begin(o, "schema");
    json_str(o, "type", type);
    json_end(o);
    if (doc)
        json_str(o, "description", doc);
    json_end(o);
}

static void parameters(struct json_out *o, const struct http_route *r, const struct v1_extra *x)
{
    json_begin_array(o, "parameters");
    for (const char *p = r->pattern; (p = strpbrk(p, "{*")); p++) {
        if (*p == '*')
            parameter(o, "path", 4, "path", "string", "may hold slashes");
        else
            parameter(o, p + 1, strcspn(p + 1, "}"), "path", "string", NULL);
    }
    for (const struct v1_param *q = x->params; q && q->name; q++)
        parameter(o, q->name, strlen(q->name), "query", q->type, q->doc);
    if (x->idempotent)
        parameter(o, "Idempotency-Key", 15, "header", "string",
                  "the same key and body give the same answer for a day");
    json_end_array(o);
}

static void request_body(struct json_out *o, const struct v1_extra *x, struct schemas *s)
{
    if (!x->body && !x->body_type)
        return;
    json_begin(o, "requestBody");
    json_begin(o, "content");
    json_begin(o, x->body_type ? x->body_type : "application/json");
    if (x->body) {
        need(s, NULL, x->body);
        ref(o, "schema", "schemas", x->body->name);
    }
    json_end(o);
    json_end(o);
    json_end(o);
}

static void page_schema(struct json_out *o, const char *item)
{
    json_begin(o, "schema");
    json_str(o, "type", "object");
    json_begin(o, "properties");
    json_begin(o, "items");
    json_str(o, "type", "array");
    ref(o, "items", "schemas", item);
    json_end(o);
    json_begin(o, "next_cursor");
    json_begin_array(o, "type");
    json_str(o, NULL, "string");
    json_str(o, NULL, "null");
    json_end_array(o);
    json_end(o);
    json_end(o);
    json_end(o);
}

static void answer_content(struct json_out *o, const struct http_route *r, const struct v1_extra *x,
                           struct schemas *s)
{
    json_begin(o, "content");
    json_begin(o, x->type ? x->type : "application/json");
    if (x->answer) {
        need(s, x->answer, NULL);
        if (x->list)
            page_schema(o, x->answer->name);
        else
            ref(o, "schema", "schemas", x->answer->name);
    }
    json_end(o);
    if (r->flags & HTTP_STREAM) {
        json_begin(o, "text/event-stream");
        json_end(o);
        json_begin(o, "application/x-ndjson");
        json_end(o);
        json_begin(o, "application/vnd.pinfold.frames");
        json_end(o);
    }
    json_end(o);
}

static void responses(struct json_out *o, const struct http_route *r, const struct v1_extra *x,
                      struct schemas *s)
{
    char status[8];
    (void)snprintf(status, sizeof(status), "%d", x->status);
    json_begin(o, "responses");
    json_begin(o, status);
    json_str(o, "description", http_status_text(x->status));
    if (x->status != 204 && x->status != 101)
        answer_content(o, r, x, s);
    json_end(o);
    ref(o, "default", "responses", "Problem");
    json_end(o);
}

static void operation(struct json_out *o, const struct http_route *r, struct schemas *s)
{
    const struct v1_extra *x = r->extra;
    char method[8];
    (void)snprintf(method, sizeof(method), "%s", http_method_name(r->method));
    for (char *p = method; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    json_begin(o, method);
    operation_id(o, r);
    json_begin_array(o, "tags");
    json_str(o, NULL, x->tag);
    json_end_array(o);
    json_str(o, "summary", r->doc);
    parameters(o, r, x);
    request_body(o, x, s);
    responses(o, r, x, s);
    if (r->flags & HTTP_PUBLIC) {
        json_begin_array(o, "security");
        json_end_array(o);
    } else {
        json_str(o, "x-scope", token_scope_name((enum token_scope)r->scope));
    }
    json_end(o);
}

// --- the document ---------------------------------------------------------------------------

// Operations of one path stand together: each path is written where it is first seen. A WebSocket
// is a GET to OpenAPI too, and never the only one of its path and method that matters.
static void paths(struct json_out *o, struct schemas *s)
{
    json_begin(o, "paths");
    for (unsigned i = 0; i < n_v1_routes; i++) {
        bool seen = false;
        for (unsigned k = 0; k < i && !seen; k++)
            seen = !strcmp(v1_routes[k].pattern, v1_routes[i].pattern);
        if (seen)
            continue;
        char path[200];
        template_of(v1_routes[i].pattern, path, sizeof(path));
        json_begin(o, path);
        for (unsigned k = i; k < n_v1_routes; k++)
            if (!strcmp(v1_routes[k].pattern, v1_routes[i].pattern))
                operation(o, &v1_routes[k], s);
        json_end(o);
    }
    json_end(o);
}

static void components(struct json_out *o, struct schemas *s)
{
    json_begin(o, "components");
    need(s, &problem_shape, NULL);
    json_begin(o, "schemas");
    for (unsigned i = 0; i < s->n; i++) { // writing one may add others behind
        const char *name = schema_name(s->at[i].shape, s->at[i].table);
        if (s->at[i].shape)
            json_shape_schema(o, name, s->at[i].shape, need, s);
        else
            json_table_schema(o, name, s->at[i].table, need, s);
    }
    json_end(o);
    json_begin(o, "responses");
    json_begin(o, "Problem");
    json_str(o, "description", "What was wrong, as RFC 9457 says.");
    json_begin(o, "content");
    json_begin(o, "application/problem+json");
    ref(o, "schema", "schemas", problem_shape.name);
    json_end(o);
    json_end(o);
    json_end(o);
    json_end(o);
    json_begin(o, "securitySchemes");
    json_begin(o, "bearer");
    json_str(o, "type", "http");
    json_str(o, "scheme", "bearer");
    json_end(o);
    json_begin(o, "key");
    json_str(o, "type", "apiKey");
    json_str(o, "in", "header");
    json_str(o, "name", "X-API-Key");
    json_end(o);
    json_end(o);
    json_end(o);
}

static void security(struct json_out *o, const char *scheme)
{
    json_begin(o, NULL);
    json_begin_array(o, scheme);
    json_end_array(o);
    json_end(o);
}

void v1_openapi(struct json_out *o, const char *version)
{
    struct schemas s = {.n = 0};
    json_str(o, "openapi", "3.1.0");
    json_begin(o, "info");
    json_str(o, "title", "pinfold");
    json_str(o, "version", version);
    json_str(o, "description",
             "Commands, builds and files in sandboxes. Errors are RFC 9457 documents with code, "
             "retryable and remedy. Times are RFC 3339 in UTC; ids are opaque.");
    json_begin(o, "license");
    json_str(o, "name", "Apache-2.0");
    json_str(o, "identifier", "Apache-2.0");
    json_end(o);
    json_end(o);
    json_begin_array(o, "servers");
    json_begin(o, NULL);
    json_str(o, "url", "/");
    json_end(o);
    json_end_array(o);
    json_begin_array(o, "security");
    security(o, "bearer");
    security(o, "key");
    json_end_array(o);
    paths(o, &s);
    components(o, &s);
}

void v1_system_openapi(struct http_req *r)
{
    struct v1 *v = v1_of(r);
    // Made once: it is the same for as long as we live, takes a while, and anybody may ask for it.
    if (!v->openapi.len) {
        struct answer a;
        v1_answer_begin(&a);
        v1_openapi(&a.o, v->conf.version);
        json_end(&a.o);
        if (!json_done(&a.o)) {
            buf_release(&a.b);
            struct err e;
            (void)err_set(&e, ERR_INTERNAL, "the document does not fit");
            v1_err(r, &e);
            return;
        }
        v->openapi = a.b; // taken
    }
    http_reply(r, 200, "application/json", v->openapi.data, v->openapi.len);
}
