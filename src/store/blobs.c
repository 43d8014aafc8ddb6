// SPDX-License-Identifier: Apache-2.0
// What is not a row of a thing: kept output, answers by key, small named values.
#include "store_int.h"

#include <pinfold/buf.h>

int store_output_put(struct store *s, const char *exec, unsigned stream, struct store_blob data,
                     struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_OUTPUT_PUT];
    store_bind_text(stmt, 1, exec);
    (void)sqlite3_bind_int(stmt, 2, (int)stream);
    store_bind_blob(stmt, 3, data);
    return store_run(s, stmt, "keep output", e);
}

// Finish a query of at most one row: 1 found, 0 not, -1 error.
static int finish(struct store *s, sqlite3_stmt *stmt, int rc, bool whole, struct err *e)
{
    int ret = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : store_fail(s, e, "read");
    (void)sqlite3_reset(stmt); // repeats the error of the step
    (void)sqlite3_clear_bindings(stmt);
    return ret == 1 && !whole ? err_set(e, ERR_LIMIT, "a stored value is larger than expected")
                              : ret;
}

int store_exec_is_news(struct store *s, const struct store_exec *row, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_EXEC_NEWS];
    store_bind_text(stmt, 1, row->id);
    store_bind_text(stmt, 2, row->workspace);
    (void)sqlite3_bind_int64(stmt, 3, row->status);
    int rc = sqlite3_step(stmt);
    bool yes = rc == SQLITE_ROW && sqlite3_column_int(stmt, 0);
    int found = finish(s, stmt, rc, true, e);
    return found < 0 ? -1 : yes;
}

static bool take(sqlite3_stmt *stmt, int column, struct buf *ret)
{
    const void *p = sqlite3_column_blob(stmt, column);
    return !p || !buf_append(ret, p, (size_t)sqlite3_column_bytes(stmt, column));
}

int store_output_get(struct store *s, const char *exec, unsigned stream, uint64_t offset,
                     size_t max, struct buf *ret, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_OUTPUT_GET];
    store_bind_text(stmt, 1, exec);
    (void)sqlite3_bind_int(stmt, 2, (int)stream);
    (void)sqlite3_bind_int64(stmt, 3, (sqlite3_int64)offset);
    (void)sqlite3_bind_int64(stmt, 4, (sqlite3_int64)max);
    int rc = sqlite3_step(stmt);
    bool whole = rc != SQLITE_ROW || take(stmt, 0, ret);
    return finish(s, stmt, rc, whole, e) < 0 ? -1 : 0;
}

int store_idem_put(struct store *s, const struct store_idem *row, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_IDEM_PUT];
    store_bind_text(stmt, 1, row->key);
    store_bind_blob(stmt, 2, row->digest);
    (void)sqlite3_bind_int(stmt, 3, row->status);
    store_bind_text(stmt, 4, row->head);
    store_bind_blob(stmt, 5, row->body);
    (void)sqlite3_bind_int64(stmt, 6, (sqlite3_int64)row->created_ms);
    return store_run(s, stmt, "keep an answer", e);
}

int store_idem_get(struct store *s, const char *key, struct store_idem *ret, struct buf *ret_head,
                   struct buf *ret_body, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_IDEM_GET];
    store_bind_text(stmt, 1, key);
    int rc = sqlite3_step(stmt);
    bool whole = true;
    if (rc == SQLITE_ROW) {
        // The digest leads the body's buffer, so that nothing points into the statement.
        whole = take(stmt, 0, ret_body) && take(stmt, 3, ret_body) && take(stmt, 2, ret_head);
        size_t n = (size_t)sqlite3_column_bytes(stmt, 0);
        *ret = (struct store_idem){
            .key = key,
            .digest = {ret_body->data, n},
            .status = sqlite3_column_int(stmt, 1),
            .head = ret_head->data,
            .body = {ret_body->data + n, whole ? ret_body->len - n : 0},
            .created_ms = (uint64_t)sqlite3_column_int64(stmt, 4),
        };
    }
    return finish(s, stmt, rc, whole, e);
}

int store_idem_expire(struct store *s, uint64_t before_ms, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_IDEM_EXPIRE];
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)before_ms);
    return store_run(s, stmt, "forget old answers", e);
}

int store_meta_put(struct store *s, const char *name, struct store_blob value, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_META_PUT];
    store_bind_text(stmt, 1, name);
    store_bind_blob(stmt, 2, value);
    return store_run(s, stmt, "keep a value", e);
}

int store_meta_get(struct store *s, const char *name, struct buf *ret, struct err *e)
{
    sqlite3_stmt *stmt = s->stmts[STMT_META_GET];
    store_bind_text(stmt, 1, name);
    int rc = sqlite3_step(stmt);
    bool whole = rc != SQLITE_ROW || take(stmt, 0, ret);
    return finish(s, stmt, rc, whole, e);
}
