// SPDX-License-Identifier: Apache-2.0
// Tokens, users, idempotency.
#include "fake.h"

#include <pinfold/core_token.h>

static struct token *verify(const char *text, struct err *e)
{
    return core_token_verify(F.core, text, strlen(text), e);
}

static void tokens(void)
{
    struct err e = {0};
    char text[TOKEN_TEXT_MAX];
    struct wait t = wait_make(on_wait);
    struct token *admin = verify("the-admin-token", &e);
    ok(admin && admin->scopes == (SCOPE_ADMIN | SCOPE_EXEC | SCOPE_READ),
       "the token of the file has all scopes");
    ok(!verify("another", &e) && e.code == ERR_DENIED, "another text is refused");
    ok(!verify("", &e), "and none");
    struct token_spec spec = {.name = "ci", .scopes = SCOPE_EXEC};
    is_int(core_token_create(F.core, &spec, text, &t.w, &e), 0, "a token is made");
    ok(!verify(text, &e), "it does not count before it is recorded");
    ok(TURN_UNTIL(t.done) && !t.w.err.code, "which it is");
    struct token *tok = verify(text, &e);
    ok(tok && tok == t.w.result, "then it counts");
    is_int(tok->scopes, SCOPE_EXEC | SCOPE_READ, "exec has read in it");
    ok(tok->used_ms > 0, "its use is noted");
    struct token_spec expired = {.name = "old", .scopes = SCOPE_READ, .expires_ms = 1000};
    is_int(core_token_create(F.core, &expired, text, &t.w, &e), -1, "one of the past is refused");
    char soon[TOKEN_TEXT_MAX];
    struct token_spec brief = {
        .name = "brief", .scopes = SCOPE_READ, .expires_ms = clock_wall_ms() + 30};
    t = wait_make(on_wait);
    is_int(core_token_create(F.core, &brief, soon, &t.w, &e), 0, "one with an expiry");
    (void)TURN_UNTIL(t.done);
    ok(TURN_UNTIL(!verify(soon, &e)) && e.code == ERR_DENIED, "counts until then");
    struct token *page[5];
    bool more;
    is_int(core_token_list(F.core, "", page, 5, &more), 3, "tokens are listed");
    is_int(core_token_delete(F.core, admin, &t.w, &e), -1, "that of the file is not deleted here");
    t = wait_make(on_wait);
    is_int(core_token_delete(F.core, tok, &t.w, &e), 0, "another is");
    ok(!verify(text, &e), "it does not count from that moment");
    ok(TURN_UNTIL(t.done) && !t.w.err.code, "and is gone");
    is_int(core_token_list(F.core, "", page, 5, &more), 2, "from the list too");
    struct token_spec nothing = {.name = "x y", .scopes = SCOPE_READ};
    is_int(core_token_create(F.core, &nothing, text, &t.w, &e), -1, "a bad name is refused");
    nothing = (struct token_spec){.name = "x"};
    is_int(core_token_create(F.core, &nothing, text, &t.w, &e), -1, "and no scope");
}

static enum err_code login(const char *name, const char *password)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    if (core_login(F.core, name, password, &t.w, &e))
        return e.code;
    (void)TURN_UNTIL(t.done);
    return t.w.err.code;
}

