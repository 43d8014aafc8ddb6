// SPDX-License-Identifier: Apache-2.0
// The server: set-up, listeners and connections, the loop, stopping.
#include "http_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/id.h>
#include <pinfold/own.h>
#include <signal.h>

#define ACCEPT_BATCH 16 // connections taken in one turn, so that open ones get theirs
#define FD_PAUSE_MS 100 // wait when there are no descriptors left
#define CUT_MS 200      // for connections that were cut to be closed
#define FRESH_MS 50     // a request that lasts longer is watched for its client's leaving

void http_limits_init(struct http_limits *l)
{
    *l = (struct http_limits){
        .header_bytes = 32 * 1024,
        .path_bytes = 16 * 1024,
        .body_bytes = 64 * 1024 * 1024,
        .body_budget = 256 * 1024 * 1024,
        .connections = 1024,
        .keep_alive_ms = 75 * 1000,
    };
}

// --- set-up ---------------------------------------------------------------------------------

static void on_our_loop(h2o_socket_t *sock, const char *err)
{
    (void)err;
    struct http_server *s = sock->data;
    (void)loop_turn(s->loop, 0); // an error of epoll_wait cannot happen to a valid descriptor
}

static void set_up_library(struct http_server *s)
{
    h2o_config_init(&s->config);
    s->config.server_name = h2o_iovec_init(H2O_STRLIT("")); // no version for strangers
    s->config.max_request_entity_size = s->limits.body_bytes;
    s->config.http1.req_timeout = s->limits.keep_alive_ms;
    s->config.http1.upgrade_to_http2 = 0; // only where TLS agreed on it
    s->config.http2.idle_timeout = s->limits.keep_alive_ms;
    s->config.http2.max_concurrent_requests_per_connection = 32;
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX; // never a body in a temporary file
    h2o_hostconf_t *host =
        h2o_config_register_host(&s->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *all = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(all, sizeof(h2o_handler_t))->on_req = request_on_req;
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = request_on_req;
    refusal_register(s, &host->fallback_path);
    all->error_log.emit_request_errors = 0;
    host->fallback_path.error_log.emit_request_errors = 0;
    h2o_context_init(&s->h2o, h2o_evloop_create(), &s->config);
}

struct http_server *http_server_new(struct loop *l, const struct http_limits *limits, struct err *e)
{
    struct http_server *s = xcalloc(1, sizeof(*s));
    s->loop = l;
    s->limits = *limits;
    s->accepting = true;
    s->handover_fd = -1;
    list_init(&s->listeners);
    list_init(&s->conns);
    s->peers = map_new();
    list_init(&s->fresh);
    list_init(&s->watched);
    list_init(&s->sockets);
    id_random_bytes(&s->id_seed, sizeof(s->id_seed));
    set_up_library(s);
    int fd = fcntl(loop_fd(l), F_DUPFD_CLOEXEC, 0); // the library closes what it watches
    if (fd < 0) {
        err_sys(e, "duplicate the loop's descriptor");
        http_server_free(s);
        return NULL;
    }
    s->loop_sock = h2o_evloop_socket_create(s->h2o.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    s->loop_sock->data = s;
    h2o_socket_read_start(s->loop_sock, on_our_loop);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); // the library writes with writev; valid arguments
    return s;
}

int http_server_mount(struct http_server *s, const struct http_api *api, const char *prefix,
                      struct err *e)
{
    if (router_add(&s->router, api, prefix, e))
        return -1;
    for (unsigned i = 0; i < s->n_apis; i++)
        if (s->apis[i] == api)
            return 0;
    s->apis = xrealloc(s->apis, (s->n_apis + 1) * sizeof(struct http_api *));
    s->apis[s->n_apis++] = api;
    return 0;
}

// --- connections ----------------------------------------------------------------------------

static void on_accept(h2o_socket_t *sock, const char *err);

static void set_accepting(struct http_server *s, bool on)
{
    if (s->accepting == on || s->stopping)
        return;
    s->accepting = on;
    list_for (it, &s->listeners) {
        struct listener *ln = container_of(it, struct listener, link);
        if (on)
            h2o_socket_read_start(ln->sock, on_accept);
        else
            h2o_socket_read_stop(ln->sock);
    }
}

static void on_conn_close(void *p)
{
    struct conn *c = p;
    struct http_server *s = c->server;
    list_del(&c->link);
    crowd_leave(c);
    if (s->making_room == c)
        s->making_room = NULL;
    free(c);
    s->counters.connections--;
    if (s->counters.connections < s->limits.connections)
        set_accepting(s, true);
    server_check_stop(s);
}

static void on_resume(struct timer *t)
{
    struct http_server *s = container_of(t, struct http_server, resume);
    set_accepting(s, true); // where it is seen whether there is room now
}

void server_take_conn(struct listener *ln, h2o_socket_t *sock)
{
    struct http_server *s = ln->server;
    if (crowd_full(s, sock)) {
        s->counters.refused++;
        h2o_socket_close(sock);
        return;
    }
    struct conn *c = xcalloc(1, sizeof(*c));
    *c = (struct conn){.server = s,
                       .listener_name = ln->name,
                       .tls = ln->tls,
                       .listener = ln,
                       .sock = sock,
                       .quiet_ms = clock_mono_ms()};
    list_add_tail(&s->conns, &c->link);
    crowd_join(c);
    sock->on_close.cb = on_conn_close;
    sock->on_close.data = c;
    s->counters.connections++;
    s->counters.connections_total++;
    h2o_accept(&ln->accept, sock);
}

void http_server_take(struct http_server *s, int take_fd)
{
    if (s->stopping || s->counters.connections >= s->limits.connections) {
        (void)close(take_fd); // who asks sees an end without an answer
        return;
    }
    if (!s->inside) {
        s->inside = xcalloc(1, sizeof(*s->inside));
        *s->inside = (struct listener){
            .server = s, .name = "inside", .accept = {.ctx = &s->h2o, .hosts = s->config.hosts}};
    }
    server_take_conn(s->inside, h2o_evloop_socket_create(s->h2o.loop, take_fd, 0));
}

static void on_accept(h2o_socket_t *listen_sock, const char *err)
{
    if (err)
        return;
    struct listener *ln = listen_sock->data;
    struct http_server *s = ln->server;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        if (s->counters.connections >= s->limits.connections) {
            set_accepting(s, false); // further ones wait in the kernel's queue
            if (!crowd_make_room(s))
                loop_timer_set(s->loop, &s->resume, CROWD_QUIET_MS, on_resume);
            return;
        }
        h2o_socket_t *sock = h2o_evloop_socket_accept(listen_sock);
        if (sock) {
            server_take_conn(ln, sock);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            set_accepting(s, false); // or this would be called again at once, for ever
            loop_timer_set(s->loop, &s->resume, FD_PAUSE_MS, on_resume);
        }
        return;
    }
}

