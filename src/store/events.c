// SPDX-License-Identifier: Apache-2.0
// Events of runs. The table has its rows in the order of their ids, so that what many runs add at
// one time is written to its end; an index finds those of one run.
#include "store_int.h"

#include <pinfold/store_event.h>
#include <stdlib.h>
#include <string.h>

#define DELETE_MAX 2000 // in one job, so that others need not wait long
#define NEXT_ID "event_id"

int store_event_put(struct store *s, const struct store_event *ev, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_EVENT_PUT];
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)ev->id);
    store_bind_text(stmt, 2, ev->run);
    (void)sqlite3_bind_int64(stmt, 3, (sqlite3_int64)ev->seq);
    (void)sqlite3_bind_int64(stmt, 4, ev->type);
    (void)sqlite3_bind_text64(stmt, 5, ev->payload, ev->len, SQLITE_STATIC, SQLITE_UTF8);
    (void)sqlite3_bind_int64(stmt, 6, (sqlite3_int64)ev->created_ms);
    return store_run(s, stmt, "add an event", e);
}

int store_event_page(struct store *s, const struct store_event *after, uint64_t types, size_t max,
                     int (*on_row)(void *arg, const struct store_event *ev), void *arg,
                     struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_EVENT_PAGE];
    int rc, stop = 0;
    store_bind_text(stmt, 1, after->run);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)after->seq);
    (void)sqlite3_bind_int64(stmt, 3, (sqlite3_int64)types);
    (void)sqlite3_bind_int64(stmt, 4, (sqlite3_int64)max);
    while (!stop && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 3);
        const struct store_event ev = {
            .run = after->run,
            .id = (uint64_t)sqlite3_column_int64(stmt, 0),
            .seq = (uint64_t)sqlite3_column_int64(stmt, 1),
            .type = (uint32_t)sqlite3_column_int64(stmt, 2),
            .payload = text ? text : "{}",
            .len = text ? (size_t)sqlite3_column_bytes(stmt, 3) : 2,
            .created_ms = (uint64_t)sqlite3_column_int64(stmt, 4),
        };
        stop = on_row(arg, &ev);
    }
    int ret = stop || rc == SQLITE_DONE ? 0 : store_fail(s, e, "read events");
    (void)sqlite3_reset(stmt); // repeats the error of the step
    (void)sqlite3_clear_bindings(stmt);
    return ret;
}

// The number that the statement's only row has.
static int number(struct store *s, sqlite3_stmt *stmt, uint64_t *ret, struct err *e)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *ret = (uint64_t)sqlite3_column_int64(stmt, 0);
    int bad = rc == SQLITE_ROW ? 0 : store_fail(s, e, "read events");
    (void)sqlite3_reset(stmt); // repeats the error of the step
    (void)sqlite3_clear_bindings(stmt);
    return bad;
}

int store_event_seq(struct store *s, const char *run, uint64_t id, uint64_t *ret, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_EVENT_SEQ];
    store_bind_text(stmt, 1, run);
    (void)sqlite3_bind_int64(stmt, 2, id > INT64_MAX ? INT64_MAX : (sqlite3_int64)id);
    return number(s, stmt, ret, e);
}

int store_event_next_id(struct store *s, uint64_t *ret, struct err *e)
{
    uint64_t last = 0, kept;
    own_buf struct buf b;
    buf_init(&b, 32);
    int found = store_meta_get(s, NEXT_ID, &b, e);
    if (found < 0 || number(s, s->stmts[STMT_EVENT_MAX_ID], &last, e))
        return -1;
    kept = found ? strtoull(b.data, NULL, 10) : 1; // we wrote it
    *ret = last + 1 > kept ? last + 1 : kept;
    return 0;
}

int store_event_delete_some(struct store *s, const char *run, bool *ret_more, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_EVENT_DELETE];
    uint64_t next;
    own_buf struct buf b;
    buf_init(&b, 32);
    // An id is given once: clients go on after the last one they saw.
    if (store_event_next_id(s, &next, e))
        return -1;
    (void)buf_printf(&b, "%llu", (unsigned long long)next); // 20 digits at most
    store_bind_text(stmt, 1, run);
    (void)sqlite3_bind_int(stmt, 2, DELETE_MAX);
    if (store_meta_put(s, NEXT_ID, (struct store_blob){b.data, b.len}, e) ||
        store_run(s, stmt, "delete events", e))
        return -1;
    *ret_more = sqlite3_changes(s->db) == DELETE_MAX;
    return 0;
}
