// SPDX-License-Identifier: Apache-2.0
// What was told and did not reach the database is there after the next start, once and in order.
#include <pinfold/store_journal.h>

#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <tap.h>
#include <unistd.h>

static char tmp[] = "/tmp/pinfold-test-journal-XXXXXX";
static int dir_fd = -1;
static struct store *store;
static struct journal *journal;

static void start(void)
{
    struct err e = {0};
    store = store_open(dir_fd, &e);
    journal = store ? journal_open(dir_fd, store, &e) : NULL;
    if (!journal)
        printf("Bail out! %s\n", e.text), exit(1);
}

// As a kill does it: nothing is written any more.
static void killed(void)
{
    journal_close(journal);
    store_close(store);
    start();
}

static struct store_exec row(const char *id, uint32_t status)
{
    return (struct store_exec){
        .id = id,
        .argv = {"a\0b", 4},
        .status = status,
        .exit_code = -7,
        .tty = true,
        .created_ms = 1700000000000,
        .detail = "why",
        .out[1] = {.total = 5, .kept = 5},
    };
}

static unsigned put(const char *id, uint32_t status, const char *text)
{
    struct store_exec r = row(id, status);
    struct journal_exec x = {.row = &r, .out[1] = {text, strlen(text)}};
    unsigned held = 0;
    struct err e = {0};
    if (journal_put(journal, &x, &held, &e))
        printf("# %s\n", e.text);
    return held;
}

struct found {
    char ids[400];
    struct store_exec last;
};

static int on_row(void *arg, const struct store_exec *r)
{
    struct found *f = arg;
    char one[64];
    (void)snprintf(one, sizeof(one), "%s:%u ", r->id, r->status);
    strncat(f->ids, one, sizeof(f->ids) - strlen(f->ids) - 1);
    f->last = *r;
    if (!strcmp(r->id, "exec_a")) {
        is_int(r->exit_code, -7, "a negative number comes back");
        ok(r->tty && !r->background, "booleans come back");
        ok(r->argv.len == 4 && !memcmp(r->argv.p, "a\0b", 4), "bytes come back");
        is_str(r->detail, "why", "text comes back");
        is_int(r->created_ms, 1700000000000, "times come back");
    }
    return 0;
}

static const char *all(void)
{
    static struct found f;
    f = (struct found){0};
    (void)store_exec_each(store, on_row, &f, NULL);
    return f.ids;
}

static void test_comes_back(void)
{
    (void)put("exec_a", 2, "");
    (void)put("exec_b", 0, "");
    (void)put("exec_b", 3, "said!");
    is_str(all(), "", "what is in the journal is not in the database");
    killed();
    is_str(all(), "exec_a:2 exec_b:3 ", "after a kill it is, the later record of two");
    own_buf struct buf out;
    buf_init(&out, 100);
    ok(!store_output_get(store, "exec_b", 1, 0, 100, &out, NULL) && out.len == 5 &&
           !memcmp(out.data, "said!", 5),
       "with its output");
    (void)put("exec_b", 1, "");
    killed();
    is_str(all(), "exec_a:2 exec_b:3 ", "what the database knows better stays");
}

static void test_deleted(void)
{
    (void)put("exec_c", 3, "x");
    journal_delete(journal, "exec_c");
    (void)put("exec_d", 3, "");
    struct store_exec orphan = row("exec_e", 3);
    orphan.workspace = "ws_gone";
    struct journal_exec x = {.row = &orphan};
    unsigned held = 0;
    (void)journal_put(journal, &x, &held, NULL);
    killed();
    is_str(all(), "exec_a:2 exec_b:3 exec_d:3 ",
           "what was deleted, or whose workspace was, does not come back");
}

static off_t size_of(const char *name)
{
    struct stat st;
    return fstatat(dir_fd, name, &st, 0) ? 0 : st.st_size;
}

static void test_is_used_again(void)
{
    own_free char *big = calloc(1, 20001);
    unsigned old = put("exec_f", 0, "");
    memset(big, 'x', 20000);
    bool good = true;
    for (int i = 0; i < 2000; i++) {
        unsigned held = put("exec_g", 3, big);
        good = good && held;
        journal_settle(journal, &held);
        if (i == 1000)
            journal_settle(journal, &old);
    }
    ok(good, "more than fits goes through it");
    ok(size_of("journal.0") + size_of("journal.1") < (30 << 20), "in files that are used again");
    killed();
    is_str(all(), "exec_a:2 exec_b:3 exec_d:3 ", "nothing that was settled comes back");
}

static void test_has_an_end(void)
{
    struct err e = {0};
    own_free char *big = calloc(1, 1 << 20);
    struct store_exec r = row("exec_h", 3);
    struct journal_exec x = {.row = &r, .out[0] = {big, (1 << 20) - 1}};
    unsigned held = 0;
    int n = 0;
    while (n < 300 && !journal_put(journal, &x, &held, &e))
        n++;
    ok(n > 60 && n < 200, "a database that takes nothing does not make it grow for ever");
    is_int(e.code, ERR_LIMIT, "and it is said");
    journal_settle(journal, &held);
    ok(put("exec_i", 3, ""), "once it does, there is room again");
    killed();
    is_str(all(), "exec_a:2 exec_b:3 exec_d:3 exec_i:3 ", "for what comes then");
}

static void test_damage(void)
{
    (void)put("exec_j", 3, "");
    (void)put("exec_k", 3, "");
    own_fd int fd = openat(dir_fd, "journal.0", O_RDWR | O_CLOEXEC);
    off_t end = lseek(fd, 0, SEEK_END);
    ok(fd >= 0 && pwrite(fd, "?", 1, end - 3) == 1, "the last record is damaged");
    killed();
    is_str(all(), "exec_a:2 exec_b:3 exec_d:3 exec_i:3 exec_j:3 ", "those before it are not");
    ok(!ftruncate(fd, 0) &&
           pwrite(fd, "garbage that is longer than a head and a record", 47, 0) == 47,
       "a file is no journal");
    killed();
    is_str(all(), "exec_a:2 exec_b:3 exec_d:3 exec_i:3 exec_j:3 ", "then there is nothing in it");
}

int main(void)
{
    dir_fd = mkdtemp(tmp) ? open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir_fd < 0)
        return 1;
    start();
    test_comes_back();
    test_deleted();
    test_is_used_again();
    test_has_an_end();
    test_damage();
    journal_close(journal);
    journal_close(NULL);
    store_close(store);
    own_fd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)io_remove_tree(root, tmp + 1, NULL);
    return done_testing();
}
