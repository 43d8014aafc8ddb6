// SPDX-License-Identifier: Apache-2.0
// Lines to a tool that runs: the part that all tools share.
#include "agent_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

// A UUID, since tools take nothing else, and one that a second try has again.
#define ID_PREFIX "70696e66-6f6c-4d00-8000-"

void agent_message_id(uint32_t turn, uint32_t n, char ret[AGENT_ID_MAX])
{
    (void)snprintf(ret, AGENT_ID_MAX, ID_PREFIX "%06x%06x", turn & 0xffffff, n & 0xffffff);
}

int agent_message_number(const char *id, size_t len, uint32_t *ret_turn, uint32_t *ret_n)
{
    size_t prefix = strlen(ID_PREFIX);
    char digits[13];
    unsigned turn, n;
    int used = 0;
    if (len != prefix + 12 || memcmp(id, ID_PREFIX, prefix))
        return -1;
    memcpy(digits, id + prefix, 12);
    digits[12] = '\0';
    if (strspn(digits, "0123456789abcdef") != 12 ||
        sscanf(digits, "%6x%6x%n", &turn, &n, &used) != 2 || used != 12)
        return -1;
    *ret_turn = turn;
    *ret_n = n;
    return 0;
}

bool agent_talks(const struct agent_adapter *a)
{
    return a->say != NULL;
}

bool agent_forgets(const struct agent_adapter *a)
{
    return a->forgets;
}

bool agent_keeps_tools(const struct agent_adapter *a)
{
    return a->keeps_tools;
}

bool agent_takes_input(const struct agent_adapter *a)
{
    return a->takes_input;
}

bool agent_say(const struct agent_reader *r, struct buf *ret, const char *id, const char *text)
{
    return r->adapter->say(r, ret, id, text);
}

void agent_answer(const struct agent_reader *r, struct buf *ret, const struct agent_answer *answer)
{
    r->adapter->answer(r, ret, answer);
}

void agent_interrupt(const struct agent_reader *r, struct buf *ret, const char *id)
{
    r->adapter->interrupt(r, ret, id);
}

void agent_call_done(const struct agent_adapter *a, struct buf *ret, const struct agent_call *call,
                     struct json_text text, bool is_error)
{
    a->call_done(ret, call, &text, is_error);
}

const struct agent_tool *agent_tool_find(const struct agent_expect *x, struct json_text name)
{
    for (unsigned i = 0; i < x->n_tools; i++)
        if (name.p && strlen(x->tools[i].name) == name.len &&
            !memcmp(x->tools[i].name, name.p, name.len))
            return &x->tools[i];
    return NULL;
}

void agent_reader_caught_up(struct agent_reader *r)
{
    r->live = true;
    if (r->adapter->caught_up)
        r->adapter->caught_up(r);
}

void seen_taken(struct agent_reader *r, struct json_text message_id)
{
    uint32_t turn, n;
    struct json_out o;
    if (!message_id.p || agent_message_number(message_id.p, message_id.len, &turn, &n))
        return; // the first one, or another's
    if (n < r->taken)
        return; // it was told again, and had it
    r->taken = n + 1;
    event_begin(r, &o);
    json_u64(&o, "turn", turn);
    json_u64(&o, "number", n);
    event_end(r, &o, EV_USER_MESSAGE_TAKEN);
}
