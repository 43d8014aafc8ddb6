// SPDX-License-Identifier: Apache-2.0
// The authority of a sandbox whose TLS is opened, put into it: commands wait until it is there, so
// that the first one finds it. It is put again when the egress process has another one.
#include "exec_int.h"

#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/tool.h>
#include <string.h>

#define GATE_MS 5000 // for the egress process to say it, and for it to be put there
#define PUT_MS 10000

#define ALL "/" TOOL_TRUST_DIR "/" TOOL_TRUST_ALL
// What programs and libraries read instead of their root's own list, and beside it.
const char *const trust_env[] = {"SSL_CERT_FILE=" ALL,
                                 "CURL_CA_BUNDLE=" ALL,
                                 "REQUESTS_CA_BUNDLE=" ALL,
                                 "PIP_CERT=" ALL,
                                 "GIT_SSL_CAINFO=" ALL,
                                 "CARGO_HTTP_CAINFO=" ALL,
                                 "AWS_CA_BUNDLE=" ALL,
                                 "DENO_CERT=" ALL,
                                 "NODE_EXTRA_CA_CERTS=/" TOOL_TRUST_DIR "/" TOOL_TRUST_ONE,
                                 NULL};

struct trust {
    struct proc proc;
    struct packed args;
    struct sandbox *sb;
};

bool trust_wanted(const char *const *allow)
{
    for (; *allow; allow++)
        if (strstr(*allow, "://"))
            return true;
    return false;
}

static void open_gate(struct sandbox *sb)
{
    if (!sb->gated)
        return;
    sb->gated = false;
    loop_timer_cancel(sb->core->loop, &sb->gate_timer);
    if (sb->state == SB_LIVE)
        sandbox_flush(sb);
}

static void on_gate_late(struct timer *t)
{
    struct sandbox *sb = container_of(t, struct sandbox, gate_timer);
    core_notice(sb->core, true, "%s: its authority is not there; opened TLS will not be trusted",
                sb->id);
    open_gate(sb);
}

void trust_gate(struct sandbox *sb)
{
    if (!sb->net_rules || !strstr(sb->net_rules, "://"))
        return;
    sb->gated = true;
    loop_timer_set(sb->core->loop, &sb->gate_timer, GATE_MS, on_gate_late);
}

void trust_forget(struct sandbox *sb)
{
    sb->gated = false;
    loop_timer_cancel(sb->core->loop, &sb->gate_timer);
}

static void on_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    if (stream == EXEC_STDERR)
        core_notice(p->core, true, "%s: its authority: %.*s", p->sb->id, (int)n,
                    (const char *)data);
}

static void on_end(struct proc *p, const struct outcome *o)
{
    struct trust *t = container_of(p, struct trust, proc);
    struct sandbox *sb = t->sb;
    if (o->reason != END_EXITED || o->exit_code)
        core_notice(sb->core, true, "%s: its authority could not be put into it", sb->id);
    sb->trusting = false;
    buf_release(&t->args.bytes);
    free(t);
    open_gate(sb);
}

void trust_put(struct core *c, const struct msg_egress_ca *m)
{
    static const char *const argv[] = {"pinfold-tool", "trust", TOOL_TRUST_DIR, NULL};
    struct sandbox *sb = map_get(c->sandboxes, m->box);
    struct err e = {0};
    if (!sb || sb->state != SB_LIVE || sb->trusting)
        return;
    struct trust *t = xcalloc(1, sizeof(*t));
    t->sb = sb;
    tool_proc(&t->proc, c, &t->args, argv);
    t->proc.root = t->proc.ahead = t->proc.brief = true;
    t->proc.timeout_ms = PUT_MS;
    t->proc.on_output = on_output;
    t->proc.on_end = on_end;
    sb->trusting = true;
    if (proc_give_stdin(&t->proc, m->pem.p, m->pem.len, &e))
        proc_end_later(&t->proc, END_START_FAILED, e.text);
    else
        proc_start(&t->proc, sb);
}
