// SPDX-License-Identifier: Apache-2.0
#include <pinfold/store.h>

#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sys/stat.h>
#include <tap.h>

static char tmp[] = "/tmp/pinfold-test-store-XXXXXX";
static int dir_fd = -1;

static struct store *open_store(void)
{
    struct err e = {0};
    struct store *s = store_open(dir_fd, &e);
    if (!s)
        printf("# %s\n", e.text);
    return s;
}

static struct store_workspace sample(const char *id, const char *name)
{
    return (struct store_workspace){
        .id = id,
        .name = name,
        .image = "host",
        .profile = "default",
        .network = 1,
        .limits = {.memory_bytes = 1ull << 30, .pids = 77, .wall_ms = 5},
        .repo_url = "https://example.org/r",
        .submodules = true,
        .env = {"A=1\0B=2", 8},
        .init_script = "true\n",
        .status = 2,
        .created_ms = 1700000000000,
        .init_exit_code = -1,
        .built = true,
    };
}

struct seen {
    int n;
    char names[200];
    struct store_workspace last;
};

static int on_workspace(void *arg, const struct store_workspace *row)
{
    struct seen *seen = arg;
    seen->n++;
    strcat(seen->names, row->name);
    strcat(seen->names, " ");
    seen->last = *row;
    if (!strcmp(row->name, "one")) {
        is_int(row->limits.memory_bytes, 1ull << 30, "a 64-bit member comes back");
        is_int(row->limits.pids, 77, "a 32-bit member comes back");
        is_int(row->init_exit_code, -1, "a negative number comes back");
        ok(row->submodules && row->built && !row->dir_made, "booleans come back");
        ok(row->env.len == 8 && !memcmp(row->env.p, "A=1\0B=2", 8), "bytes with NUL come back");
        is_str(row->repo_ref, "", "a string that was NULL comes back empty");
    }
    return 0;
}

static void workspaces(void)
{
    struct err e = {0};
    struct store *s = open_store();
    if (!ok(s != NULL, "a database is made"))
        return;
    struct store_workspace a = sample("ws_a", "one"), b = sample("ws_b", "two");
    is_int(store_workspace_put(s, &a, &e), 0, "a workspace is put");
    is_int(store_workspace_put(s, &b, &e), 0, "another");
    a.status = 3;
    is_int(store_workspace_put(s, &a, &e), 0, "the first is put again");
    store_close(s);

    struct stat st;
    ok(!fstatat(dir_fd, STORE_FILE, &st, 0) && (st.st_mode & 0777) == 0600,
       "only its owner can read the file");
    s = open_store();
    struct seen seen = {0};
    is_int(store_workspace_each(s, on_workspace, &seen, &e), 0, "walked after a new start");
    is_int(seen.n, 2, "two rows");
    is_str(seen.names, "one two ", "in the order of their making, a second put keeps it");
    struct store_workspace c = sample("ws_c", "two");
    is_int(store_workspace_put(s, &c, &e), -1, "a name cannot be taken twice");
    is_int(e.code, ERR_CONFLICT, "that is a conflict");
    is_int(store_workspace_delete(s, "ws_b", &e), 0, "one is deleted");
    is_int(store_workspace_delete(s, "ws_b", &e), 0, "deleting what is gone is success");
    is_int(store_workspace_put(s, &c, &e), 0, "its name is free again");
    store_close(s);
}

static int count_execs(void *arg, const struct store_exec *row)
{
    (void)row;
    ++*(int *)arg;
    return 0;
}

static void batches(void)
{
    struct err e = {0};
    struct store *s = open_store();
    struct store_exec x = {.id = "exec_a", .workspace = "ws_c", .argv = {"ls", 3}, .exit_code = -1};
    is_int(store_begin(s, &e), 0, "a batch begins");
    is_int(store_exec_put(s, &x, &e), 0, "an exec in it");
    is_int(store_output_put(s, "exec_a", 1, (struct store_blob){"hello", 5}, &e), 0, "its output");
    is_int(store_commit(s, &e), 0, "it commits");

    struct store_workspace dup = sample("ws_d", "two");
    is_int(store_begin(s, &e), 0, "another begins");
    x.id = "exec_b";
    is_int(store_exec_put(s, &x, &e), 0, "a good statement");
    is_int(store_workspace_put(s, &dup, &e), -1, "and a bad one");
    e = (struct err){0};
    is_int(store_commit(s, &e), -1, "then the whole does not commit");
    is_int(e.code, ERR_CONFLICT, "and says what was wrong");
    int n = 0;
    is_int(store_exec_each(s, count_execs, &n, &e), 0, "walk");
    is_int(n, 1, "nothing of the failed batch is there");
    is_int(store_begin(s, &e) || store_commit(s, &e), 0, "the next batch is not touched by it");

    own_buf struct buf out;
    buf_init(&out, 100);
    is_int(store_output_get(s, "exec_a", 1, 1, 3, &out, &e), 0, "output from an offset");
    is_str(out.data, "ell", "is what is there");
    buf_clear(&out);
    is_int(store_output_get(s, "exec_a", 1, 9, 3, &out, &e), 0, "past the end");
    is_int(out.len, 0, "is nothing");
    is_int(store_workspace_delete(s, "ws_c", &e), 0, "a workspace goes");
    n = 0;
    (void)store_exec_each(s, count_execs, &n, &e);
    is_int(n, 0, "its execs with it");
    is_int(store_output_get(s, "exec_a", 1, 0, 3, &out, &e), 0, "and their output");
    is_int(out.len, 0, "is gone");
    store_close(s);
}

