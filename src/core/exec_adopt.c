// SPDX-License-Identifier: Apache-2.0
// Commands that go on while no server runs. Each that must (its id was given out) is handed to its
// init with a tag: the exec's id and what its record does not say. The next server finds its
// record, asks the sandbox's init what it keeps, and goes on where the output's file ends. Only
// what no init tells of is lost.
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdio.h>

#define NOT_BEGUN "the server was restarted before it began; it can be sent again"

// "ID OUTPUT_LIMIT KEEP_MAX"
void exec_set_tag(struct execution *x)
{
    struct exec_live *live = x->live;
    (void)snprintf(live->tag, sizeof(live->tag), "%s %llu %llu", x->pub.id,
                   (unsigned long long)live->output_limit,
                   (unsigned long long)x->source.out[0].keep_max);
    live->proc.tag = live->tag;
}

int exec_leave(struct execution *x, struct err *e)
{
    const struct one_shot *shot = x->live->shot;
    if (!x->may_leave)
        return err_set(e, ERR_CONFLICT, "its client can be told of an end only");
    if (shot && !shot->sb)
        return err_set(e, ERR_CONFLICT, "it has no sandbox yet");
    exec_set_tag(x);
    if (proc_keep(&x->live->proc, e)) {
        x->live->proc.tag = NULL;
        return -1;
    }
    if (shot && !x->box_name && strcmp(shot->sb->id, x->pub.id) != 0)
        x->box_name = xstrdup(shot->sb->id);
    x->detach = true;
    source_make_eager(&x->source);
    exec_save_early(x, NULL);
    return 0;
}

static bool read_tag(const char *tag, char id[ID_MAX], uint64_t *ret_limit, uint64_t *ret_keep)
{
    char copy[EXEC_TAG_MAX], *rest = NULL;
    TEXT_PUT(copy, tag);
    const char *name = strtok_r(copy, " ", &rest), *limit = strtok_r(NULL, " ", &rest),
               *keep = strtok_r(NULL, " ", &rest);
    if (!name || !limit || !keep || strlen(name) >= ID_MAX ||
        num_parse_u64(limit, 0, UINT64_MAX, ret_limit, NULL) ||
        num_parse_u64(keep, 0, UINT64_MAX, ret_keep, NULL))
        return false;
    text_put(id, ID_MAX, name);
    return true;
}

void exec_await(struct execution *x)
{
    struct core *c = x->core;
    exec_live_new(x);
    x->live->adopting = x->live->placed = true;
    x->answer_bytes = c->conf.answer_bytes;
    x->live->lost_because =
        core_lost_word(c, "its sandbox ended, or was not begun, while no server ran");
    x->detach = true; // whoever waited for it has gone with the server
    x->pub.status = EXEC_RUNNING;
    x->pub.stdin_open = false;
    if (!x->pub.started_ms)
        x->pub.started_ms = x->pub.created_ms;
    c->stats.execs_running++;
    c->execs_live++;
    if (x->ws)
        x->ws->pub.execs_running++;
}

static void not_found(struct execution *x, bool asked)
{
    x->live->adopting = false;
    if (!x->handed && !x->core->rebooted) {
        x->pub.started_ms = 0;
        proc_end_later(&x->live->proc, END_START_FAILED, NOT_BEGUN);
        return;
    }
    if (asked) // its init lives and keeps what it was given
        x->live->lost_because = "the server was restarted before it began";
    proc_end_later(&x->live->proc, END_LOST, "");
}

// --- sandboxes --------------------------------------------------------------------------------

static int fill_never(struct sandbox *sb, struct msg_box_start *m, struct err *e)
{
    (void)sb, (void)m;
    return err_set(e, ERR_GONE, "it was an earlier server's");
}

// Not in use, or only waiting for this very answer: then it need not be started.
static bool may_take(const struct sandbox *sb)
{
    return sb->state == SB_NONE || (sb->state == SB_STARTING && sb->ask.id && sb->ask.held);
}

static bool ws_takes(const struct ws *ws)
{
    return ws->op == OP_NONE && ws->pub.status != WS_DELETING && may_take(&ws->sb);
}

// The one-shot that may go on in the sandbox: most are named alike.
static struct execution *shot_in(const struct core *c, const char *box)
{
    struct execution *x = map_get(c->execs, box);
    if (!x && id_ok(box, "pool"))
        list_for (it, &c->exec_list) {
            struct execution *one = container_of(it, struct execution, all);
            if (one->box_name && !strcmp(one->box_name, box))
                x = one;
        }
    return x && x->live && x->live->adopting && !x->ws && !x->live->shot ? x : NULL;
}

