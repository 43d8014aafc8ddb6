// SPDX-License-Identifier: Apache-2.0
// Runs: finding them, waiting, cancelling; their states.
#include "item_int.h"
#include "run_int.h"

#include <pinfold/core_token.h>
#include <pinfold/crypt.h>

#include <assert.h>
#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

struct runrec *runrec_of(struct run *r)
{
    return container_of(r, struct runrec, pub);
}

void run_set_state(struct runrec *r, enum run_state to)
{
    struct run *p = &r->pub;
    assert(run_state_may(p->state, to));
    p->state = to;
    p->queue_position = 0; // made anew when it is shown
    if (to == RUN_RUNNING && !p->started_ms)
        p->started_ms = clock_wall_ms();
    p->ended_ms = run_state_final(to) ? clock_wall_ms() : 0;
    item_follow_run(r->core, p);
    run_row_changed(r);
}

// --- the object -------------------------------------------------------------------------------

struct runrec *runrec_new(struct core *c, const char *id)
{
    struct runrec *r = xcalloc(1, sizeof(*r));
    struct list *heads[] = {&r->creators, &r->waiters, &r->deleters,  &r->listeners,
                            &r->pages,    &r->hooks,   &r->approvals, &r->calls};
    r->core = c;
    TEXT_PUT(r->pub.id, id);
    r->pub.exit_code = -1;
    r->pub.turn = 1;
    for (unsigned i = 0; i < N_ELEMS(heads); i++)
        list_init(heads[i]);
    return r;
}

const char *run_env(const char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; env && *env; env++)
        if (!strncmp(*env, name, n) && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

size_t runrec_bytes(const struct runrec *r)
{
    return sizeof(*r) + strlen(r->prompt) + strlen(r->command) + r->argv->packed_len +
           r->set.env->packed_len + r->set.allow->packed_len + r->pub.result_len +
           strlen(r->message) + r->said->packed_len + r->turns->packed_len + r->repos->packed_len +
           r->changes->packed_len + r->skills->packed_len + r->commands->packed_len +
           r->agents->packed_len + r->tools->packed_len;
}

void runrec_insert(struct runrec *r)
{
    struct core *c = r->core;
    (void)map_put(c->runs, r->pub.id, r);
    list_add_tail(&c->run_list, &r->all);
    r->bytes = runrec_bytes(r);
    c->run_bytes += r->bytes;
}

void runrec_free(struct runrec *r)
{
    struct core *c = r->core;
    char *texts[] = {r->prompt,   r->command,  r->provider, r->model,   r->effort,
                     r->repo_url, r->repo_ref, r->result,   r->message, r->webhook_url};
    if (map_get(c->runs, r->pub.id) == r) {
        (void)map_del(c->runs, r->pub.id);
        list_del(&r->all);
        c->run_bytes -= r->bytes;
    }
    run_leave(r);
    list_del(&r->dirty);
    loop_timer_cancel(c->loop, &r->retry);
    loop_timer_cancel(c->loop, &r->silence);
    loop_timer_cancel(c->loop, &r->grace);
    approvals_free(r);
    run_calls_end(r);
    hooks_free(r);
    agent_reader_free(r->reader);
    settings_release(&r->set);
    for (unsigned i = 0; i < N_ELEMS(texts); i++)
        free(texts[i]);
    free(r->argv);
    free(r->turns);
    free(r->said);
    free(r->repos);
    free(r->changes);
    free(r->skills);
    free(r->commands);
    free(r->agents);
    free(r->tools);
    free(r);
}

void runrec_publish(struct runrec *r)
{
    struct run *p = &r->pub;
    TEXT_PUT(p->agent, agent_name(r->adapter));
    p->prompt = *r->prompt ? r->prompt : NULL;
    p->command = *r->command ? r->command : NULL;
    p->argv = r->argv->n ? r->argv->list : NULL;
    p->provider = r->provider;
    p->model = r->model;
    p->effort = r->effort;
    p->repo_url = r->repo_url;
    p->repo_ref = r->repo_ref;
    TEXT_PUT(p->image, r->set.image_name);
    TEXT_PUT(p->profile, r->set.profile_name);
    p->network = r->set.network;
    p->allow = r->set.allow->list;
    p->limits = r->set.limits;
    p->env = r->set.env->list;
    p->result = r->result;
    p->turns = r->turns->list;
    p->repos = r->repos->list;
    p->changes = r->changes->list;
    p->skills = r->skills->list;
    p->commands = r->commands->list;
    p->agents = r->agents->list;
    p->tools = r->tools->list;
    run_tools_publish(r);
    p->webhook_url = r->webhook_url;
    p->approval_ms = r->approval_ms;
    p->n_said = (uint32_t)r->said->n;
}

bool run_reads_only(const struct core *c, const char *run)
{
    const struct runrec *r = map_get(c->runs, run);
    return r && r->pub.mode == RUN_PLAN;
}

// --- the verbs --------------------------------------------------------------------------------

static struct run *refresh(struct runrec *r)
{
    r->pub.queue_position = run_position(r);
    return &r->pub;
}

struct run *core_run_find(struct core *c, const char *id, struct err *e)
{
    struct runrec *r = id_ok(id, "run") ? map_get(c->runs, id) : NULL;
    if (r && r->recorded && !r->deleting)
        return refresh(r);
    err_set(e, ERR_NOT_FOUND, "there is no run '%.40s'", id);
    return NULL;
}

static bool matches(const struct runrec *r, const struct run_filter *f)
{
    return r->recorded && !r->deleting && (!f->states || f->states >> r->pub.state & 1) &&
           (!f->agent || !strcmp(f->agent, r->pub.agent)) &&
           (!f->repository || !strcmp(f->repository, r->repo_url)) &&
           (!f->task || !strcmp(f->task, r->pub.task));
}

size_t core_run_list(struct core *c, const struct run_filter *f, const char *after,
                     struct run **ret, size_t max, bool *ret_more)
{
    struct cursor cursor;
    struct runrec *at = map_get(c->runs, cursor_init(&cursor, after));
    size_t n = 0;
    *ret_more = false;
    for (struct list *it = at ? at->all.prev : c->run_list.prev; it != &c->run_list;
         it = it->prev) {
        struct runrec *r = container_of(it, struct runrec, all);
        if (!matches(r, f) || (!at && !cursor_older(&cursor, r->pub.id, r->pub.created_ms)))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        ret[n++] = refresh(r);
    }
    return n;
}

int core_run_wait(struct core *c, struct run *pub, uint64_t ms, struct waiter *w, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)e;
    if (r->settled)
        waiter_later(c, w, pub, NULL);
    else
        waiter_add_timed(c, w, &r->waiters, pub, ms);
    return 0;
}

