// SPDX-License-Identifier: Apache-2.0
// The server about itself: health, what it is and allows, numbers. Metrics are in metrics.c.
#include "routes_int.h"

#include <pinfold/clock.h>
#include <pinfold/http_server.h>
#include <pinfold/image.h>
#include <pinfold/profile.h>

void v1_system_health(struct http_req *r)
{
    struct core_health h;
    struct answer a;
    core_health(v1_of(r)->core, &h);
    v1_answer_begin(&a);
    json_str(&a.o, "status", h.ok ? "ok" : "degraded");
    json_str(&a.o, "detail", *h.text ? h.text : NULL);
    json_begin(&a.o, "checks");
    json_bool(&a.o, "launcher", h.launcher);
    json_bool(&a.o, "database", h.database);
    json_bool(&a.o, "disk", h.disk);
    json_end(&a.o);
    json_str(&a.o, "version", v1_of(r)->conf.version);
    v1_answer_send(r, h.ok ? 200 : 503, &a);
}

static void show_limits(struct json_out *o, const struct v1 *v)
{
    const struct core_conf *c = core_conf(v->core);
    json_begin(o, "limits");
    json_u64(o, "body_bytes", v->conf.max_body);
    json_u64(o, "upload_bytes", v->conf.max_upload);
    json_u64(o, "wait_ms", v->conf.max_wait_ms);
    json_u64(o, "streams", v->conf.max_streams);
    json_u64(o, "requests_per_second", core_conf(v->core)->requests_per_second);
    json_u64(o, "workspaces", c->workspaces_max);
    json_u64(o, "snapshots_per_workspace", c->snapshots_max);
    json_u64(o, "sandboxes", c->boxes_max);
    json_u64(o, "execs_running", c->execs_running_max);
    json_u64(o, "execs_per_workspace", c->execs_per_workspace);
    json_u64(o, "execs_queued", c->execs_queued_max);
    json_u64(o, "builds_running", c->builds_running_max);
    json_u64(o, "builds_queued", c->builds_queued_max);
    json_u64(o, "exec_timeout_ms", c->exec_timeout_ms);
    json_u64(o, "exec_timeout_max_ms", c->exec_timeout_max_ms);
    json_u64(o, "output_keep_bytes", c->output_keep_bytes);
    json_u64(o, "answer_bytes", c->answer_bytes);
    json_u64(o, "answer_max_bytes", c->answer_max_bytes);
    json_u64(o, "command_bytes", c->command_max_bytes);
    json_u64(o, "stdin_bytes", c->stdin_max_bytes);
    json_u64(o, "file_bytes", c->file_max_bytes);
    json_end(o);
}

void v1_system_info(struct http_req *r)
{
    const struct v1 *v = v1_of(r);
    const struct core_conf *c = core_conf(v->core);
    struct answer a;
    v1_answer_begin(&a);
    json_str(&a.o, "name", "pinfold");
    json_str(&a.o, "version", v->conf.version);
    json_time(&a.o, "started_at", core_stats(v->core)->started_ms);
    json_str(&a.o, "default_image", c->default_image);
    json_str(&a.o, "default_profile", c->default_profile);
    json_begin_array(&a.o, "network_modes");
    json_str(&a.o, NULL, net_mode_name(NET_NONE));
    json_str(&a.o, NULL, net_mode_name(NET_FULL));
    json_str(&a.o, NULL, net_mode_name(NET_LIST));
    json_end_array(&a.o);
    json_begin_array(&a.o, "images");
    for (unsigned i = 0; i < core_n_images(v->core); i++) {
        struct image_info info;
        core_image_at(v->core, i, &info);
        json_str(&a.o, NULL, info.image->name);
    }
    json_end_array(&a.o);
    json_begin_array(&a.o, "profiles");
    for (unsigned i = 0; i < core_n_profiles(v->core); i++)
        json_str(&a.o, NULL, core_profile_at(v->core, i)->name);
    json_end_array(&a.o);
    show_limits(&a.o, v);
    v1_answer_send(r, 200, &a);
}

static void show_http(struct json_out *o, const struct http_counters *c)
{
    if (!c)
        return;
    json_begin(o, "http");
    json_u64(o, "connections", c->connections);
    json_u64(o, "requests", c->requests);
    json_u64(o, "requests_total", c->requests_total);
    json_u64(o, "streams", c->streams);
    json_u64(o, "websockets", c->websockets);
    json_end(o);
}

