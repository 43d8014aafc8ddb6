// SPDX-License-Identifier: Apache-2.0
// Approvals: what a run's agent asks before it does it. The run needs input until each is answered,
// expires, or is asked no more.
#pragma once
#include <pinfold/agent_talk.h>
#include <pinfold/core_run.h>

#define APPROVAL_MESSAGE_BYTES 4096
#define APPROVAL_DEFAULT_MS (3600 * 1000)

// Numbers are stored.
enum approval_status {
    APPROVAL_PENDING,
    APPROVAL_ALLOWED,
    APPROVAL_DENIED,
    APPROVAL_EXPIRED,   // nobody answered in time: as denied
    APPROVAL_WITHDRAWN, // it is not asked any more: its turn has ended
    APPROVAL_N
};
const char *approval_status_name(enum approval_status s);
int approval_status_parse(const char *s, enum approval_status *ret); // -1: there is none

struct approval {
    char id[ID_MAX]; // apr_...
    char run[ID_MAX];
    char tool[NAME_MAX_LEN + 1]; // that it wants to use
    const char *input;           // with what: a JSON object
    enum approval_status status;
    const char *message; // of who answered; "" for none
    const char *changed; // input that it is to use instead; NULL: none
    uint64_t created_ms, expires_ms, answered_ms;
};
struct approval_filter {
    const char *run; // NULL: of all
    bool status_given;
    enum approval_status status;
};
struct approval *core_approval_find(struct core *c, const char *id, struct err *e);
// Newest first, those older than `after` ("" from the start).
size_t core_approval_list(struct core *c, const struct approval_filter *f, const char *after,
                          struct approval **ret, size_t max, bool *ret_more);
struct approval_answer {
    bool allow;
    const char *message; // NULL: none
    const char *input;   // what it is to do instead: a JSON object; NULL: as it asked
};
// Its tool asks by a hook. on_done when that is answered or asked no more, or after ms; result: struct
// approval *. The same question, asked again, is one. ERR_CONFLICT when its run does not ask by hooks.
int core_approval_ask(struct core *c, struct run *r, const struct agent_question *q, uint64_t ms,
                      struct waiter *w, struct err *e);
// It is told once the answer is recorded; on_done then. ERR_GONE when it
// was answered already, or is not asked any more.
int core_approval_answer(struct core *c, struct approval *a, const struct approval_answer *answer,
                         struct waiter *w, struct err *e);