static void values(void)
{
    struct err e = {0};
    struct store *s = open_store();
    own_buf struct buf head, body;
    buf_init(&head, 100);
    buf_init(&body, 1000);
    struct store_idem row = {.key = "k",
                             .digest = {"0123", 4},
                             .status = 201,
                             .head = "h: 1",
                             .body = {"x\0y", 3},
                             .created_ms = 1000};
    struct store_idem got;
    is_int(store_idem_get(s, "k", &got, &head, &body, &e), 0, "no answer yet");
    is_int(store_idem_put(s, &row, &e), 0, "an answer is kept");
    is_int(store_idem_get(s, "k", &got, &head, &body, &e), 1, "and found");
    ok(got.status == 201 && got.body.len == 3 && !memcmp(got.body.p, "x\0y", 3) &&
           !strcmp(got.head, "h: 1") && !memcmp(got.digest.p, "0123", 4),
       "as it was");
    is_int(store_idem_expire(s, 1001, &e), 0, "old ones are forgotten");
    is_int(store_idem_get(s, "k", &got, &head, &body, &e), 0, "and not found");
    own_buf struct buf v;
    buf_init(&v, 4);
    is_int(store_meta_put(s, "secret", (struct store_blob){"12345", 5}, &e), 0, "a value is kept");
    is_int(store_meta_get(s, "secret", &v, &e), -1, "one larger than asked for is an error");
    is_int(store_meta_get(s, "none", &v, &e), 0, "an unknown one is not found");
    store_close(s);
}

static int on_token(void *arg, const struct store_token *row)
{
    *(uint64_t *)arg = row->used_ms;
    return 0;
}

// Written to between the steps, so that the copy must take up what it has passed already.
static void copies(void)
{
    struct err e = {0};
    static char data[50000];
    char id[32];
    struct store *s = open_store();
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof(id), "exec_%d", i);
        (void)store_output_put(s, id, 0, (struct store_blob){data, sizeof(data)}, &e);
    }
    (void)mkdirat(dir_fd, "copy", 0700);
    own_fd int copy_fd = openat(dir_fd, "copy", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct store_copy *c = store_copy_new(s, copy_fd, &e);
    if (!ok(c != NULL, "a copy begins"))
        return;
    int steps = 0, r;
    for (; (r = store_copy_step(c, 16, &e)) == 1; steps++) {
        struct store_token t = {.id = "tok_1", .name = "t", .hash = {"x", 1}, .used_ms = 0};
        t.used_ms = (uint64_t)steps + 1;
        if (store_begin(s, &e) || store_token_put(s, &t, &e) || store_commit(s, &e))
            break;
    }
    is_int(r, 0, "it ends, after %d steps with a write after each", steps);
    ok(steps > 10, "which are many");
    store_copy_free(c);
    is_int(store_verify(copy_fd, &e), 0, "the copy is whole");
    struct store *copy = store_open(copy_fd, &e);
    uint64_t used = 0;
    is_int(store_token_each(copy, on_token, &used, &e), 0, "it is read");
    is_int(used, steps, "the last write is in it");
    store_close(copy);
    store_close(s);
}

static void damage(void)
{
    struct err e = {0};
    int fd = openat(dir_fd, STORE_FILE, O_RDWR | O_CLOEXEC);
    char zero[4096] = {0};
    (void)memset(zero, 0x5a, sizeof(zero));
    for (int page = 2; page < 12; page++)
        ok(pwrite(fd, zero, sizeof(zero), page * 4096) > 0, "damage page %d", page);
    (void)close(fd);
    ok(store_open(dir_fd, &e) == NULL, "a damaged database is refused");
    printf("# %s\n", e.text);
    (void)unlinkat(dir_fd, STORE_FILE, 0);
    fd = openat(dir_fd, STORE_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ok(write(fd, "rubbish, no database at all, and long enough", 40) == 40, "rubbish");
    (void)close(fd);
    ok(store_open(dir_fd, &e) == NULL, "so is what is no database");
    printf("# %s\n", e.text);
}

int main(void)
{
    if (!mkdtemp(tmp) || (dir_fd = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return 1;
    workspaces();
    batches();
    values();
    copies();
    damage();
    own_fd int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)io_remove_tree(root, tmp + 1, NULL);
    return done_testing();
}
