// SPDX-License-Identifier: Apache-2.0
// What is told of a run: its results and its end, as events and to its webhook.
#include "run_int.h"

#include <pinfold/own.h>

void run_say_event(struct runrec *r, enum event_type type, const struct event_word *words,
                   unsigned n)
{
    own_buf struct buf b;
    buf_init(&b, 4 * 1024 * 1024); // a text is cut to far less
    event_payload(&b, words, n);
    run_event_add(r, type, b.data, b.len);
}

static bool is_limit(enum run_reason why)
{
    static const bool limits[WHY_N] = {
        [WHY_WALL_LIMIT] = true,  [WHY_SILENCE_LIMIT] = true, [WHY_OOM] = true,
        [WHY_PIDS_LIMIT] = true,  [WHY_DISK_FULL] = true,     [WHY_OUTPUT_LIMIT] = true,
        [WHY_TOKEN_LIMIT] = true, [WHY_TURN_LIMIT] = true,    [WHY_COST_LIMIT] = true,
    };
    return limits[why];
}

void run_say_result(struct runrec *r)
{
    const struct run *p = &r->pub;
    const struct event_word result[] = {
        {.name = p->mode == RUN_PLAN ? "plan" : "result", .text = p->result, .len = p->result_len},
        {.name = "turn", .is_number = true, .number = p->turn},
        {.name = "input_tokens",
         .is_number = p->usage.known,
         .number = (int64_t)p->usage.input_tokens},
        {.name = "output_tokens",
         .is_number = p->usage.known,
         .number = (int64_t)p->usage.output_tokens},
    };
    if (p->result_len)
        run_say_event(r, EV_RUN_RESULT, result, N_ELEMS(result));
}

// What a webhook gets of it: the result too.
static void post_end(struct runrec *r, enum run_state to, enum event_type type)
{
    const struct run *p = &r->pub;
    const struct event_word words[] = {
        {.name = "status", .text = run_state_name(to)},
        {.name = "reason", .text = run_reason_name(p->reason)},
        {.name = "agent", .text = p->agent},
        {.name = "turn", .is_number = true, .number = p->turn},
        {.name = p->mode == RUN_PLAN ? "plan" : "result", .text = p->result, .len = p->result_len},
        {.name = "error", .text = *p->error ? p->error : NULL},
        {.name = "exit_code", .is_number = p->exit_code >= 0, .number = p->exit_code},
        {.name = "session_id", .text = *p->session ? p->session : NULL},
        {.name = "input_tokens",
         .is_number = p->usage.known,
         .number = (int64_t)p->usage.input_tokens},
        {.name = "output_tokens",
         .is_number = p->usage.known,
         .number = (int64_t)p->usage.output_tokens},
    };
    own_buf struct buf b = {0};
    if (!*r->webhook_url)
        return;
    buf_init(&b, 4 * 1024 * 1024); // as above
    event_payload(&b, words, N_ELEMS(words));
    hook_send(r, type, b.data, b.len);
}

void run_say_end(struct runrec *r, enum run_state to)
{
    static const enum event_type types[RUN_STATES] = {[RUN_SUCCEEDED] = EV_RUN_COMPLETED,
                                                      [RUN_CANCELLED] = EV_RUN_CANCELLED,
                                                      [RUN_PAUSED] = EV_RUN_PAUSED};
    const struct run *p = &r->pub;
    const struct event_word limit[] = {{.name = "limit", .text = run_reason_name(p->reason)}};
    const struct event_word end[] = {
        {.name = "status", .text = run_state_name(to)},
        {.name = "reason", .text = run_reason_name(p->reason)},
        {.name = "error", .text = *p->error ? p->error : NULL},
        {.name = "snapshot_id", .text = *r->checkpoint ? r->checkpoint : NULL},
        {.name = "exit_code", .is_number = p->exit_code >= 0, .number = p->exit_code},
        {.name = "input_tokens",
         .is_number = p->usage.known,
         .number = (int64_t)p->usage.input_tokens},
        {.name = "output_tokens",
         .is_number = p->usage.known,
         .number = (int64_t)p->usage.output_tokens},
    };
    if (is_limit(p->reason))
        run_say_event(r, EV_RUN_LIMIT, limit, 1);
    if (run_began(r) && to != RUN_PAUSED)
        run_say_result(r);
    run_say_event(r, types[to] ? types[to] : EV_RUN_FAILED, end, N_ELEMS(end));
    post_end(r, to, types[to] ? types[to] : EV_RUN_FAILED);
    r->checkpoint[0] = '\0';
    r->look = (struct run_look){0};
}
