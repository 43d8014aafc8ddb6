// SPDX-License-Identifier: Apache-2.0
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <string.h>
#include "tap.h"

#define OID "0123456789abcdef0123456789abcdef01234567"

struct seen {
    unsigned n;
    struct repo_progress last;
};

static void on_progress(void *arg, const struct repo_progress *p)
{
    struct seen *s = arg;
    s->n++;
    s->last = *p;
}

static struct repo_result sample(void)
{
    return (struct repo_result){.commit = OID,
                                .ref = "refs/heads/a/b",
                                .branch = "a/b",
                                .default_branch = "main",
                                .refs_digest = OID,
                                .fetched = true,
                                .bytes = 1,
                                .objects = 2,
                                .refs = 3,
                                .files = UINT64_MAX,
                                .tree_bytes = 5,
                                .submodules = 6,
                                .duration_ms = 7};
}

// By text: the struct's padding is nobody's.
static bool same_result(const struct repo_result *a, const struct repo_result *b)
{
    own_buf struct buf one = {0}, two = {0};
    buf_init(&one, 4096);
    buf_init(&two, 4096);
    repo_result_format(a, &one);
    repo_result_format(b, &two);
    return !strcmp(one.data, two.data);
}

// Feeds text in pieces of `piece` bytes, then finishes.
static int run(const char *text, size_t piece, int code, struct repo_result *ret, struct err *e)
{
    struct repo_reply *r = repo_reply_new(NULL, NULL);
    int failed = 0;
    for (size_t i = 0, len = strlen(text); i < len && !failed; i += piece)
        failed = repo_reply_feed(r, text + i, len - i < piece ? len - i : piece, e);
    failed = repo_reply_finish(r, code, ret, e);
    repo_reply_free(r);
    return failed;
}

static void test_result(void)
{
    struct repo_result want = sample(), got;
    struct repo_progress p = {REPO_RECEIVING, 12, 34, 56};
    own_buf struct buf b = {0};
    buf_init(&b, 4096);
    repo_progress_format(&p, &b);
    repo_result_format(&want, &b);
    for (size_t piece = 1; piece < 400; piece += 7) {
        memset(&got, 0, sizeof(got));
        if (run(b.data, piece, 0, &got, NULL) || !same_result(&got, &want)) {
            ok(false, "in pieces of %zu bytes", piece);
            return;
        }
    }
    ok(true, "a result arrives whole in pieces of any size");
    struct seen seen = {0};
    struct repo_reply *r = repo_reply_new(on_progress, &seen);
    is_int(repo_reply_feed(r, b.data, b.len, NULL), 0, "with progress");
    is_int(seen.n, 1, "reported once");
    ok(seen.last.phase == p.phase && seen.last.done == p.done && seen.last.total == p.total &&
           seen.last.bytes == p.bytes,
       "as it was sent");
    repo_reply_free(r);
}

static void test_error(void)
{
    struct err sent = {ERR_DENIED, 0, "the server refuses"}, e = {0};
    struct repo_result got;
    own_buf struct buf b = {0};
    buf_init(&b, 4096);
    repo_error_format(&sent, "line\none\x1b[0m", &b);
    struct repo_reply *r = repo_reply_new(NULL, NULL);
    is_int(repo_reply_feed(r, b.data, b.len, &e), 0, "an error is read");
    is_int(repo_reply_finish(r, 1, &got, &e), -1, "and given");
    is_int(e.code, ERR_DENIED, "with its code");
    is_str(e.text, "the server refuses", "and its sentence");
    is_str(repo_reply_detail(r), "line?one?[0m", "what the library said is made harmless");
    repo_reply_free(r);
    is_int(run(b.data, 100, 0, &got, &e), -1, "an error stays one with exit code 0");
    is_int(run("result error\ncode=\ntext=\ndetail=\nend\n", 9, 0, &got, &e), -1,
           "even one without a code");
    for (int i = ERR_NONE + 1; i < ERR_N_CODES; i++) {
        sent.code = (enum err_code)i;
        buf_clear(&b);
        repo_error_format(&sent, NULL, &b);
        (void)run(b.data, 100, 1, &got, &e);
        is_int(e.code, i, "code %s", err_code_name(sent.code));
    }
}

