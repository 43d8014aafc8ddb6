// SPDX-License-Identifier: Apache-2.0
// The size of the file: pages that deletions left empty are given back to the disk, a few at a
// time, so that the file's size follows what is in it.
#include "store_int.h"

#include <pinfold/own.h>

#define PAGES_STEP 2048 // 8 MiB of pages of 4 KiB, some ten milliseconds
#define PAGES_SPARE 1024
// To be turned, a database is written anew in memory.
#define TURN_MAX_PAGES 65536

int store_number(struct store *s, const char *pragma, int64_t *ret, struct err *e)
{
    sqlite3_stmt *stmt = store_prepare(s, pragma, e);
    if (!stmt)
        return -1;
    int rc = sqlite3_step(stmt);
    *ret = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt); // repeats the error of the step
    return rc == SQLITE_ROW ? 0 : store_fail(s, e, pragma);
}

int store_shrinkable(struct store *s, struct err *e)
{
    int64_t mode, pages;
    if (store_number(s, "PRAGMA auto_vacuum", &mode, e) ||
        store_number(s, "PRAGMA page_count", &pages, e))
        return -1;
    // Where it does not work (no room) or is too large, its empty pages are used again all the
    // same: they are only not given back.
    if (!mode && pages <= TURN_MAX_PAGES)
        (void)sqlite3_exec(s->db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM", NULL, NULL, NULL);
    return 0;
}

int store_shrink(struct store *s, struct err *e)
{
    int64_t pages, empty;
    char sql[64];
    if (store_number(s, "PRAGMA page_count", &pages, e) ||
        store_number(s, "PRAGMA freelist_count", &empty, e))
        return -1;
    if (empty < PAGES_SPARE || empty < pages / 4) // these will be needed soon enough
        return 0;
    (void)snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", PAGES_STEP);
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s, e, "give back pages");
    return 0;
}
