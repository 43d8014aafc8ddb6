// SPDX-License-Identifier: Apache-2.0
// pinfold-server. Theory of operation: one event loop and one worker thread for the database. It
// starts as root with the descriptors of conf.h's start contract, loads what it needs, becomes a
// user without rights (no capabilities, Landlock on its own directory, a seccomp filter without
// execve, fork, socket and connect), and only then makes its first thread and reads its first byte
// from anybody.
#include "server_int.h"

#include <pinfold/api_dialect.h>
#include <pinfold/api_v1.h>
#include <pinfold/confine.h>
#include <pinfold/http_server.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct server {
    struct conf conf;
    struct stock stock;
    struct loop *loop;
    struct http_server *http;
    struct core *core;
    struct v1 *v1;
    struct dialects *dialects;
    struct watch signals, supervisor;
    struct timer leave_now;
} S;
#define ANSWER_MS 500 // for the answers that core_leave_now causes

static void on_notice(void *arg, bool serious, const char *text)
{
    (void)arg;
    log_line(serious ? LOG_ERROR : LOG_INFO, "%s", text);
}

static void on_internal(void *arg, const char *request_id, const struct err *e)
{
    (void)arg;
    log_error("request=%s %s: %s", request_id, err_code_name(e->code), e->text);
}

static void stop(void)
{
    // Commands first: what is said about their ends is then the last thing that clients hear.
    if (S.core)
        core_stop(S.core);
    // The other half is for what core still has to write before pinfoldd kills.
    http_server_stop(S.http, S.conf.stop_timeout_ms / 2);
}

static void on_leave_now(struct timer *t)
{
    (void)t;
    core_leave_now(S.core);
}

static void leave(void)
{
    if (!S.core)
        return;
    core_leave(S.core);
    loop_timer_set(S.loop, &S.leave_now, S.conf.upgrade_grace_ms, on_leave_now);
    http_server_leave(S.http, START_HANDOVER, S.conf.upgrade_grace_ms + ANSWER_MS);
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)events;
    int signal = loop_signal(w);
    if (signal == SIGHUP)
        leave();
    else if (signal)
        stop();
}

static void on_supervisor(struct watch *w, uint32_t events)
{
    (void)w;
    if (!(events & (EPOLLERR | EPOLLHUP)))
        return;
    // As if killed: what runs goes on until the next pinfoldd's server is there, and what is not
    // on the disk by now has not been acknowledged.
    log_warn("pinfoldd is gone");
    _exit(1);
}

static int watch_signals(struct err *e)
{
    return loop_watch_signals(S.loop, &S.signals, on_signal, e) ||
           loop_watch(S.loop, &S.supervisor, START_READY, 0, on_supervisor, e);
}

// A file, an archive or input in one request: a body is held in memory as a whole.
static uint64_t max_upload(void)
{
    return S.conf.max_body > S.conf.stdin_bytes ? S.conf.max_body : S.conf.stdin_bytes;
}

static int make_http(struct err *e)
{
    struct http_limits l;
    http_limits_init(&l);
    l.body_bytes = max_upload();
    l.body_budget = 4 * l.body_bytes;
    l.connections = (unsigned)S.conf.max_connections;
    l.connections_per_address = (unsigned)S.conf.max_connections_per_address;
    l.keep_alive_ms = (uint32_t)S.conf.request_timeout_ms;
    S.http = http_server_new(S.loop, &l, e);
    return S.http ? 0 : -1;
}

static int give_up_power(struct err *e)
{
    const struct confine_path paths[] = {{.fd = START_STATE, .writable = true}};
    const struct confine how = {
        .uid = (uint32_t)S.conf.server_uid,
        .gid = (uint32_t)S.conf.server_gid,
        .paths = paths,
        .n_paths = N_ELEMS(paths),
        .strict = S.conf.strict,
    };
    return confine_self(CONFINE_SERVER, &how, e);
}

static void on_door(void *arg, int take_fd)
{
    (void)arg;
    http_server_take(S.http, take_fd);
}

static int make_core(struct err *e)
{
    struct core_conf cc;
    core_conf_from(&cc, &S.conf, &S.stock);
    union { // core wants an array of pointers to const
        struct image **in;
        const struct image *const *out;
    } images = {.in = S.stock.images};
    const struct core_parts parts = {
        .loop = S.loop,
        .launcher_fd = START_PEER,
        .egress_fd = START_EGRESS,
        .state_dir_fd = START_STATE,
        .profiles = S.stock.profiles,
        .n_profiles = S.stock.n_profiles,
        .images = images.out,
        .n_images = S.stock.n_images,
        .on_door = on_door,
        .admin_token = S.conf.admin_token,
        .password = S.conf.password.text,
        .users = S.conf.users.text,
        .on_notice = on_notice,
    };
    S.core = core_new(&cc, &parts, e);
    return S.core ? 0 : -1;
}

static int mount_apis(struct err *e)
{
    const struct v1_conf v1 = {
        .max_body = S.conf.max_body,
        .max_upload = max_upload(),
        .max_wait_ms = S.conf.max_wait_ms,
        .max_streams = S.conf.max_streams,
        .version = PINFOLD_VERSION,
        .counters = http_server_counters(S.http),
        .on_internal = on_internal,
    };
    const struct dialects_conf dialects = {
        .core = S.core,
        .hosts = S.conf.dialect_hosts,
        .open = S.conf.open_dialects,
        .progress = S.conf.webhook_progress,
        .version = PINFOLD_VERSION,
        .session_ms = S.conf.session_ms,
        .password = S.conf.password.text != NULL,
        .max_streams = S.conf.max_streams,
        .counters = http_server_counters(S.http),
        .on_internal = on_internal,
    };
    S.v1 = v1_new(S.core, S.loop, &v1);
    S.dialects = dialects_new(&dialects, dialect_table, n_dialects);
    if (http_server_mount(S.http, v1_api(S.v1), "", e))
        return -1;
    return dialects_mount(S.dialects, S.http, e);
}

static int listen_all(struct err *e)
{
    const struct http_tls tls = {
        .certificate = S.conf.tls_certificate.text,
        .key = S.conf.tls_key.text,
        .certificate_len = S.conf.tls_certificate.len,
        .key_len = S.conf.tls_key.len,
        .http2 = S.conf.http2,
    };
    for (uint64_t i = 0; i < S.conf.listen_sockets; i++)
        if (http_server_listen(S.http, START_LISTEN + (int)i, "http", tls.certificate ? &tls : NULL,
                               e))
            return -1;
    return http_server_take_over(S.http, START_HANDOVER, e);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    if (argc == 2 && !strcmp(argv[1], "--routes"))
        return print_routes();
    if (argc == 3 && !strcmp(argv[1], "--verify"))
        return verify(argv[2]);
    log_init("server", LOG_INFO);
    if (conf_inherit(&S.conf, &e))
        goto failed;
    log_init("server", (enum log_level)S.conf.log_level);
    S.loop = loop_new(&e);
    if (!S.loop || stock_load(&S.stock, &S.conf, &e) || make_http(&e) || give_up_power(&e) ||
        watch_signals(&e) || make_core(&e) || mount_apis(&e) || listen_all(&e) || conf_ready(&e))
        goto failed;
    log_info("ready images=%u profiles=%u", S.stock.n_images, S.stock.n_profiles);
    if (http_server_run(S.http, &e))
        goto failed;
    dialects_free(S.dialects);
    v1_free(S.v1);
    core_free(S.core);
    http_server_free(S.http);
    stock_release(&S.stock);
    return 0;
failed:
    log_error("%s", e.text);
    return 1;
}
