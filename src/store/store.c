// SPDX-License-Identifier: Apache-2.0
// Opening, transactions, statements, errors.
#include "store_int.h"

#include <fcntl.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const stmt_text[STMT_N] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_WORKSPACE_OUTPUTS] =
        "DELETE FROM output WHERE exec IN (SELECT id FROM exec WHERE workspace = ?1)",
    [STMT_WORKSPACE_EXECS] = "DELETE FROM exec WHERE workspace = ?1",
    [STMT_WORKSPACE_BUILDS] = "DELETE FROM build WHERE workspace = ?1",
    [STMT_EXEC_OUTPUTS] = "DELETE FROM output WHERE exec = ?1",
    [STMT_EXEC_NEWS] = ("SELECT COALESCE((SELECT status FROM exec WHERE id = ?1), -1) < ?3 AND "
                        "(?2 = '' OR EXISTS (SELECT 1 FROM workspace WHERE id = ?2))"),
    [STMT_OUTPUT_PUT] = "INSERT OR REPLACE INTO output (exec, stream, data) VALUES (?1, ?2, ?3)",
    [STMT_OUTPUT_GET] =
        "SELECT substr(data, ?3 + 1, ?4) FROM output WHERE exec = ?1 AND stream = ?2",
    [STMT_IDEM_PUT] = ("INSERT OR REPLACE INTO idem (key, digest, status, head, body, created_ms) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
    [STMT_IDEM_GET] = "SELECT digest, status, head, body, created_ms FROM idem WHERE key = ?1",
    [STMT_IDEM_EXPIRE] = "DELETE FROM idem WHERE created_ms < ?1",
    [STMT_EVENT_PUT] = ("INSERT INTO event (id, run, seq, type, payload, created_ms) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
    [STMT_EVENT_PAGE] = ("SELECT id, seq, type, payload, created_ms FROM event "
                         "WHERE run = ?1 AND seq > ?2 AND (?3 >> type) & 1 ORDER BY seq LIMIT ?4"),
    [STMT_EVENT_SEQ] = ("SELECT COALESCE((SELECT seq FROM event WHERE id = ?2 AND run = ?1), "
                        "(SELECT MAX(seq) FROM event WHERE run = ?1 AND id <= ?2), 0)"),
    [STMT_EVENT_MAX_ID] = "SELECT COALESCE(MAX(id), 0) FROM event",
    [STMT_EVENT_DELETE] =
        "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE run = ?1 LIMIT ?2)",
    [STMT_META_PUT] = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
    [STMT_META_GET] = "SELECT value FROM meta WHERE name = ?1",
};

static enum err_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        return ERR_KERNEL;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    default:
        return ERR_INTERNAL;
    }
}

static int damaged(const char *how, struct err *e)
{
    return err_set(e, ERR_INTERNAL,
                   "the database " STORE_FILE " is damaged: %s; bring back a backup with pinfold "
                   "restore, or move it away to begin anew",
                   how);
}

int store_fail(struct store *s, struct err *e, const char *doing)
{
    struct err why = {0};
    int rc = sqlite3_extended_errcode(s->db);
    if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
        damaged(sqlite3_errmsg(s->db), &why);
    else
        err_set(&why, code_of(rc), "%s: %s", doing, sqlite3_errmsg(s->db));
    why.sys = sqlite3_system_errno(s->db);
    if (s->in_batch && !s->failed) {
        s->failed = true;
        s->why = why;
    }
    if (e)
        *e = why;
    return -1;
}

sqlite3_stmt *store_prepare(struct store *s, const char *sql, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        store_fail(s, e, sql);
    return stmt;
}

int store_run(struct store *s, sqlite3_stmt *stmt, const char *doing, struct err *e)
{
    int rc = sqlite3_step(stmt);
    int ret = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : store_fail(s, e, doing);
    (void)sqlite3_reset(stmt); // repeats the error of the step above
    (void)sqlite3_clear_bindings(stmt);
    return ret;
}

void store_bind_text(sqlite3_stmt *stmt, int i, const char *v)
{
    // Binding fails only for a bad index or no memory; the step then stores NULL, which the
    // schema's NOT NULL refuses.
    (void)sqlite3_bind_text(stmt, i, v ? v : "", -1, SQLITE_STATIC);
}