int core_run_cancel(struct core *c, struct run *pub, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    if (run_state_final(pub->state))
        return err_set(e, ERR_GONE, "run %s has ended: %s", pub->id, run_state_name(pub->state));
    if (r->cancelling)
        return 0;
    if (r->settled) { // it was paused: its end is to come
        r->settled = false;
        c->n_runs_settled--;
    }
    r->cancelling = true;
    run_row_changed(r);
    run_stop_work(r);
    return 0;
}

int core_run_delete(struct core *c, struct run *pub, struct waiter *w, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)c;
    if (!r->settled)
        return err_set(e, ERR_CONFLICT, "run %s is %s; cancel it and wait for its end first",
                       pub->id, run_state_name(pub->state));
    waiter_add(w, &r->deleters, r, NULL);
    run_delete_now(r);
    return 0;
}

int core_run_notify(struct core *c, struct run *pub, bool notify, struct waiter *w, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)c, (void)e;
    pub->notify = notify;
    waiter_add(w, &r->creators, pub, NULL);
    run_row_changed(r);
    return 0;
}

void core_run_token(struct core *c, const struct run *r, char ret[RUN_TOKEN_MAX])
{
    char purpose[ID_MAX + 16], hex[SHA256_HEX];
    unsigned char key[32];
    (void)snprintf(purpose, sizeof(purpose), "run-token %s", r->id);
    core_secret(c, purpose, key);
    (void)snprintf(ret, RUN_TOKEN_MAX, RUN_TOKEN_PREFIX "%.40s", hex_encode(key, 32, hex));
}

bool core_run_token_ok(struct core *c, const struct run *r, const char *token)
{
    char good[RUN_TOKEN_MAX];
    core_run_token(c, r, good);
    return strlen(token) == strlen(good) && crypt_equal(token, good, strlen(good)) &&
           runrec_of((struct run *)(uintptr_t)r)->x;
}

int core_run_seen(struct core *c, struct run *pub, enum event_type type, const char *payload,
                  size_t len, struct waiter *w, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)c;
    if (run_state_at_rest(pub->state))
        return err_set(e, ERR_CONFLICT, "run %s is %s: nothing happens in it", pub->id,
                       run_state_name(pub->state));
    if (len > RUN_SEEN_BYTES)
        return err_set(e, ERR_LIMIT, "an event is of at most %d bytes", RUN_SEEN_BYTES);
    waiter_add(w, &r->creators, pub, NULL);
    run_event_add(r, type, payload, len);
    run_row_changed(r);
    return 0;
}
