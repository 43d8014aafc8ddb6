// SPDX-License-Identifier: Apache-2.0
// Shared by the files of this room.
#pragma once
#include <pinfold/store.h>
#include <sqlite3.h>

// Rows of a table are read and written by their fields: column, type, place in the struct.
enum store_kind { COL_TEXT, COL_BLOB, COL_U64, COL_U32, COL_I32, COL_BOOL };
struct store_field {
    const char *column;
    enum store_kind kind;
    uint16_t offset;
};
struct store_table {
    const char *name;
    const struct store_field *fields; // the first is the key
    unsigned n_fields;
    uint16_t size; // of the row's struct
};
enum store_thing {
    T_WORKSPACE,
    T_EXEC,
    T_BUILD,
    T_REPO,
    T_TOKEN,
    T_USER,
    T_RUN,
    T_SNAPSHOT,
    T_DELIVERY,
    T_SECRET,
    T_CHECKOUT,
    T_ITEM,
    T_N
};
extern const struct store_table store_tables[T_N];

// Statements with a text of their own; those of the tables above are made from the fields.
enum store_stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_WORKSPACE_OUTPUTS,
    STMT_WORKSPACE_EXECS,
    STMT_WORKSPACE_BUILDS,
    STMT_EXEC_OUTPUTS,
    STMT_EXEC_NEWS,
    STMT_OUTPUT_PUT,
    STMT_OUTPUT_GET,
    STMT_IDEM_PUT,
    STMT_IDEM_GET,
    STMT_IDEM_EXPIRE,
    STMT_EVENT_PUT,
    STMT_EVENT_PAGE,
    STMT_EVENT_SEQ,
    STMT_EVENT_MAX_ID,
    STMT_EVENT_DELETE,
    STMT_META_PUT,
    STMT_META_GET,
    STMT_N
};

struct store {
    sqlite3 *db;
    bool in_batch, failed; // failed: a statement of this batch did; `why` says how
    struct err why;
    sqlite3_stmt *stmts[STMT_N];
    sqlite3_stmt *put[T_N], *del[T_N], *each[T_N];
};

// Fill *e from the last error of the connection, remember it for the batch. Returns -1.
int store_fail(struct store *s, struct err *e, const char *doing);
// Open STORE_FILE in a directory; an SQLite code, with *ret to close in either case.
int store_connect(int dir_fd, int flags, sqlite3 **ret);
// Run a pragma that says "ok" when all is well.
int store_check(struct store *s, const char *pragma, struct err *e);
int store_version_ok(int64_t version, struct err *e); // does this pinfold know it?
// A pragma that gives one number.
int store_number(struct store *s, const char *pragma, int64_t *ret, struct err *e);
// A database made before pages were given back is turned into one that can (space.c).
int store_shrinkable(struct store *s, struct err *e);
// Name of the way to files that store_open uses (vfs.c).
const char *store_vfs(void);
int store_migrate(struct store *s, struct err *e);
int store_prepare_tables(struct store *s, struct err *e);
sqlite3_stmt *store_prepare(struct store *s, const char *sql, struct err *e);
// Step a statement that gives no row, then reset it and forget what was bound.
int store_run(struct store *s, sqlite3_stmt *stmt, const char *doing, struct err *e);
// Is there no such exec, or one with a lower status; and its workspace, if it has one? 1 yes, 0 no.
int store_exec_is_news(struct store *s, const struct store_exec *row, struct err *e);
size_t store_kind_size(enum store_kind k); // of a member; 0 for those that are text and bytes
void store_bind_text(sqlite3_stmt *stmt, int i, const char *v);
void store_bind_blob(sqlite3_stmt *stmt, int i, struct store_blob v);
