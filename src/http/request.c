// SPDX-License-Identifier: Apache-2.0
// From the library's request to ours: limits, decoding, routing, the handler; and its end.
#include "http_int.h"

#include <arpa/inet.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <stdio.h>

#define DECODED_MIN 8

// --- its life -------------------------------------------------------------------------------

struct anchor {
    struct request *r; // NULL once nothing is to be told
};

void request_free(struct request *r)
{
    if (r->freed)
        *r->freed = true;
    buf_release(&r->out);
    buf_release(&r->flight);
    if (r->room != r->small_room)
        free(r->room);
    free(r);
}

static void unlist(struct request *r)
{
    list_del(&r->link);
    loop_unwatch(&r->watch);
    loop_timer_cancel(r->server->loop, &r->heartbeat);
}

struct conn *request_conn(h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
    return sock->on_close.data;
}

void request_shut(struct request *r)
{
    if (!r->h2o)
        return;
    r->h2o->http1_is_persistent = 0;
    if (r->h2o->version < 0x200) // an HTTP/2 connection carries others' requests too
        (void)shutdown(h2o_socket_get_fd(r->conn->sock), SHUT_RDWR); // gone already is fine
}

void request_gone(struct request *r)
{
    if (r->pub.gone)
        return;
    unlist(r);
    r->pub.gone = true;
    r->pub.body = "";
    r->pub.body_len = 0;
    if (r->pub.on_gone && !r->finished)
        r->pub.on_gone(&r->pub);
}

// The library is done with the request: answered, or its connection broke.
static void on_dispose(void *p)
{
    struct anchor *a = p;
    struct request *r = a->r;
    struct http_server *s = r->server;
    bool cut = !r->finished;
    r->h2o = NULL;
    if (!--r->conn->open)
        r->conn->quiet_ms = clock_mono_ms();
    s->counters.requests--;
    stream_dispose(r);
    if (cut) {
        s->counters.by_status[0] += r->streaming ? 0 : 1;
        r->conn->resets++;
        request_gone(r);
        // The handler may have finished it in on_gone; then r is freed already.
    } else {
        unlist(r);
        request_free(r);
    }
    server_check_stop(s);
}

void request_on_stop(h2o_generator_t *g, h2o_req_t *req)
{
    (void)g;
    (void)req;
}

void request_done(struct request *r)
{
    r->finished = true;
    unlist(r);
    if (!r->h2o)
        request_free(r);
}

static void on_watch(struct watch *w, uint32_t events)
{
    (void)events;
    struct request *r = container_of(w, struct request, watch);
    loop_unwatch(w);
    request_shut(r); // so that whatever is still written fails, which closes the connection
    request_gone(r);
}

void request_watch(struct request *r)
{
    list_del(&r->link);
    list_add_tail(&r->server->watched, &r->link);
    if (!r->h2o || r->h2o->version >= 0x200)
        return; // an HTTP/2 connection is always being read
    struct err e;
    // Not being able to watch only means that the end is noticed later, at a failing write.
    (void)loop_watch(r->server->loop, &r->watch, h2o_socket_get_fd(r->conn->sock), EPOLLRDHUP,
                     on_watch, &e);
}

// --- headers --------------------------------------------------------------------------------

static const char *pool_string(h2o_req_t *req, h2o_iovec_t v)
{
    return h2o_strdup(&req->pool, v.base, v.len).base;
}

const char *http_header(struct http_req *pub, const char *name)
{
    h2o_req_t *req = request_of(pub)->h2o;
    if (!req || pub->gone)
        return "";
    size_t n = strlen(name);
    if (!strcmp(name, "host"))
        return pool_string(req, req->input.authority);
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *h = &req->headers.entries[i];
        if (h->name->len == n && !memcmp(h->name->base, name, n))
            return pool_string(req, h->value);
    }
    return "";
}

// A WebSocket from a browser cannot have headers: the token is a sub-protocol then.
static const char *protocol_token(struct http_req *r)
{
    static const char mark[] = "pinfold.token.";
    const char *p = http_header(r, "sec-websocket-protocol");
    while (*p) {
        p += strspn(p, " ,\t");
        size_t n = strcspn(p, " ,\t");
        if (n >= sizeof(mark) && !strncmp(p, mark, sizeof(mark) - 1))
            return pool_string(request_of(r)->h2o,
                               h2o_iovec_init(p + sizeof(mark) - 1, n - sizeof(mark) + 1));
        p += n;
    }
    return "";
}

const char *http_token(struct http_req *r)
{
    const char *auth = http_header(r, "authorization");
    if (!strncasecmp(auth, "bearer ", 7)) {
        auth += 7;
        return auth + strspn(auth, " ");
    }
    const char *key = http_header(r, "x-api-key");
    return *key ? key : protocol_token(r);
}