static void users(void)
{
    struct err e = {0};
    is_int(login(NULL, "open sesame"), ERR_NONE, "the one password logs in");
    is_int(login(NULL, "open barley"), ERR_DENIED, "another does not");
    is_int(login("alice", "wonderland"), ERR_NONE, "a user of the file logs in");
    is_int(login("alice", "open sesame"), ERR_DENIED, "with the own password only");
    is_int(login("nobody", "x"), ERR_DENIED, "an unknown one is refused the same way");
    struct wait t = wait_make(on_wait);
    is_int(core_user_put(F.core, "bob", "builder", SCOPE_EXEC, &t.w, &e), 0, "a user is made");
    ok(TURN_UNTIL(t.done) && !t.w.err.code, "and recorded");
    is_int(login("bob", "builder"), ERR_NONE, "and logs in");
    is_int(core_user_put(F.core, "alice", "x", SCOPE_EXEC, &t.w, &e), -1,
           "one of the file is not changed here");
    t = wait_make(on_wait);
    (void)core_user_put(F.core, "bob", "changed", SCOPE_READ, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    is_int(login("bob", "builder"), ERR_DENIED, "a changed password takes the old one's place");
    is_int(login("bob", "changed"), ERR_NONE, "at once");
    struct user *page[5];
    bool more;
    is_int(core_user_list(F.core, "", page, 5, &more), 3, "users are listed");
    unsigned char before[32], after[32], other[32];
    core_secret(F.core, "sessions", before);
    core_secret(F.core, "something", other);
    ok(memcmp(before, other, 32) != 0, "secrets differ by purpose");
    core_free(F.core);
    (void)fake_core_start();
    core_secret(F.core, "sessions", after);
    ok(!memcmp(before, after, 32), "and are the same after a restart");
    is_int(login("bob", "changed"), ERR_NONE, "users are there after a restart");
    ok(verify("the-admin-token", &e) != NULL, "tokens too");
    t = wait_make(on_wait);
    is_int(core_user_delete(F.core, core_user_find(F.core, "bob", &e), &t.w, &e), 0, "one goes");
    (void)TURN_UNTIL(t.done);
    is_int(login("bob", "changed"), ERR_DENIED, "and does not log in any more");
    struct wait left = wait_make(on_wait);
    (void)core_login(F.core, "alice", "wonderland", &left.w, &e);
    waiter_cancel(&left.w);
    is_int(login("alice", "wonderland"), ERR_NONE, "one who leaves does not hold up the next");
    ok(!left.done, "and is not called");
}

struct idem {
    struct idem_request r;
    bool done;
    char body[100], head[100];
};

static void on_idem(struct waiter *w)
{
    struct idem *i = container_of(w, struct idem, r.w);
    i->done = true;
    if (!w->err.code && i->r.out_state == IDEM_REPLAY && i->r.out_body) {
        memcpy(i->body, i->r.out_body, i->r.out_body_len);
        memcpy(i->head, i->r.out_head, strlen(i->r.out_head));
    }
}

static void begin(struct idem *i, const char *key, const char *body, bool wait)
{
    struct err e = {0};
    memset(i, 0, sizeof(*i));
    i->r = (struct idem_request){.token = "tok_1",
                                 .route = "POST /v1/things",
                                 .key = key,
                                 .body = body,
                                 .body_len = strlen(body)};
    i->r.w.on_done = on_idem;
    if (core_idem_begin(F.core, &i->r, &e))
        printf("# %s\n", e.text);
    if (wait)
        (void)TURN_UNTIL(i->done);
}

static void idempotency(void)
{
    struct idem a, b, c;
    struct err e = {0};
    begin(&a, "key", "body", true);
    is_int(a.r.out_state, IDEM_NEW, "a new key is new");
    begin(&b, "key", "body", true);
    is_int(b.r.out_state, IDEM_RUNNING, "while its answer is awaited, it is running");
    begin(&c, "key", "other", true);
    is_int(c.r.out_state, IDEM_OTHER, "with another body it is refused");
    a.done = false;
    is_int(core_idem_finish(F.core, &a.r, 201, "location: /x", "the answer", 10), 0, "finished");
    ok(TURN_UNTIL(a.done) && !a.r.w.err.code, "and recorded");
    begin(&b, "key", "body", true);
    is_int(b.r.out_state, IDEM_REPLAY, "then it is answered again");
    is_int(b.r.out_status, 201, "with the status");
    is_str(b.body, "the answer", "the body");
    is_str(b.head, "location: /x", "and the head");
    begin(&c, "key", "other", true);
    is_int(c.r.out_state, IDEM_OTHER, "another body is still refused");
    core_free(F.core);
    (void)fake_core_start();
    begin(&b, "key", "body", true);
    is_int(b.r.out_state, IDEM_REPLAY, "also after a restart");

    begin(&a, "second", "x", true);
    core_idem_abandon(F.core, &a.r);
    begin(&a, "second", "x", true);
    is_int(a.r.out_state, IDEM_NEW, "an abandoned key is new again");
    core_idem_abandon(F.core, &a.r);
    begin(&a, "third", "x", false);
    waiter_cancel(&a.r.w);
    for (int i = 0; i < 10; i++)
        (void)loop_turn(F.loop, 10);
    begin(&b, "third", "x", true);
    is_int(b.r.out_state, IDEM_NEW, "who leaves early does not hold the key");
    char *large = xcalloc(1, IDEM_ANSWER_MAX + 1);
    b.done = false;
    (void)core_idem_finish(F.core, &b.r, 200, "", large, IDEM_ANSWER_MAX + 1);
    (void)TURN_UNTIL(b.done);
    begin(&b, "third", "x", true);
    is_int(b.r.out_state, IDEM_NEW, "an answer that is too large is not kept");
    core_idem_abandon(F.core, &b.r);
    free(large);
    struct idem_request bad = {.token = "t", .route = "r", .key = ""};
    is_int(core_idem_begin(F.core, &bad, &e), -1, "an empty key is refused");
}

int main(void)
{
    if (fake_start())
        return 1;
    tokens();
    users();
    idempotency();
    fake_stop();
    return done_testing();
}
