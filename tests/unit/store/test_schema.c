// SPDX-License-Identifier: Apache-2.0
// The schema over time. Steps are added, never changed: each has its digest here. Of each version
// there was there is a database as text, vN.sql, with rows in every table, which is brought up to
// today's version and compared. For a new step N:
//   build/tests/store/test_schema --make N >tests/unit/store/vN.sql
// and its digest, which the failing test prints, goes below.
#include <pinfold/store.h>

#include <fcntl.h>
#include <pinfold/crypt.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <tap.h>
#include <unistd.h>

static const char *const digests[] = {
    "9accd4e8b0e69d53d24468417e51b4edd94ea6ef6017401e467df981e5c551c4", // 1
    "8ad784f24d22d3565a029e8a0de9e37d7ba99f8f81e78cc5ddce3a2519263f83", // 2
    "b832659eeb3e629abaa3ccfb6c1db2a6f966a3a1b2081871be2365d429eaf0a5", // 3
    "54ea310145779060d75ae6cd86c137db28357416d42bbfeccb814e6f6426299e", // 4
    "45faeda3703c3b31133b8215da965da2191a02c66668bab1efbb67a35e3b5083", // 5
    "ee7aebe739eb53f6b7ac8266458d580386450f1716262b4b3c117d21f107a715", // 6
    "2b16e9d16a6528fc79129d1b9f93ee5812722a8e09eeb869b61123f5eed58984", // 7
    "45da2a4c97acbb434930a09e517625ef07fdce961009bfe7320d9ada90f44b71", // 8
    "a5aaa8da4ae2989016bb2af6d04a4d1dbf7937a661a467e8c79bc20e1709d63f", // 9
    "23ca081790f4e7b40803d1fc272d44f08fe0225ab17025ba5e151b35d4ab41b0", // 10
    "1146aea0c363bff72570a8e8ef2b8e4a214ea88209be851c3d6ef645b734197d", // 11
    "bdf9ec4f69d9251167165c2051adab3af6d4cffc5cf763e505655f365c77ec64", // 12
    "d17cad66352b934efe7db5ae046e6b5dd407d15e3ae5ffc85e2c55e446d349a6", // 13
    "81d2cc81678e5846e3608c81eaa49aa57ca47dfb7e73f549ad149d852ce6c869", // 14
    "9d0a783145700479a99b9a284bf56bc69b671912a91059a92d96eda42a446f01", // 15
    "6cfc3e7e841ac6fb713e7922a51273a543b227a344513e094f2d7d2f9e2b66a4", // 16
    "3f7b6da55f5e7c438d5598d2cb9f9cec8cf5ecf30fcbe120276b9de57fec7934", // 17
    "2b3cdfafdd50b22e6fef651d03570ee72a0840c20704e2932530177ee19c42a4", // 18
    "233b557e4bafafc84d03e03c75931a22616236a12f774206f51bb786352c2294", // 19
    "5ca708e54e2d98e161bc90c6a816d8594b71aba21f0e8f562fd347107b6fffee", // 20
    "1c0116ab35a83fc925e01fa167040933ab844ceb4d0f9c701403d6f1d9a378ce", // 21
};

static char tmp[] = "/tmp/pinfold-test-schema-XXXXXX";
static int dir_fd = -1;

static sqlite3 *database(const char *name)
{
    own_free char *path = name ? xasprintf("%s/%s", tmp, name) : xstrdup(":memory:");
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        abort();
    return db;
}

static bool run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    printf("# %s: %.200s\n", sqlite3_errmsg(db), sql);
    return false;
}

// The only column of the first row, or NULL; free() it.
static char *one(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        return NULL;
    bool row = sqlite3_step(st) == SQLITE_ROW;
    const char *text = row ? (const char *)sqlite3_column_text(st, 0) : NULL;
    char *ret = text ? xstrdup(text) : NULL;
    sqlite3_finalize(st);
    return ret;
}

// --- making a version's file ------------------------------------------------------------------

