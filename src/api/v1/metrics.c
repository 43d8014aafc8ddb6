// SPDX-License-Identifier: Apache-2.0
// The numbers in Prometheus' text format.
#include "routes_int.h"

#include <pinfold/http_server.h>

static void metric(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
    (void)buf_printf(b, "# HELP pinfold_%s %s\n# TYPE pinfold_%s %s\npinfold_%s %llu\n", name, help,
                     name, type, name, (unsigned long long)v);
}
#define GAUGE(name, help, v) metric(&b, name, "gauge", help, v)
#define COUNTER(name, help, v) metric(&b, name, "counter", help, v)

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    (void)buf_printf(b, "# HELP pinfold_%s %s\n# TYPE pinfold_%s %s\n", name, help, name, type);
}

static void http_metrics(struct buf *out, const struct http_counters *c)
{
    struct buf b = *out; // the macros' name
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    GAUGE("http_connections", "Open connections of clients.", c->connections);
    COUNTER("http_connections_total", "Connections accepted.", c->connections_total);
    GAUGE("http_requests", "Requests being answered.", c->requests);
    GAUGE("http_streams", "Answers that stream.", c->streams);
    GAUGE("http_websockets", "Open WebSockets.", c->websockets);
    COUNTER("http_request_body_bytes_total", "Bytes of request bodies.", c->body_bytes);
    head(&b, "http_responses_total", "counter", "Answers by class of status.");
    for (size_t i = 0; i < N_ELEMS(classes); i++)
        (void)buf_printf(&b, "pinfold_http_responses_total{status=\"%s\"} %llu\n", classes[i],
                         (unsigned long long)c->by_status[i]);
    *out = b;
}

void v1_system_metrics(struct http_req *r)
{
    struct v1 *v = v1_of(r);
    const struct core_stats *s = core_stats(v->core);
    struct core_health h;
    struct buf b;
    core_health(v->core, &h);
    buf_init(&b, 256 * 1024);
    GAUGE("up", "Whether launcher, database and disk are well.", h.ok);
    GAUGE("start_time_seconds", "When this process started.", s->started_ms / 1000);
    GAUGE("workspaces", "Workspaces.", s->workspaces);
    GAUGE("workspaces_ready", "Workspaces that are ready.", s->workspaces_ready);
    GAUGE("sandboxes", "Sandboxes alive.", s->boxes);
    GAUGE("sandboxes_starting", "Sandboxes being started.", s->boxes_starting);
    GAUGE("sandboxes_warm", "Sandboxes waiting for a command without a workspace.", s->boxes_warm);
    GAUGE("sandboxes_warm_bytes", "Memory that those had used when they were ready.",
          s->boxes_warm_bytes);
    COUNTER("sandboxes_warm_used_total", "Such commands that found one.", s->boxes_warm_used);
    COUNTER("sandboxes_started_total", "Sandboxes started.", s->boxes_started);
    COUNTER("sandboxes_failed_total", "Sandboxes that could not be started.", s->boxes_failed);
    COUNTER("sandbox_start_microseconds_total", "Time spent starting sandboxes.",
            s->box_start_us_sum);
    GAUGE("execs_running", "Commands running.", s->execs_running);
    GAUGE("execs_queued", "Commands waiting for their turn.", s->execs_queued);
    COUNTER("execs_started_total", "Commands started.", s->execs_started);
    COUNTER("exec_milliseconds_total", "Time commands ran.", s->exec_ms_sum);
    head(&b, "execs_ended_total", "counter", "Commands ended, by reason.");
    for (int i = 0; i < END_N; i++)
        (void)buf_printf(&b, "pinfold_execs_ended_total{reason=\"%s\"} %llu\n",
                         end_reason_name((enum end_reason)i),
                         (unsigned long long)s->execs_ended[i]);
    GAUGE("builds_running", "Builds running.", s->builds_running);
    GAUGE("builds_queued", "Builds waiting for their turn.", s->builds_queued);
    COUNTER("builds_done_total", "Builds that succeeded.", s->builds_done);
    COUNTER("builds_failed_total", "Builds that failed.", s->builds_failed);
    GAUGE("runs_running", "Runs going on.", s->runs_running);
    GAUGE("runs_queued", "Runs waiting for their turn.", s->runs_queued);
    COUNTER("run_events_total", "Events of runs.", s->run_events);
    head(&b, "runs_ended_total", "counter", "Runs ended, by state.");
    for (int i = RUN_SUCCEEDED; i < RUN_STATES; i++)
        (void)buf_printf(&b, "pinfold_runs_ended_total{state=\"%s\"} %llu\n",
                         run_state_name((enum run_state)i), (unsigned long long)s->runs_ended[i]);
    COUNTER("layers_cached_total", "Image steps that needed nothing.", s->layers_cached);
    COUNTER("clones_total", "Clones and fetches of repositories.", s->clones);
    COUNTER("output_bytes_total", "Bytes of output read from commands.", s->output_bytes);
    COUNTER("refused_for_limit_total", "Requests refused for a limit.", s->denied_limit);
    GAUGE("images_bytes", "Bytes that layers of images take.", s->images_bytes);
    GAUGE("mirrors_bytes", "Bytes that mirrors of repositories take.", s->mirrors_bytes);
    GAUGE("checkouts", "Checkouts kept to make workspaces from.", s->checkouts);
    GAUGE("checkouts_bytes", "Bytes written for them.", s->checkouts_bytes);
    GAUGE("output_kept_bytes", "Bytes of output kept in files.", s->output_kept_bytes);
    COUNTER("layers_removed_total", "Layers removed for their budget.", s->layers_removed);
    COUNTER("mirrors_removed_total", "Mirrors removed for their budget.", s->mirrors_removed);
    GAUGE("disk_free_bytes", "Free bytes on the state directory's disk.", h.disk_free_bytes);
    GAUGE("disk_total_bytes", "Bytes of the state directory's disk.", h.disk_total_bytes);
    if (v->conf.counters)
        http_metrics(&b, v->conf.counters);
    http_reply_take(r, 200, "text/plain; version=0.0.4; charset=utf-8", &b);
}