int http_server_listen(struct http_server *s, int take_fd, const char *name,
                       const struct http_tls *tls, struct err *e)
{
    struct listener *ln = xcalloc(1, sizeof(*ln));
    if (tls && !(ln->accept.ssl_ctx = tls_context(tls, e))) {
        (void)close(take_fd); // only listening: nothing to lose
        free(ln);
        return -1;
    }
    ln->server = s;
    ln->name = name;
    ln->tls = tls != NULL;
    ln->accept.ctx = &s->h2o;
    ln->accept.hosts = s->config.hosts;
    ln->sock = h2o_evloop_socket_create(s->h2o.loop, take_fd, H2O_SOCKET_FLAG_DONT_READ);
    ln->sock->data = ln;
    list_add_tail(&s->listeners, &ln->link);
    h2o_socket_read_start(ln->sock, on_accept);
    return 0;
}

// --- looking after what lasts ---------------------------------------------------------------

// Bodies are collected by the library before we see the request, each up to the limit. Together
// they may not take more than the budget: the connection that holds most is cut.
static void check_budget(struct http_server *s)
{
    size_t sum = 0;
    struct conn *worst = NULL;
    if (s->counters.connections * s->limits.body_bytes <= s->limits.body_budget)
        return;
    list_for (it, &s->conns) {
        struct conn *c = container_of(it, struct conn, link);
        sum += c->sock->input->size;
        if (!c->open && (!worst || c->sock->input->size > worst->sock->input->size))
            worst = c;
    }
    if (sum <= s->limits.body_budget || !worst)
        return;
    s->counters.refused_bodies++;
    (void)shutdown(h2o_socket_get_fd(worst->sock), SHUT_RDWR); // its next read ends it
}

static void on_sweep(struct timer *t)
{
    struct http_server *s = container_of(t, struct http_server, sweep);
    uint64_t old = clock_mono_ns() - FRESH_MS * UINT64_C(1000000);
    list_for_safe (it, &s->fresh) {
        struct request *r = container_of(it, struct request, link);
        if (r->pub.begun_ns < old)
            request_watch(r);
    }
    check_budget(s);
    s->sweeping = false;
    bool crowd = s->counters.connections * s->limits.body_bytes > s->limits.body_budget;
    if (!list_empty(&s->fresh) || crowd)
        server_sweep(s);
}

