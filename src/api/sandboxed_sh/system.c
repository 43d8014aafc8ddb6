// SPDX-License-Identifier: Apache-2.0
// Health and numbers.
#include "sandboxed_sh_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>

#define MAX_ITERATIONS 50 // the original's default; nothing here iterates

void on_health(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_str(&o, "status", "ok");
    json_str(&o, "version", s->conf->version);
    json_bool(&o, "dev_mode", false);
    json_bool(&o, "auth_required", true);
    json_str(&o, "auth_mode", s->conf->password ? "single_tenant" : "multi_user");
    json_u64(&o, "max_iterations", MAX_ITERATIONS);
    json_end(&o);
    reply_json(r, &b);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_machine(struct json_out *o, struct sandboxed_sh *s)
{
    struct host_use use;
    struct core_health health;
    core_host_use(&s->host, &use);
    core_health(s->core, &health);
    uint64_t disk_used = health.disk_total_bytes - health.disk_free_bytes;
    json_f64(o, "cpu_percent", use.percent);
    json_begin_array(o, "cpu_cores");
    for (unsigned i = 0; i < use.n_cpus; i++)
        json_f64(o, NULL, use.cpu_percent[i]);
    json_end_array(o);
    json_u64(o, "memory_used", use.memory_used);
    json_u64(o, "memory_total", use.memory_total);
    json_f64(o, "memory_percent", percent(use.memory_used, use.memory_total));
    json_u64(o, "disk_used", disk_used);
    json_u64(o, "disk_total", health.disk_total_bytes);
    json_f64(o, "disk_percent", percent(disk_used, health.disk_total_bytes));
    json_f64(o, "network_rx_bytes_per_sec", use.rx_per_s);
    json_f64(o, "network_tx_bytes_per_sec", use.tx_per_s);
    json_u64(o, "timestamp_ms", clock_wall_ms());
}

// The original counts its agents' tasks; here commands are what is run.
static void print_tasks(struct json_out *o, const struct core_stats *n)
{
    uint64_t ended = 0, completed = n->execs_ended[END_EXITED];
    for (int i = 0; i < END_N; i++)
        ended += n->execs_ended[i];
    json_u64(o, "total_tasks", n->execs_started);
    json_u64(o, "active_tasks", n->execs_running + n->execs_queued);
    json_u64(o, "completed_tasks", completed);
    json_u64(o, "failed_tasks", ended - completed);
    json_u64(o, "total_cost_cents", 0);
    json_f64(o, "success_rate", ended ? (double)completed / (double)ended : 1.0);
}

void on_stats(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 64 * 1024);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    print_machine(&o, s);
    print_tasks(&o, core_stats(s->core));
    json_end(&o);
    reply_json(r, &b);
}