#define REST                                                                                       \
    "fetched=1\nbytes=1\nobjects=1\nrefs=1\nfiles=1\ntree_bytes=1\nsubmodules=0\nduration_ms=1\n"
#define HEAD(commit, ref, branch)                                                                  \
    "result ok\ncommit=" commit "\nref=" ref "\nbranch=" branch "\ndefault_branch=\n"              \
    "refs_digest=" OID "\n"
#define BLOCK(commit, ref, branch) HEAD(commit, ref, branch) REST "end\n"

static void test_hostile(void)
{
    static const struct {
        const char *text, *what;
        enum err_code code;
    } rows[] = {
        {"", "nothing", ERR_LOST},
        {"progress writing 1 2 3\n", "no result", ERR_LOST},
        {"result ok\n", "an open block", ERR_LOST},
        {"hello\n", "an unknown line", ERR_INTERNAL},
        {"progress sleeping 1 2 3\n", "an unknown phase", ERR_INTERNAL},
        {"progress writing 1 2\n", "too few numbers", ERR_INTERNAL},
        {"progress writing 1 2 3 4\n", "too many numbers", ERR_INTERNAL},
        {"progress writing 1 2 x\n", "no number", ERR_INTERNAL},
        {"progress\n", "bare progress", ERR_INTERNAL},
        {"result ok\nend\n", "an empty block", ERR_INTERNAL},
        {"result ok\ncolour=red\n", "an unknown key", ERR_INTERNAL},
        {BLOCK("xyz", "", ""), "a commit that is none", ERR_INTERNAL},
        {BLOCK("", "", ""), "files without a commit", ERR_INTERNAL},
        {BLOCK(OID, "main", ""), "a short reference", ERR_INTERNAL},
        {BLOCK(OID, "refs/heads/../x", ""), "a bad reference", ERR_INTERNAL},
        {BLOCK(OID, "", "-x/../y"), "a bad branch", ERR_INTERNAL},
        {BLOCK(OID, "", "") "x\n", "a line after the end", ERR_INTERNAL},
        {BLOCK(OID, "", "") "x", "half a line after the end", ERR_INTERNAL},
        {HEAD(OID, "", "") REST "bytes=2\nend\n", "a repeated key", ERR_INTERNAL},
        {HEAD(OID, "", "") "fetched=1\nend\n", "a block that lacks keys", ERR_INTERNAL},
        {HEAD(OID, "\x1b[2J", "") REST "end\n", "control bytes", ERR_INTERNAL},
    };
    struct repo_result got;
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        struct err e = {0};
        is_int(run(rows[i].text, 5, 0, &got, &e), -1, "%s is refused", rows[i].what);
        is_int(e.code, rows[i].code, "as %s", err_code_name(rows[i].code));
    }
    struct err e = {0};
    is_int(run(BLOCK(OID, "", ""), 5, 0, &got, &e), 0, "the same in order is taken");
    is_int(run(BLOCK(OID, "", ""), 5, 1, &got, &e), -1, "but not with a failing exit code");
    is_int(run(BLOCK(OID, "", ""), 5, -1, &got, &e), -1, "nor when it was killed");
}

static void test_flood(void)
{
    char junk[4096];
    struct err e = {0};
    struct repo_reply *r = repo_reply_new(NULL, NULL);
    memset(junk, 'x', sizeof(junk));
    is_int(repo_reply_feed(r, junk, sizeof(junk), &e), -1, "an endless line is refused");
    is_int(repo_reply_feed(r, "result ok\n", 10, &e), -1, "and nothing is taken after it");
    repo_reply_free(r);
    r = repo_reply_new(NULL, NULL);
    is_int(repo_reply_feed(r, "result ok\0\n", 11, &e), -1, "a NUL is refused");
    repo_reply_free(r);
    repo_reply_free(NULL);
}

int main(void)
{
    test_result();
    test_error();
    test_hostile();
    test_flood();
    return done_testing();
}
