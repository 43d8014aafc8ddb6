// SPDX-License-Identifier: Apache-2.0
// The tables: every row is whole, no two match one request, limits agree with room run.
#include "../../../../src/api/v1/routes_int.h"
#include "../../../../src/http/route_int.h"
#include <tap.h>

static void rows(void)
{
    struct err e;
    struct router router = {0};
    const struct v1_conf conf = {.max_body = 1000, .max_upload = 9000, .version = "1"};
    struct v1 *v = v1_new(NULL, NULL, &conf);
    ok(!router_add(&router, v1_api(v), "", &e), "no two rows match the same request");
    unsigned bad = 0, without_scope = 0, bodies = 0;
    for (unsigned i = 0; i < n_v1_routes; i++) {
        const struct http_route *r = &v1_api(v)->routes[i];
        const struct v1_extra *x = r->extra;
        size_t n = r->doc ? strlen(r->doc) : 0;
        bad += !n || r->doc[n - 1] != '.' || !x || !x->tag || !x->status || !r->handle;
        without_scope += !r->scope && !(r->flags & HTTP_PUBLIC);
        bodies += (x->body || x->body_type) && r->max_body != 1000 && r->max_body != 9000;
    }
    is_int(bad, 0, "every row has a sentence, a tag, a status and a handler");
    is_int(without_scope, 0, "every row is public or wants a scope");
    is_int(bodies, 0, "every row that reads a body has its limit from the settings");
    router_release(&router);
    v1_free(v);
}

static void limits(void)
{
    for (unsigned i = 0; i < n_limit_rows; i++) {
        bool read = false, shown = false;
        for (unsigned k = 0; k < v1_limits_table.n_fields; k++) {
            const struct json_field *f = &v1_limits_table.fields[k];
            read = read ||
                   (!strcmp(f->name, limit_rows[i].name) && f->offset == limit_rows[i].offset &&
                    (f->type == JSON_U64 ? 8 : 4) == limit_rows[i].size);
        }
        for (unsigned k = 0; k < v1_limits_shape.n_rows; k++) {
            const struct json_show *s = &v1_limits_shape.rows[k];
            shown = shown ||
                    (!strcmp(s->name, limit_rows[i].name) && s->offset == limit_rows[i].offset &&
                     (s->type == SHOW_U64 ? 8 : 4) == limit_rows[i].size);
        }
        ok(read && shown, "limit %s can be set and is shown", limit_rows[i].name);
    }
}

static void no_need(void *arg, const struct json_shape *s, const struct json_table *t)
{
    (void)arg;
    (void)s;
    (void)t;
}

// A shape whose row has neither a place nor a writer would show nonsense.
static void shapes(void)
{
    static const struct json_shape *const all[] = {
        &v1_workspace_shape, &v1_exec_shape,  &v1_build_shape,      &v1_image_shape,
        &v1_profile_shape,   &v1_token_shape, &v1_repository_shape, &v1_user_shape,
    };
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < N_ELEMS(all); i++) {
        struct json_out o;
        bool good = true;
        buf_clear(&b);
        json_out_init(&o, &b);
        json_shape_schema(&o, NULL, all[i], no_need, NULL);
        for (unsigned k = 0; k < all[i]->n_rows; k++) {
            const struct json_show *s = &all[i]->rows[k];
            good = good && (s->type != SHOW_CALL || s->call) &&
                   (s->type != SHOW_WORD || (s->word && s->n_words)) &&
                   (s->type != SHOW_OBJECT || s->sub);
        }
        ok(good && json_done(&o), "shape %s is whole", all[i]->name);
    }
    buf_release(&b);
}

static void document(void)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, 1 << 22);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    v1_openapi(&o, "1.2.3");
    json_end(&o);
    ok(json_done(&o) && b.len > 10000, "the document is made without a server");
    ok(strstr(b.data, "\"version\":\"1.2.3\"") &&
           strstr(b.data, "/v1/workspaces/{id}/files/{path}"),
       "with the version and a tail's name");
    buf_release(&b);
}

int main(void)
{
    rows();
    limits();
    shapes();
    document();
    return done_testing();
}