void v1_system_stats(struct http_req *r)
{
    struct v1 *v = v1_of(r);
    const struct core_stats *s = core_stats(v->core);
    struct core_health h;
    struct answer a;
    core_health(v->core, &h);
    v1_answer_begin(&a);
    json_time(&a.o, "started_at", s->started_ms);
    json_u64(&a.o, "uptime_ms", clock_wall_ms() - s->started_ms);
    json_u64(&a.o, "workspaces", s->workspaces);
    json_u64(&a.o, "workspaces_ready", s->workspaces_ready);
    json_u64(&a.o, "sandboxes", s->boxes);
    json_u64(&a.o, "sandboxes_starting", s->boxes_starting);
    json_u64(&a.o, "sandboxes_warm", s->boxes_warm);
    json_u64(&a.o, "sandboxes_warm_bytes", s->boxes_warm_bytes);
    json_u64(&a.o, "sandboxes_warm_used_total", s->boxes_warm_used);
    json_u64(&a.o, "sandboxes_started_total", s->boxes_started);
    json_u64(&a.o, "sandboxes_failed_total", s->boxes_failed);
    json_u64(&a.o, "execs_running", s->execs_running);
    json_u64(&a.o, "execs_queued", s->execs_queued);
    json_u64(&a.o, "execs_started_total", s->execs_started);
    json_begin(&a.o, "execs_ended_total");
    for (int i = 0; i < END_N; i++)
        json_u64(&a.o, end_reason_name((enum end_reason)i), s->execs_ended[i]);
    json_end(&a.o);
    json_u64(&a.o, "builds_running", s->builds_running);
    json_u64(&a.o, "builds_queued", s->builds_queued);
    json_u64(&a.o, "builds_done_total", s->builds_done);
    json_u64(&a.o, "builds_failed_total", s->builds_failed);
    json_u64(&a.o, "runs_running", s->runs_running);
    json_u64(&a.o, "runs_queued", s->runs_queued);
    json_begin(&a.o, "runs_ended_total");
    for (int i = RUN_SUCCEEDED; i < RUN_STATES; i++)
        json_u64(&a.o, run_state_name((enum run_state)i), s->runs_ended[i]);
    json_end(&a.o);
    json_u64(&a.o, "run_events_total", s->run_events);
    json_u64(&a.o, "layers_cached_total", s->layers_cached);
    json_u64(&a.o, "clones_total", s->clones);
    json_u64(&a.o, "output_bytes_total", s->output_bytes);
    json_u64(&a.o, "refused_for_limit_total", s->denied_limit);
    json_begin(&a.o, "disk");
    const struct core_conf *c = core_conf(v->core);
    json_u64(&a.o, "images_bytes", s->images_bytes);
    json_u64(&a.o, "images_bytes_max", c->images_total_bytes);
    json_u64(&a.o, "layers_removed_total", s->layers_removed);
    json_u64(&a.o, "mirrors_bytes", s->mirrors_bytes);
    json_u64(&a.o, "mirrors_bytes_max", c->mirrors_total_bytes);
    json_u64(&a.o, "mirrors_removed_total", s->mirrors_removed);
    json_u64(&a.o, "checkouts", s->checkouts);
    json_u64(&a.o, "checkouts_bytes", s->checkouts_bytes);
    json_u64(&a.o, "checkouts_bytes_max", c->checkouts_total_bytes);
    json_u64(&a.o, "output_bytes", s->output_kept_bytes);
    json_u64(&a.o, "output_bytes_max", c->output_total_bytes);
    json_end(&a.o);
    json_u64(&a.o, "disk_free_bytes", h.disk_free_bytes);
    json_u64(&a.o, "disk_total_bytes", h.disk_total_bytes);
    show_http(&a.o, v->conf.counters);
    v1_answer_send(r, 200, &a);
}

// --- profiles -------------------------------------------------------------------------------

void v1_profiles_list(struct http_req *r)
{
    struct v1 *v = v1_of(r);
    struct answer a;
    v1_page_begin(&a);
    for (unsigned i = 0; i < core_n_profiles(v->core); i++)
        json_show(&a.o, NULL, &v1_profile_shape, core_profile_at(v->core, i));
    v1_page_send(r, &a, NULL);
}

// Its canonical text, after what it extends; or with it the members that have names.
void v1_profiles_get(struct http_req *r)
{
    static const char *const types[] = {"application/json", "text/plain", NULL};
    struct err e;
    const struct profile *p = core_profile_find(v1_of(r)->core, r->params[0]);
    if (!p) {
        err_set(&e, ERR_NOT_FOUND, "there is no profile '%.64s'", r->params[0]);
        v1_err(r, &e);
        return;
    }
    own_buf struct buf text;
    buf_init(&text, 1024 * 1024);
    if (profile_format(p, &text)) {
        v1_err(r, &(struct err){ERR_INTERNAL, 0, "the profile's text does not fit"});
        return;
    }
    if (http_accepts(http_header(r, "accept"), types) == 1) {
        http_reply_take(r, 200, "text/plain; charset=utf-8", &text);
        return;
    }
    struct answer a;
    v1_answer_begin(&a);
    json_show_members(&a.o, &v1_profile_shape, p);
    json_strn(&a.o, "text", text.data, text.len);
    v1_answer_send(r, 200, &a);
}