// Two rows for a table, each value made from its column's place and type.
static void print_rows(sqlite3 *db, const char *table)
{
    for (int row = 1; row <= 2; row++) {
        sqlite3_stmt *st = NULL;
        own_free char *sql = xasprintf("PRAGMA table_info(%s)", table);
        (void)sqlite3_prepare_v2(db, sql, -1, &st, NULL);
        printf("INSERT INTO %s VALUES (", table);
        for (int i = 0; sqlite3_step(st) == SQLITE_ROW; i++) {
            const char *type = (const char *)sqlite3_column_text(st, 2);
            const char *name = (const char *)sqlite3_column_text(st, 1);
            printf("%s", i ? ", " : "");
            if (!strcmp(type, "INTEGER"))
                printf("%d", i + row);
            else if (!strcmp(type, "BLOB"))
                printf("x'%02x00%02x'", row, i);
            else
                printf("'%s %d'", name, row);
        }
        printf(");\n");
        sqlite3_finalize(st);
    }
}

static int make(unsigned version)
{
    sqlite3 *db = database(NULL);
    sqlite3_stmt *st = NULL;
    for (unsigned i = 1; i <= version; i++)
        if (i > store_n_steps() || !run(db, store_step(i)))
            return 1;
    printf("-- A database of version %u, made by test_schema --make %u.\n", version, version);
    (void)sqlite3_prepare_v2(
        db, "SELECT sql, type, name FROM sqlite_master WHERE sql NOT NULL ORDER BY rowid", -1, &st,
        NULL);
    while (sqlite3_step(st) == SQLITE_ROW) {
        printf("%s;\n", (const char *)sqlite3_column_text(st, 0));
        if (!strcmp((const char *)sqlite3_column_text(st, 1), "table"))
            print_rows(db, (const char *)sqlite3_column_text(st, 2));
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    printf("PRAGMA user_version = %u;\n", version);
    return 0;
}

// --- comparing --------------------------------------------------------------------------------

// Every value of the tables that `old` has, by its columns, read from `db`.
static void dump(sqlite3 *old, sqlite3 *db, struct buf *out)
{
    sqlite3_stmt *tables = NULL;
    (void)sqlite3_prepare_v2(old, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1",
                             -1, &tables, NULL);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        own_free char *columns_of =
            xasprintf("SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM "
                      "pragma_table_info('%s')",
                      table);
        own_free char *columns = one(old, columns_of);
        own_free char *sql = xasprintf("SELECT %s FROM %s ORDER BY rowid", columns, table);
        sqlite3_stmt *rows = NULL;
        if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
            (void)buf_printf(out, "%s: %s\n", table, sqlite3_errmsg(db));
        while (rows && sqlite3_step(rows) == SQLITE_ROW)
            (void)buf_printf(out, "%s: %s\n", table, (const char *)sqlite3_column_text(rows, 0));
        sqlite3_finalize(rows);
    }
    sqlite3_finalize(tables);
}

static void bring_up(unsigned version)
{
    struct err e = {0};
    own_buf struct buf sql, before, after;
    buf_init(&sql, 1 << 20);
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    own_free char *path = xasprintf("tests/unit/store/v%u.sql", version);
    if (!ok(!io_read_file(AT_FDCWD, path, &sql, &e), "there is a database of version %u", version))
        return;
    (void)unlinkat(dir_fd, STORE_FILE, 0);
    sqlite3 *old = database(NULL), *db = database(STORE_FILE);
    ok(run(old, sql.data) && run(db, sql.data), "its text makes one");
    sqlite3_close(db);
    dump(old, old, &before);
    own_free char *tables = one(old, "SELECT count(*) FROM sqlite_master WHERE type = 'table'");
    int rows = 0;
    for (const char *at = before.data; (at = strchr(at, '\n')); at++)
        rows++;
    is_int(rows, 2 * atoi(tables), "with rows in every table");

    struct store *s = store_open(dir_fd, &e);
    ok(s != NULL, "it is brought up");
    if (!s)
        printf("# %s\n", e.text);
    store_close(s);
    db = database(STORE_FILE);
    own_free char *now = one(db, "PRAGMA user_version"), *mode = one(db, "PRAGMA auto_vacuum");
    is_int(atoi(now), store_n_steps(), "to today's version");
    is_str(mode, "2", "and gives back pages");
    dump(old, db, &after);
    is_str(after.data, before.data, "every value of version %u is there", version);
    sqlite3 *fresh = database(NULL);
    for (unsigned i = 1; i <= store_n_steps(); i++)
        (void)run(fresh, store_step(i));
    static const char schema[] =
        "SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_master ORDER BY name)";
    own_free char *is = one(db, schema), *want = one(fresh, schema);
    is_str(is, want, "and its tables are those of a new database");
    sqlite3_close(fresh);
    sqlite3_close(db);
    sqlite3_close(old);
}

