// SPDX-License-Identifier: Apache-2.0
// What init keeps for the next server, over a real socket pair.
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/keep.h>
#include <pinfold/own.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <tap.h>

static struct wire_msg m;
static struct keep k;
static int server; // its end of the socket

static struct wire_msg exec_msg(uint64_t exec, const char *tag, uint32_t n_kept)
{
    struct wire_msg x;
    memset(&x, 0, sizeof(x));
    x.body.exec = (struct msg_exec){.exec = exec, .n_kept = n_kept};
    (void)snprintf(x.body.exec.tag, sizeof(x.body.exec.tag), "%s", tag);
    for (unsigned i = 0; i < 3 + n_kept; i++)
        x.fds[x.n_fds++] = fcntl(server, F_DUPFD_CLOEXEC, 3);
    return x;
}

static void tell(enum wire_type type, const union wire_body *body)
{
    struct wire_msg x;
    memset(&x, 0, sizeof(x));
    x.row = wire_find(type);
    x.id = 7;
    x.body = *body;
    keep_handle(&k, &x);
}

static bool next(enum wire_type type)
{
    struct err e = {0};
    wire_release(&m);
    return wire_recv(server, PEER_INIT, PEER_SERVER, &m, &e) > 0 && m.row->type == type;
}

static void begin(uint64_t exec, const char *tag, uint32_t n_kept, enum err_code code)
{
    struct msg_exec_started s = {.exec = exec, .code = code, .pid = code ? 0 : 4};
    struct wire_msg x = exec_msg(exec, tag, n_kept);
    keep_begin(&k, &x, &s, -1);
    wire_release(&x);
}

static void commands(void)
{
    const union wire_body none = {0}, kill = {.exec_kill = {.exec = 6, .whole = 1, .reason = 2}},
                          again = {.exec_kill = {.exec = 6, .whole = 1, .reason = 7}},
                          close_in = {.exec_forget = {.exec = 6, .only_stdin = 1}},
                          forget = {.exec_forget = {.exec = 6}};
    struct msg_exec_exited end = {.exec = 6, .exited = 1, .exit_code = 9};
    begin(5, "", 0, ERR_NONE);
    ok(!keep_has(&k, 5), "a command without a tag is not kept");
    begin(6, "exec_1 0 0", 3, ERR_NONE);
    ok(keep_has(&k, 6), "one with a tag is");
    tell(MSG_EXEC_KILL, &kill);
    tell(MSG_EXEC_KILL, &again);
    tell(MSG_EXEC_LIST, &none);
    ok(next(MSG_EXEC_IS) && m.id == 7 && m.body.exec_is.exec == 6, "it is told");
    is_int(m.n_fds, 3, "with its pipes' ends");
    is_str(m.body.exec_is.tag, "exec_1 0 0", "and its tag");
    is_int(m.body.exec_is.kill_reason, END_TIMED_OUT, "and why it was ended first");
    ok(next(MSG_DONE) && m.id == 7, "then that this is all");
    tell(MSG_EXEC_FORGET, &close_in);
    keep_end(&k, &end);
    ok(end.ended_ns, "its end is kept, with the time");
    tell(MSG_EXEC_LIST, &none);
    ok(next(MSG_EXEC_IS) && m.n_fds == 2, "a closed input is not told");
    ok(next(MSG_EXEC_EXITED) && m.body.exec_exited.exit_code == 9, "its end is, after it");
    ok(next(MSG_DONE), "then that this is all");
    tell(MSG_EXEC_FORGET, &forget);
    ok(!keep_has(&k, 6) && !k.top, "it can be forgotten");
    begin(8, "exec_2 0 0", 2, ERR_NOT_FOUND);
    tell(MSG_EXEC_LIST, &none);
    ok(next(MSG_EXEC_IS) && m.body.exec_is.code == ERR_NOT_FOUND, "what did not start is told");
    ok(next(MSG_DONE), "and has no end");
    tell(MSG_EXEC_FORGET, &(const union wire_body){.exec_forget = {.exec = 8}});
}

static void bounds(void)
{
    for (unsigned i = 1; i <= KEPT_MAX; i++)
        begin(i, "x 0 0", 0, i == 3 ? ERR_DENIED : ERR_NONE);
    begin(1000, "y 0 0", 0, ERR_NONE);
    ok(keep_has(&k, 1000) && !keep_has(&k, 3), "when it is full, one that has ended goes");
    begin(1001, "z 0 0", 0, ERR_NONE);
    ok(!keep_has(&k, 1001) && keep_has(&k, 1), "one that runs does not");
    for (unsigned i = 1; i <= 1000; i++)
        tell(MSG_EXEC_FORGET, &(const union wire_body){.exec_forget = {.exec = i}});
    is_int(k.top, 0, "all can be forgotten");
}

static void next_server(void)
{
    struct err e = {0};
    const union wire_body none = {0};
    k.linger_ms = 0;
    ok(keep_wait(&k), "who is not to wait does not");
    k.linger_ms = 60000;
    is_int(keep_patience(&k), -1, "with a server there is no bound");
    ok(!keep_wait(&k), "without one, one is waited for");
    ok(keep_patience(&k) > 50000 && keep_patience(&k) <= 60000, "not for ever");
    (void)close(server);
    server = fcntl(k.spare, F_DUPFD_CLOEXEC, 3); // what a launcher fetches
    tell(MSG_EXEC_LIST, &none);
    is_int(keep_patience(&k), -1, "it is there");
    ok(next(MSG_DONE), "and is answered on the new socket");
    (void)close(server);
    ok(wire_recv(k.control, PEER_SERVER, PEER_INIT, &m, &e) < 0 && e.code == ERR_LOST,
       "its end is seen");
    k.waiting_ms = clock_mono_ms() - 1;
    is_int(keep_patience(&k), 0, "patience ends");
}

// A peer that died without having read all is told as a reset, before what it had said.
static void last_words(void)
{
    int pair[2];
    struct err e = {0};
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
    (void)wire_send(pair[0], MSG_DONE, 3, &(struct msg_done){0}, NULL, 0, &e);
    (void)wire_send(pair[1], MSG_EXEC_LIST, 1, NULL, NULL, 0, &e);
    (void)close(pair[0]);
    ok(wire_recv(pair[1], PEER_INIT, PEER_SERVER, &m, &e) > 0 && m.id == 3,
       "what a peer said before it died is heard");
    ok(wire_recv(pair[1], PEER_INIT, PEER_SERVER, &m, &e) < 0 && e.code == ERR_LOST,
       "then that it is gone");
}

int main(void)
{
    int pair[2];
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
    server = pair[1];
    keep_init(&k, pair[0], fcntl(pair[0], F_DUPFD_CLOEXEC, 3), 60000);
    commands();
    bounds();
    next_server();
    last_words();
    return done_testing();
}
