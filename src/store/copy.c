// SPDX-License-Identifier: Apache-2.0
// A copy of the database while it is used, and the thorough check of a file.
#include "store_int.h"

#include <pinfold/own.h>

struct store_copy {
    struct store to; // as much of it as errors need
    sqlite3_backup *backup;
};

struct store_copy *store_copy_new(struct store *s, int dir_fd, struct err *e)
{
    struct store_copy *c = xcalloc(1, sizeof(*c));
    // What is half copied is worth nothing, so nothing of it need be on disk before the end.
    if (store_connect(dir_fd, SQLITE_OPEN_CREATE, &c->to.db) == SQLITE_OK &&
        sqlite3_exec(c->to.db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF", NULL,
                     NULL, NULL) == SQLITE_OK &&
        (c->backup = sqlite3_backup_init(c->to.db, "main", s->db, "main")))
        return c;
    store_fail(&c->to, e, "begin a copy of the database");
    store_copy_free(c);
    return NULL;
}

int store_copy_step(struct store_copy *c, int pages, struct err *e)
{
    int rc = sqlite3_backup_step(c->backup, pages);
    if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        return 1;
    if (rc == SQLITE_DONE) {
        rc = sqlite3_backup_finish(c->backup);
        c->backup = NULL;
    }
    return rc == SQLITE_OK ? 0 : store_fail(&c->to, e, "copy the database");
}

void store_copy_free(struct store_copy *c)
{
    if (!c)
        return;
    (void)sqlite3_backup_finish(c->backup); // repeats the error of a step; NULL is fine
    (void)sqlite3_close(c->to.db);
    free(c);
}

int store_verify(int dir_fd, struct err *e)
{
    struct store s = {0};
    int64_t version;
    int r = -1;
    if (store_connect(dir_fd, 0, &s.db) != SQLITE_OK)
        store_fail(&s, e, "open " STORE_FILE);
    else if (sqlite3_exec(s.db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        store_fail(&s, e, "lock " STORE_FILE);
    else if (!store_check(&s, "PRAGMA integrity_check(1)", e) &&
             !store_number(&s, "PRAGMA user_version", &version, e))
        r = store_version_ok(version, e);
    (void)sqlite3_close(s.db); // no statement is open
    return r;
}