static void steps(void)
{
    is_int(N_ELEMS(digests), store_n_steps(), "each step has a digest here");
    for (unsigned i = 1; i <= store_n_steps(); i++) {
        char hex[SHA256_HEX];
        const char *text = store_step(i);
        is_str(i <= N_ELEMS(digests) ? digests[i - 1] : "", sha256_hex(text, strlen(text), hex),
               "step %u is as it was released", i);
    }
}

static void refusals(void)
{
    struct err e = {0};
    (void)unlinkat(dir_fd, STORE_FILE, 0);
    sqlite3 *db = database(STORE_FILE);
    own_free char *sql =
        xasprintf("CREATE TABLE t (x); PRAGMA user_version = %u", store_n_steps() + 1);
    (void)run(db, sql);
    sqlite3_close(db);
    ok(!store_open(dir_fd, &e), "a database of a newer version is refused");
    is_int(e.code, ERR_CONFLICT, "as a conflict");
    ok(strstr(e.text, "newer pinfold") != NULL, "that says why");

    own_fd int fd = openat(dir_fd, STORE_FILE, O_WRONLY | O_TRUNC | O_CLOEXEC);
    char junk[8192];
    memset(junk, 'x', sizeof(junk));
    (void)io_write_full(fd, junk, sizeof(junk));
    e = (struct err){0};
    ok(!store_open(dir_fd, &e), "a file that is no database is refused");
    is_int(e.code, ERR_INTERNAL, "as damaged");
    ok(strstr(e.text, "restore") != NULL, "with a way out");
}

static void size(void)
{
    struct err e = {0};
    struct store *s;
    (void)unlinkat(dir_fd, STORE_FILE, 0);
    if (!ok((s = store_open(dir_fd, &e)) != NULL, "a new database"))
        return;
    static char data[60000];
    char id[32];
    struct stat full, after;
    (void)store_begin(s, &e);
    for (int i = 0; i < 400; i++) {
        (void)snprintf(id, sizeof(id), "exec_%d", i);
        (void)store_output_put(s, id, 0, (struct store_blob){data, sizeof(data)}, &e);
    }
    is_int(store_commit(s, &e), 0, "with 24 MB of output");
    (void)store_begin(s, &e);
    for (int i = 0; i < 400; i++) {
        (void)snprintf(id, sizeof(id), "exec_%d", i);
        (void)store_exec_delete(s, id, &e);
    }
    is_int(store_commit(s, &e), 0, "that is deleted");
    (void)fstatat(dir_fd, STORE_FILE, &full, 0);
    for (int i = 0; i < 10; i++)
        is_int(store_shrink(s, &e), 0, "pages are given back");
    store_close(s);
    (void)fstatat(dir_fd, STORE_FILE, &after, 0);
    ok(after.st_size < full.st_size / 4, "what is deleted makes the file smaller: %lld to %lld",
       (long long)full.st_size, (long long)after.st_size);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--make"))
        return make((unsigned)atoi(argv[2]));
    if (!mkdtemp(tmp) || (dir_fd = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return 1;
    steps();
    for (unsigned i = 1; i <= store_n_steps(); i++)
        bring_up(i);
    refusals();
    size();
    own_fd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)io_remove_tree(root, tmp + 1, NULL);
    return done_testing();
}