// Whose sandbox it is, when it may go on.
static struct sandbox *owner_of(struct core *c, const struct msg_box_started *m)
{
    struct ws *ws = map_get(c->ws_by_id, m->box);
    if (ws)
        return ws_takes(ws) && !strcmp(m->profile, ws->set.profile_name) ? &ws->sb : NULL;
    struct execution *x = shot_in(c, m->box);
    if (!x)
        return NULL;
    x->live->shot = xcalloc(1, sizeof(*x->live->shot));
    x->live->shot->sb = sandbox_new(c, m->box, fill_never, x);
    return x->live->shot->sb;
}

bool sandbox_wanted(struct core *c, const struct msg_box_started *m)
{
    const struct ws *ws = map_get(c->ws_by_id, m->box);
    return ws ? ws_takes(ws) : shot_in(c, m->box) != NULL;
}

void sandbox_adopt(struct core *c, struct wire_msg *m)
{
    struct err e = {0};
    struct sandbox *sb = owner_of(c, &m->body.box_started);
    if (!sb)
        return; // a leftover
    if (sandbox_take(sb, m, &e))
        core_notice(c, true, "take up sandbox %s: %s", sb->id, e.text);
    else
        core_notice(c, false, "sandbox %s is taken up", sb->id);
    struct ws *ws = map_get(c->ws_by_id, sb->id);
    if (ws)
        ws_network_changed(ws);
}

// --- what runs in them ------------------------------------------------------------------------

static void tell_init(struct sandbox *sb, uint64_t number, bool kill)
{
    struct msg_exec_kill k = {.exec = number, .signal = SIGKILL, .whole = 1, .reason = END_N};
    struct msg_exec_forget f = {.exec = number};
    // One that cannot be told has its table full or its socket: it makes room by itself.
    if (kill)
        (void)wire_send(sb->init_fd, MSG_EXEC_KILL, number, &k, NULL, 0, NULL);
    (void)wire_send(sb->init_fd, MSG_EXEC_FORGET, number, &f, NULL, 0, NULL);
}

void exec_adopt(struct sandbox *sb, struct wire_msg *m)
{
    char id[ID_MAX];
    uint64_t limit, keep;
    const struct msg_exec_is *is = &m->body.exec_is;
    struct execution *x =
        read_tag(is->tag, id, &limit, &keep) ? map_get(sb->core->execs, id) : NULL;
    struct exec_live *live = x ? x->live : NULL;
    bool here = live && (x->ws ? &x->ws->sb == sb : live->shot && live->shot->sb == sb);
    if (!here || !live->adopting || !sb->listing) {
        tell_init(sb, is->exec, !x || live);
        return;
    }
    live->adopting = false;
    live->output_limit = limit;
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        struct output *o = &x->source.out[i];
        o->keep_max = keep < o->keep_max ? keep : o->keep_max;
        o->ring = is->tty && i == EXEC_STDOUT;
    }
    x->record = is->tty && x->source.out[EXEC_STDERR].total; // its size was recorded at its start
    exec_set_tag(x);
    live->proc.timeout_ms = x->pub.timeout_ms;
    proc_adopt(&live->proc, sb, m);
    x->pub.stdin_open = live->proc.in_fd >= 0;
}

static bool waits_for(const struct execution *x, const struct sandbox *sb)
{
    if (!x->live || !x->live->adopting)
        return false;
    const struct sandbox *own = x->ws ? &x->ws->sb : x->live->shot ? x->live->shot->sb : NULL;
    return sb ? own == sb : !own || !own->listing;
}

// Of one sandbox, or with NULL of all that were not taken up.
static void lose_waiting(struct core *c, const struct sandbox *sb)
{
    list_for_safe (it, &c->exec_list) {
        struct execution *x = container_of(it, struct execution, all);
        if (waits_for(x, sb))
            not_found(x, sb && sb->state == SB_LIVE);
    }
}

void execs_not_found(struct sandbox *sb)
{
    lose_waiting(sb->core, sb);
}

void execs_adopted(struct core *c)
{
    lose_waiting(c, NULL);
}

void exec_forget_end(struct execution *x)
{
    if (x->number && x->ws && x->ws->sb.state == SB_LIVE)
        tell_init(&x->ws->sb, x->number, false);
    x->number = 0;
    if (x->box)
        sandbox_release(ptr_steal(&x->box));
}
