// SPDX-License-Identifier: Apache-2.0
// Shared by the files of codex: codex.c calls it, codex_talk.c is its app-server's protocol,
// codex_item.c what its threads do.
#pragma once
#include "agent_int.h"

#define CODEX_THREADS_MAX 64 // sub-agents that are known apart

// As far as its lines have told it, so that it comes again when they do.
struct codex {
    bool told; // its first words
    char first_turn[48];
    struct codex_thread {
        char id[48], call[AGENT_ID_MAX]; // of the tool call that began it
        struct run_usage sum;
    } threads[CODEX_THREADS_MAX];
    unsigned n_threads;
    // The last change to files that was begun, as a question about it shows it.
    char change_id[AGENT_ID_MAX], change[AGENT_INPUT_MAX];
};
struct codex *codex_of(struct agent_reader *r);

void codex_first_lines(struct buf *b, const struct agent_wish *w);
bool codex_say(const struct agent_reader *r, struct buf *ret, const char *id, const char *text);
void codex_interrupt(const struct agent_reader *r, struct buf *ret, const char *id);
void codex_answer(const struct agent_reader *r, struct buf *ret, const struct agent_answer *a);
void codex_call_done(struct buf *ret, const struct agent_call *call, const struct json_text *text,
                     bool is_error);
void codex_caught_up(struct agent_reader *r);
bool codex_on_talk(struct agent_reader *r, const struct json_node *line); // false: no such line

// params: of a notification.
bool codex_is_main(const struct agent_reader *r, const struct json_node *params);
void codex_part(struct agent_reader *r, const struct json_node *params, enum event_type type);
void codex_item_started(struct agent_reader *r, const struct json_node *params);
void codex_item_completed(struct agent_reader *r, const struct json_node *params);
void codex_count(struct agent_reader *r, const struct json_node *params);
void codex_failed(struct agent_reader *r, struct json_text text); // codex.c
