// SPDX-License-Identifier: Apache-2.0
// Events of runs in the database: they are added and, with their run, deleted. `id` grows over all,
// `seq` from 1 on within a run; who adds gives both.
#pragma once
#include <pinfold/store.h>

struct store_event {
    const char *run;
    uint64_t id, seq;
    uint32_t type;
    const char *payload; // JSON
    size_t len;
    uint64_t created_ms;
};
int store_event_put(struct store *s, const struct store_event *ev, struct err *e);
// At most max of a run's, those with a greater seq whose type's bit is in `types`, in their order.
// Strings are borrowed for the call; a return other than 0 ends it.
int store_event_page(struct store *s, const struct store_event *after, uint64_t types, size_t max,
                     int (*on_row)(void *arg, const struct store_event *ev), void *arg,
                     struct err *e);
// The seq of a run's last event with at most this id; UINT64_MAX: of its last. 0: there is none.
int store_event_seq(struct store *s, const char *run, uint64_t id, uint64_t *ret, struct err *e);
// The first id that no event has or had.
int store_event_next_id(struct store *s, uint64_t *ret, struct err *e);
// Delete some of a run's; *ret_more: there are others.
int store_event_delete_some(struct store *s, const char *run, bool *ret_more, struct err *e);