void server_sweep(struct http_server *s)
{
    if (s->sweeping)
        return;
    s->sweeping = true;
    loop_timer_set(s->loop, &s->sweep, SWEEP_MS, on_sweep);
}

// --- running and stopping -------------------------------------------------------------------

int http_server_run(struct http_server *s, struct err *e)
{
    for (; !s->stopped; s->turn++)
        if (h2o_evloop_run(s->h2o.loop, INT32_MAX) && errno != EINTR)
            return err_sys(e, "wait for events");
    return 0;
}

// Connections that carry no request are closed by us: the library would let them idle on.
static void shut_idle(struct http_server *s)
{
    list_for (it, &s->conns) {
        struct conn *c = container_of(it, struct conn, link);
        if (!c->open && !c->upgraded)
            (void)shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR); // its next read ends it
    }
}

static void each_request(struct list *head, void (*f)(struct request *))
{
    // f may finish a request, which takes it and perhaps its neighbours out: begin anew each time
    // until nothing is left that was there at the start.
    struct list todo;
    list_init(&todo);
    while (!list_empty(head)) {
        struct list *first = head->next;
        list_del(first);
        list_add_tail(&todo, first);
    }
    while (!list_empty(&todo)) {
        struct list *first = todo.next;
        list_del(first);
        list_add_tail(head, first);
        f(container_of(first, struct request, link));
    }
}

static void cut(struct request *r)
{
    request_shut(r);
    request_gone(r);
}

static void on_given_up(struct timer *t)
{
    struct http_server *s = container_of(t, struct http_server, grace);
    s->given_up = true;
    server_check_stop(s);
}

static void on_grace(struct timer *t)
{
    struct http_server *s = container_of(t, struct http_server, grace);
    each_request(&s->fresh, cut);
    each_request(&s->watched, cut);
    ws_cut_all(s);
    list_for (it, &s->conns) {
        struct conn *c = container_of(it, struct conn, link);
        if (c->rest != CONN_GIVEN)
            (void)shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR); // what hangs now is cut
    }
    loop_timer_set(s->loop, t, CUT_MS, on_given_up); // the ends arrive with the next events
}

void server_check_stop(struct http_server *s)
{
    if (!s->stopping || s->stopped)
        return;
    if (!s->counters.requests && !s->counters.websockets && s->handover_fd < 0)
        shut_idle(s);
    if (!s->counters.connections || s->given_up)
        s->stopped = true;
}

void http_server_stop(struct http_server *s, uint64_t grace_ms)
{
    if (s->stopping)
        return;
    s->stopping = true;
    list_for_safe (it, &s->listeners) {
        struct listener *ln = container_of(it, struct listener, link);
        h2o_socket_close(ln->sock); // also stops reading
        ln->sock = NULL;
    }
    if (s->handover_fd < 0) {
        h2o_context_request_shutdown(&s->h2o); // answers from now on close their connection
        shut_idle(s);
    }
    each_request(&s->fresh, stream_stop);
    each_request(&s->watched, stream_stop);
    ws_stop_all(s);
    loop_timer_set(s->loop, &s->grace, grace_ms, on_grace);
    server_check_stop(s);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    loop_timer_cancel(s->loop, &s->sweep);
    loop_timer_cancel(s->loop, &s->grace);
    loop_timer_cancel(s->loop, &s->resume);
    loop_timer_cancel(s->loop, &s->look);
    if (s->loop_sock)
        h2o_socket_close(s->loop_sock);
    list_for_safe (it, &s->listeners) {
        struct listener *ln = container_of(it, struct listener, link);
        if (ln->sock)
            h2o_socket_close(ln->sock);
        SSL_CTX_free(ln->accept.ssl_ctx);
        free(ln);
    }
    (void)h2o_evloop_run(s->h2o.loop, 0); // lets the library free the sockets closed above
    if (!s->counters.connections) {       // with open ones it would end in an assertion
        h2o_loop_t *l = s->h2o.loop;
        h2o_timeout_unlink(&s->h2o.http2._graceful_shutdown_timeout); // set by the request to stop
        h2o_context_dispose(&s->h2o);
        h2o_config_dispose(&s->config);
        h2o_evloop_destroy(l); // leaves its epoll descriptor open: one server per process
    }
    router_release(&s->router);
    free(s->inside);
    free(s->apis);
    map_free(s->peers);
    free(s);
}

#if defined(__SANITIZE_ADDRESS__)
// The library forgets its message queue, once per process.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_multithread_create_queue\n";
}
#endif

const struct http_counters *http_server_counters(const struct http_server *s)
{
    return &s->counters;
}
