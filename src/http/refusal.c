// SPDX-License-Identifier: Apache-2.0
// The library refuses some requests itself, before there is a request of ours: a body over the
// limit, a length that is no number, an unknown transfer coding. It answers with plain text on its
// fallback path; this filter puts the API's own words in its place.
#include "http_int.h"

#include <pinfold/own.h>

struct refusal_filter {
    h2o_filter_t super;
    struct http_server *server;
};
struct words {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

static struct http_refusal refusal_for(const struct http_server *s, int status)
{
    if (status == 413)
        return (struct http_refusal){413, "body_too_large", "the request's body is too large",
                                     "max_upload", s->limits.body_bytes};
    if (status == 417)
        return (struct http_refusal){417, "bad_expectation", "only 100-continue can be expected",
                                     NULL, 0};
    return (struct http_refusal){status, "bad_framing",
                                 "the request's body is not framed as HTTP says", NULL, 0};
}

// Let the API write its refusal into a request that is only a vessel.
static h2o_iovec_t words_of(struct http_server *s, h2o_req_t *req)
{
    struct http_refusal why = refusal_for(s, req->res.status);
    const char *query = memchr(req->input.path.base, '?', req->input.path.len);
    size_t path_len = query ? (size_t)(query - req->input.path.base) : req->input.path.len;
    struct request *r = xcalloc(1, sizeof(*r));
    r->server = s;
    r->room = r->small_room;
    r->capturing = true;
    r->h2o = req;
    r->pub.path = h2o_strdup(&req->pool, req->input.path.base, path_len).base;
    buf_init(&r->out, STREAM_MAX);
    buf_init(&r->flight, 0);
    r->pub.api = request_owner(s, r->pub.path);
    request_set_id(r);
    req->res.headers.size = 0;
    request_refuse(r, &why);
    h2o_iovec_t body = h2o_strdup(&req->pool, r->out.data, r->out.len);
    request_free(r);
    return body;
}

static void send_words(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t n,
                       h2o_send_state_t state)
{
    (void)bufs;
    (void)n;
    struct words *w = container_of(self, struct words, super);
    bool head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
    h2o_ostream_send_next(self, req, &w->body, head ? 0 : 1, state);
}

static void on_setup_ostream(h2o_filter_t *super, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct refusal_filter *f = container_of(super, struct refusal_filter, super);
    if (req->_generator && req->_generator->stop == request_on_stop) {
        h2o_setup_next_ostream(req, slot); // an answer of ours
        return;
    }
    h2o_iovec_t body = words_of(f->server, req);
    struct words *w = (void *)h2o_add_ostream(req, sizeof(*w), slot);
    w->super.do_send = send_words;
    w->body = body;
    h2o_setup_next_ostream(req, &w->super.next);
}

void refusal_register(struct http_server *s, h2o_pathconf_t *fallback)
{
    struct refusal_filter *f = (void *)h2o_create_filter(fallback, sizeof(*f));
    f->super.on_setup_ostream = on_setup_ostream;
    f->server = s;
}
