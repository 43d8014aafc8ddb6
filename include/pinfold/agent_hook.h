// SPDX-License-Identifier: Apache-2.0
// Hooks of a tool: programs that it starts when something happens, with a JSON object on their input.
// Ours give that to the server, by the door of their sandbox, with a token that is good for their run;
// they tell what the tool's own lines do not, and ask where these cannot. Pure.
#pragma once
#include <pinfold/agent_talk.h>
#include <pinfold/buf.h>
#include <pinfold/id.h>

#define AGENT_HOOK_BYTES (256 * 1024) // of what one is given

enum agent_hook_kind { HOOK_NOTHING, HOOK_EVENT, HOOK_QUESTION };
struct agent_hook {
    enum agent_hook_kind kind;
    enum event_type type; // of an event
    struct buf payload;
    char id[AGENT_ID_MAX], tool[NAME_MAX_LEN + 1]; // of a question
    struct buf input;
};
// ERR_BAD_REQUEST when it is no hook's object. Release it whatever comes.
int agent_hook_read(const void *body, size_t len, struct agent_hook *ret, struct err *e);
void agent_hook_release(struct agent_hook *h);
// What it gives back to its tool.
void agent_hook_answer(struct buf *ret, const struct agent_answer *a);
// A question of a hook, by its id: not of the tool's lines.
bool agent_hook_asked(const char *id);
