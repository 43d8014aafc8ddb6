// SPDX-License-Identifier: Apache-2.0
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <string.h>
#include "tap.h"

#define OID "0123456789abcdef0123456789abcdef01234567"
static const struct repo_rules rules = {"https://forge.example", "/srv /tmp"};

static void sample(struct repo_request *q)
{
    struct repo_url u;
    if (repo_url_parse("o/r", 3, &rules, &u, NULL) < 0)
        abort();
    repo_request_init(q, REPO_OP_CLONE, &u, &rules);
    memcpy(q->ref, "main", 5);
    q->submodules = true;
    memcpy(q->username, "me", 3);
    memcpy(q->password, "a=b c", 6);
    q->limits.bytes = 12345;
}

static void test_round_trip(void)
{
    struct repo_request q, back;
    struct err e = {0};
    own_buf struct buf b = {0}, second = {0};
    buf_init(&b, REPO_REQUEST_MAX);
    buf_init(&second, REPO_REQUEST_MAX);
    sample(&q);
    is_int(repo_request_format(&q, &b, &e), 0, "a request is written");
    if (!ok(!repo_request_parse(b.data, b.len, &back, &e), "and read back"))
        printf("# %s\n", e.text);
    is_int(repo_request_format(&back, &second, &e), 0, "written again");
    ok(b.len == second.len && !memcmp(b.data, second.data, b.len), "it is the same");
    is_str(back.password, "a=b c", "a value may hold the key's mark");
    is_int(back.limits.bytes, 12345, "numbers arrive");
    is_str(back.url.canonical, "https://forge.example/o/r", "the URL arrives");
}

static void test_cut(void)
{
    struct repo_request q, back;
    unsigned taken = 0;
    own_buf struct buf b = {0};
    buf_init(&b, REPO_REQUEST_MAX);
    sample(&q);
    if (!ok(!repo_request_format(&q, &b, NULL), "a request is written"))
        return;
    for (size_t n = 0; n < b.len; n++)
        taken += repo_request_parse(b.data, n, &back, NULL) == 0;
    is_int(taken, 0, "cut at any byte it is refused");
}

// The request with one record replaced, or with `new` added when `key` is NULL.
static int parse_with(const char *key, const char *new, struct err *e)
{
    struct repo_request q, back;
    own_buf struct buf b = {0}, changed = {0};
    buf_init(&b, REPO_REQUEST_MAX);
    buf_init(&changed, 2 * REPO_REQUEST_MAX);
    sample(&q);
    if (repo_request_format(&q, &b, e) < 0)
        return 0;
    for (size_t i = 0; i < b.len; i += strlen(b.data + i) + 1) {
        const char *record = b.data + i;
        bool hit = key && !strncmp(record, key, strlen(key)) && record[strlen(key)] == '=';
        if (hit && !new)
            continue;
        (void)buf_puts(&changed, hit ? new : record);
        (void)buf_putc(&changed, '\0');
    }
    if (!key) {
        (void)buf_puts(&changed, new);
        (void)buf_putc(&changed, '\0');
    }
    return repo_request_parse(changed.data, changed.len, &back, e);
}

static void test_refused(void)
{
    static const struct {
        const char *key, *new, *what;
    } rows[] = {
        {"ref", NULL, "a missing record"},
        {NULL, "ref=main", "a repeated record"},
        {NULL, "colour=red", "an unknown key"},
        {NULL, "", "an empty record"},
        {"protocol", "protocol=2", "another version"},
        {"op", "op=push", "an unknown operation"},
        {"url", "url=https://u:p@h/a", "credentials in the URL"},
        {"url", "url=https://H/a", "a URL that is not canonical"},
        {"url", "url=file:///etc/x", "a path outside the roots"},
        {"ref", "ref=--x", "a reference like an option"},
        {"header", "header=Bearer x", "a header without a name"},
        {"header", "header=A: x", "header and password"},
        {"password", "password=a\nb", "a password of two lines"},
        {"password", "password=", "a user name without password"},
        {"username", "username=a:b", "a user name with a colon"},
        {"limit_bytes", "limit_bytes=0", "a limit of nothing"},
        {"limit_bytes", "limit_bytes=-1", "a negative limit"},
        {"limit_bytes", "limit_bytes=99999999999999999999", "a limit beyond 64 bits"},
        {"limit_seconds", "limit_seconds=100000", "a limit over its maximum"},
        {"submodules", "submodules=2", "a flag that is not 0 or 1"},
        {"base", "base=" OID, "a base of a clone with submodules"},
        {"base", "base=main", "a base that is no commit"},
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++)
        is_int(parse_with(rows[i].key, rows[i].new, NULL), -1, "%s is refused", rows[i].what);
    is_int(parse_with("ref", "ref=other", NULL), 0, "a changed reference is taken");
    struct repo_request back;
    own_free char *big = xcalloc(1, REPO_REQUEST_MAX + 1);
    is_int(repo_request_parse(big, REPO_REQUEST_MAX + 1, &back, NULL), -1,
           "a request over its maximum is refused");
}

static void test_limits(void)
{
    struct repo_limits l;
    repo_limits_default(&l);
    is_int(repo_limits_check(&l, NULL), 0, "the default limits are within their bounds");
    memset(&l, 0, sizeof(l));
    is_int(repo_limits_check(&l, NULL), -1, "no limit is not a limit");
}

static void test_names(void)
{
    for (unsigned i = 0; i < REPO_OP_N; i++) {
        enum repo_op op = REPO_OP_N;
        ok(!repo_op_parse(repo_op_name((enum repo_op)i), &op) && op == i, "operation %u", i);
        is_str(repo_argv(op)[1], repo_op_name(op), "its argument is its name");
        ok(!repo_argv(op)[2], "and the only one");
    }
    enum repo_op op;
    is_int(repo_op_parse("push", &op), -1, "an unknown operation");
    for (unsigned i = 0; i < REPO_PHASE_N; i++)
        ok(strcmp(repo_phase_name((enum repo_phase)i), "unknown") != 0, "phase %u has a name", i);
}

int main(void)
{
    test_round_trip();
    test_cut();
    test_refused();
    test_limits();
    test_names();
    return done_testing();
}
