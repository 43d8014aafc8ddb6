// SPDX-License-Identifier: Apache-2.0
// Collected answers.
#include "http_int.h"

#include <pinfold/own.h>

void http_wipe_body(struct http_req *pub)
{
    h2o_req_t *req = request_of(pub)->h2o;
    if (req && req->entity.base)
        explicit_bzero(req->entity.base, req->entity.len);
}

void http_set_header(struct http_req *pub, const char *name, const char *value)
{
    h2o_req_t *req = request_of(pub)->h2o;
    if (!req)
        return;
    h2o_iovec_t v = h2o_strdup(&req->pool, value, SIZE_MAX);
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++) // a line break would begin another header
        if ((unsigned char)v.base[i] >= 0x20 && v.base[i] != 0x7f)
            v.base[n++] = v.base[i];
    h2o_iovec_t k = h2o_strdup(&req->pool, name, SIZE_MAX);
    h2o_add_header_by_str(&req->pool, &req->res.headers, k.base, k.len, 1, NULL, v.base, n);
}

void reply_headers(struct request *r, int status, const char *type)
{
    h2o_req_t *req = r->h2o;
    req->res.status = status;
    req->res.reason = http_status_text(status);
    if (type)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type,
                       strlen(type));
    h2o_iovec_t id = h2o_strdup(&req->pool, r->pub.id, SIZE_MAX);
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-request-id"), 0, NULL,
                          id.base, id.len);
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                   H2O_STRLIT("no-store"));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-content-type-options"), 0,
                          NULL, H2O_STRLIT("nosniff"));
    unsigned class = (unsigned)status / 100;
    r->server->counters.by_status[class < 6 ? class : 5]++;
}

// Send r->out as the whole body.
static void send_collected(struct request *r, int status, const char *type)
{
    h2o_req_t *req = r->h2o;
    if (!req) {
        request_done(r);
        return;
    }
    bool bodiless = status == 204 || status == 304;
    reply_headers(r, status, bodiless ? NULL : type);
    req->res.content_length = bodiless ? SIZE_MAX : r->out.len;
    if (r->capturing)
        return;
    h2o_iovec_t body = h2o_iovec_init(r->out.data, r->out.len);
    bool send = !bodiless && !r->pub.head && body.len;
    h2o_start_response(req, &r->generator);
    // The body lives in r, which lives until the library has disposed of the request.
    request_done(r);
    h2o_send(req, &body, send ? 1 : 0, H2O_SEND_STATE_FINAL);
}

void http_reply(struct http_req *pub, int status, const char *type, const void *body, size_t n)
{
    struct request *r = request_of(pub);
    r->out.max = n;
    (void)buf_append(&r->out, body, n); // its maximum was just set to n
    send_collected(r, status, type);
}

void http_reply_take(struct http_req *pub, int status, const char *type, struct buf *take)
{
    struct request *r = request_of(pub);
    r->out = *take;
    buf_init(take, take->max);
    send_collected(r, status, type);
}

void http_reply_empty(struct http_req *pub, int status)
{
    send_collected(request_of(pub), status, NULL);
}

void http_drop(struct http_req *pub)
{
    struct request *r = request_of(pub);
    h2o_req_t *req = r->h2o;
    if (!req) {
        request_done(r);
        return;
    }
    request_shut(r);
    r->server->counters.by_status[0]++;
    req->res.status = 500;
    req->res.reason = "";
    req->res.content_length = 0;
    h2o_start_response(req, &r->generator);
    request_done(r);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
}