void store_bind_blob(sqlite3_stmt *stmt, int i, struct store_blob v)
{
    (void)sqlite3_bind_blob64(stmt, i, v.p ? v.p : "", v.len, SQLITE_STATIC); // as above
}

static int exec_text(struct store *s, const char *sql, struct err *e)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s, e, "prepare the database");
    return 0;
}

static int on_check_row(void *arg, int n, char **values, char **names)
{
    (void)names;
    char *first = arg;
    if (!*first)
        (void)snprintf(first, 128, "%s", n > 0 && values[0] ? values[0] : "no answer");
    return 0;
}

// quick_check reads every page: a damaged file is found here, not by a client. integrity_check
// compares indexes and constraints with the rows as well.
int store_check(struct store *s, const char *pragma, struct err *e)
{
    char first[128] = "";
    int rc = sqlite3_exec(s->db, pragma, on_check_row, first, NULL);
    for (char *nl = first; (nl = strchr(nl, '\n'));)
        *nl = ' ';
    if (rc != SQLITE_OK)
        return store_fail(s, e, "check the database");
    return strcmp(first, "ok") ? damaged(first, e) : 0;
}

int store_connect(int dir_fd, int flags, sqlite3 **ret)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/" STORE_FILE, dir_fd);
    return sqlite3_open_v2(path, ret,
                           flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
                               SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE,
                           store_vfs());
}

static int open_in(struct store *s, int dir_fd, struct err *e)
{
    if (store_connect(dir_fd, SQLITE_OPEN_CREATE, &s->db) != SQLITE_OK)
        return store_fail(s, e, "open " STORE_FILE);
    if (fchmodat(dir_fd, STORE_FILE, 0600, 0))
        return err_sys(e, "set the mode of " STORE_FILE);
    // EXCLUSIVE: the server is the only process that opens it, so no shared memory file is needed.
    // auto_vacuum counts only before the first page is written (shrink() sees to older files), and
    // would be written anew each time, for which a full disk has no room.
    int64_t pages;
    if (exec_text(s, "PRAGMA locking_mode = EXCLUSIVE", e) ||
        store_number(s, "PRAGMA page_count", &pages, e) ||
        (!pages && exec_text(s, "PRAGMA auto_vacuum = INCREMENTAL", e)))
        return -1;
    return exec_text(s,
                     "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 33554432;"
                     "PRAGMA secure_delete = ON;"
                     "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                     "PRAGMA foreign_keys = OFF; PRAGMA cache_size = -8192;"
                     "PRAGMA wal_autocheckpoint = 2000; PRAGMA trusted_schema = OFF",
                     e);
}

struct store *store_open(int dir_fd, struct err *e)
{
    struct store *s = xcalloc(1, sizeof(*s));
    if (open_in(s, dir_fd, e) || store_check(s, "PRAGMA quick_check(1)", e) ||
        store_migrate(s, e) || store_shrinkable(s, e) || store_prepare_tables(s, e))
        goto fail;
    for (unsigned i = 0; i < STMT_N; i++)
        if (!(s->stmts[i] = store_prepare(s, stmt_text[i], e)))
            goto fail;
    return s;
fail:
    store_close(s);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < STMT_N; i++)
        (void)sqlite3_finalize(s->stmts[i]); // repeats an old error, if any
    for (unsigned i = 0; i < T_N; i++) {
        (void)sqlite3_finalize(s->put[i]);
        (void)sqlite3_finalize(s->del[i]);
        (void)sqlite3_finalize(s->each[i]);
    }
    (void)sqlite3_close(s->db); // nothing is left open that could make it refuse
    free(s);
}

int store_begin(struct store *s, struct err *e)
{
    if (store_run(s, s->stmts[STMT_BEGIN], "begin", e))
        return -1;
    s->in_batch = true;
    s->failed = false;
    return 0;
}

int store_commit(struct store *s, struct err *e)
{
    bool good = !s->failed && !store_run(s, s->stmts[STMT_COMMIT], "commit", NULL);
    s->in_batch = false;
    if (good)
        return 0;
    if (e)
        *e = s->why;
    // A full disk may have ended the transaction already; then there is nothing to roll back.
    if (!sqlite3_get_autocommit(s->db))
        (void)store_run(s, s->stmts[STMT_ROLLBACK], "roll back", NULL);
    return -1;
}