const char *http_peer(struct http_req *pub, char out[64])
{
    h2o_req_t *req = request_of(pub)->h2o;
    struct sockaddr_storage ss = {0};
    (void)snprintf(out, 64, "local");
    if (!req || !req->conn->callbacks->get_peername(req->conn, (void *)&ss))
        return out;
    if (ss.ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)&ss)->sin_addr, out, 64);
    if (ss.ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)&ss)->sin6_addr, out, 64);
    return out;
}

static size_t header_bytes(const h2o_req_t *req)
{
    size_t n = req->input.authority.len;
    for (size_t i = 0; i < req->headers.size; i++)
        n += req->headers.entries[i].name->len + req->headers.entries[i].value.len + 4;
    return n;
}

// The client's id when it is a plain word, else a new one: unique in this process by its counter
// and between processes by its seed, without a system call.
void request_set_id(struct request *r)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    const char *given = http_header(&r->pub, "x-request-id");
    size_t n = strspn(given, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.");
    if (n && n <= HTTP_ID_MAX && !given[n]) {
        memcpy(r->pub.id, given, n + 1);
        return;
    }
    char *p = r->pub.id;
    memcpy(p, "req_", 4);
    p += 4;
    uint64_t seed = r->server->id_seed, count = r->server->id_next++;
    for (int i = 0; i < 8; i++, seed >>= 5)
        *p++ = digits[seed & 31];
    for (int i = 40; i >= 0; i -= 5)
        *p++ = digits[count >> i & 31];
    *p = '\0';
}

// --- routing --------------------------------------------------------------------------------

void request_refuse(struct request *r, const struct http_refusal *why)
{
    if (r->pub.api)
        r->pub.api->refuse(&r->pub, why);
    else
        http_reply(&r->pub, why->status, "text/plain", why->detail, strlen(why->detail));
}

// Whose business is a path that no route matches?
const struct http_api *request_owner(const struct http_server *s, const char *path)
{
    for (unsigned i = 0; i < s->n_apis; i++) {
        size_t n = strlen(s->apis[i]->base);
        if (!strncmp(s->apis[i]->base, path, n) && (path[n] == '/' || !path[n]))
            return s->apis[i];
    }
    return s->n_apis ? s->apis[0] : NULL;
}

static int parse_method(const h2o_req_t *req)
{
    for (int m = 0; m < HTTP_N_METHODS; m++) {
        const char *name = http_method_name((enum http_method)m);
        if (strlen(name) == req->method.len && !memcmp(name, req->method.base, req->method.len))
            return m;
    }
    return -1;
}

static void set_allow(struct request *r, unsigned allow)
{
    char text[80] = "";
    size_t at = 0;
    for (int m = 0; m < HTTP_N_METHODS && at < sizeof(text); m++)
        if ((allow | 1u << HTTP_OPTIONS) & 1u << m)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at ? ", " : "",
                                   http_method_name((enum http_method)m)); // all seven fit
    http_set_header(&r->pub, "allow", text);
}

static const struct row *choose(struct request *r, const struct match *m)
{
    if (m->n < 2)
        return m->n ? m->rows[0] : NULL;
    for (unsigned i = 0; i < m->n; i++) {
        r->pub.api = m->rows[i]->api;
        r->pub.route = m->rows[i]->route;
        if (m->rows[i]->api->claims && m->rows[i]->api->claims(&r->pub))
            return m->rows[i];
    }
    return m->rows[0];
}

static const char *decode(struct request *r, struct path *path)
{
    const h2o_req_t *req = r->h2o;
    size_t n = req->input.path.len;
    size_t at = req->input.query_at < n ? req->input.query_at : n;
    const char *raw = req->input.path.base;
    // the path as sent, the decoded path, the decoded query, each with its NUL
    size_t need = at + 1 + at + 2 + n + DECODED_MIN;
    r->room = need <= sizeof(r->small_room) ? r->small_room : xmalloc(need);
    memcpy(r->room, raw, at);
    r->room[at] = '\0';
    r->pub.path = r->room;
    const char *bad = path_split(raw, at, r->room + at + 1, path);
    if (bad || at == n)
        return bad;
    return query_split(raw + at + 1, n - at - 1, r->room + 2 * at + 3, r->pub.query,
                       &r->pub.n_query);
}

#define REFUSE(r, ...) request_refuse(r, &(struct http_refusal){__VA_ARGS__})

static bool check_sizes(struct request *r)
{
    const struct http_limits *l = &r->server->limits;
    size_t n = r->h2o->input.path.len, headers = header_bytes(r->h2o);
    if (n > l->path_bytes) {
        REFUSE(r, 414, "uri_too_long", "the request's path and query are too long", "path_bytes",
               l->path_bytes);
        return false;
    }
    if (headers > l->header_bytes) {
        REFUSE(r, 431, "headers_too_large", "the request's headers are too large", "header_bytes",
               l->header_bytes);
        return false;
    }
    return true;
}

static bool upgrade_wanted(const h2o_req_t *req)
{
    return req->version < 0x200 && req->upgrade.base &&
           h2o_lcstris(req->upgrade.base, req->upgrade.len, H2O_STRLIT("websocket"));
}

bool http_ws_wanted(struct http_req *r)
{
    return upgrade_wanted(container_of(r, struct request, pub)->h2o);
}

static void run_route(struct request *r)
{
    const struct http_route *route = r->pub.route;
    if (r->conn->listener == r->server->inside && !(route->flags & HTTP_INSIDE)) {
        REFUSE(r, 404, "not_found", "this is not to be asked for out of a sandbox", NULL, 0);
        return;
    }
    if (route->flags & HTTP_WEBSOCKET && !upgrade_wanted(r->h2o)) {
        http_set_header(&r->pub, "upgrade", "websocket");
        REFUSE(r, 426, "upgrade_required", "this is only served as a WebSocket", NULL, 0);
        return;
    }
    bool upgrade =
        route->flags & HTTP_WEBSOCKET || (route->flags & HTTP_EITHER && upgrade_wanted(r->h2o));
    if (upgrade && !ws_handshake_ok(r)) {
        http_set_header(&r->pub, "sec-websocket-version", "13");
        REFUSE(r, 400, "bad_handshake", "the WebSocket handshake is not one of version 13", NULL,
               0);
        return;
    }
    if (r->pub.api->gate && !r->pub.api->gate(&r->pub))
        return;
    if (r->pub.body_len > route->max_body) {
        REFUSE(r, 413, "body_too_large", "the request's body is too large", "max_body",
               route->max_body);
        return;
    }
    route->handle(&r->pub);
}

static void dispatch(struct request *r)
{
    struct path path;
    int method = parse_method(r->h2o);
    r->pub.api = request_owner(r->server, "");
    if (!check_sizes(r))
        return;
    const char *bad = decode(r, &path);
    r->pub.api = request_owner(r->server, r->pub.path);
    if (bad) {
        REFUSE(r, 400, "bad_path", bad, NULL, 0);
        return;
    }
    if (method < 0) {
        REFUSE(r, 501, "unknown_method", "the method is not known here", NULL, 0);
        return;
    }
    r->pub.head = method == HTTP_HEAD;
    r->pub.method = r->pub.head ? HTTP_GET : (enum http_method)method;
    struct match m;
    router_find(&r->server->router, r->pub.method, &path, &m);
    if (!m.allow) {
        REFUSE(r, 404, "no_such_route", "there is nothing at this path", NULL, 0);
    } else if (method == HTTP_OPTIONS) {
        set_allow(r, m.allow);
        http_reply_empty(&r->pub, 204);
    } else if (!m.n) {
        set_allow(r, m.allow);
        REFUSE(r, 405, "method_not_allowed", "this path does not know the method", NULL, 0);
    } else {
        const struct row *row = choose(r, &m);
        r->pub.api = row->api;
        r->pub.route = row->route;
        router_params(row, &path, &r->pub);
        run_route(r);
    }
}

// The library answers all requests that a connection sent at once before it looks at another, and
// some megabytes of them fit into one read: after a while the connection's turn is over for good.
static void limit_pipeline(struct conn *c, h2o_req_t *req)
{
    bool same = c->turn == c->server->turn;
    c->turn = c->server->turn;
    c->in_turn = same ? c->in_turn + 1 : 1;
    if (c->in_turn >= PIPELINE_MAX)
        req->http1_is_persistent = 0; // the answer says so, and the rest is not read
}

int request_on_req(h2o_handler_t *self, h2o_req_t *req)
{
    (void)self;
    struct conn *c = request_conn(req);
    struct request *r = xmalloc(sizeof(*r));
    memset(r, 0, offsetof(struct request, small_room));
    r->room = r->small_room;
    r->server = c->server;
    r->conn = c;
    r->h2o = req;
    r->generator.stop = request_on_stop;
    r->pub.path = "";
    r->pub.body = req->entity.base ? req->entity.base : "";
    r->pub.body_len = req->entity.base ? req->entity.len : 0;
    r->pub.listener = c->listener_name;
    r->pub.tls = c->tls;
    r->pub.begun_ns = clock_mono_ns();
    buf_init(&r->out, STREAM_MAX);
    buf_init(&r->flight, STREAM_MAX);
    struct anchor *a = h2o_mem_alloc_shared(&req->pool, sizeof(*a), on_dispose);
    a->r = r;
    c->open++;
    r->server->counters.requests++;
    r->server->counters.requests_total++;
    r->server->counters.body_bytes += r->pub.body_len;
    list_add_tail(&r->server->fresh, &r->link);
    server_sweep(r->server);
    request_set_id(r);
    if (req->version < 0x200)
        limit_pipeline(c, req);
    // A handler may finish at once, and with HTTP/2 the library may then free everything.
    if (req->version >= 0x200 && c->resets > RESETS_MAX) {
        r->server->counters.resets++;
        (void)shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
        http_drop(&r->pub);
        return 0;
    }
    dispatch(r);
    return 0;
}
