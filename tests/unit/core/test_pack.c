// SPDX-License-Identifier: Apache-2.0
#include "../../../src/core/exec_int.h"

#include <pinfold/own.h>
#include <tap.h>

static void packing(void)
{
    struct packed k = {0};
    struct err e = {0};
    const char *argv[] = {"a", "", "b c", NULL};
    const char *env[] = {"X=1", "Y=2", NULL}, *more[] = {"Y=other", "XX=3", "X=", NULL};
    buf_init(&k.bytes, 100);
    is_int(packed_argv(&k, argv, &e), 0, "arguments are packed");
    is_int(packed_env(&k, env, &e) || packed_env(&k, more, &e), 0, "and environments");
    is_int(k.n_argv, 3, "three of them");
    is_int(k.n_env, 3, "a name that is there is not added again");
    ok(k.bytes.len == 20 && !memcmp(k.bytes.data, "a\0\0b c\0X=1\0Y=2\0XX=3", 20),
       "one after another, each with its NUL");
    char *large = xcalloc(1, 200);
    memset(large, 'x', 150);
    const char *big[] = {large, NULL};
    is_int(packed_argv(&k, big, &e), -1, "too much is refused");
    is_int(e.code, ERR_LIMIT, "as a limit");
    free(large);
    buf_release(&k.bytes);
    k = (struct packed){0};
    buf_init(&k.bytes, 1000);
    (void)packed_shell(&k, "-x", &e);
    is_int(k.n_argv, 4, "a command like an option is kept from being one");
    buf_release(&k.bytes);
    const char *none[] = {NULL};
    k = (struct packed){0};
    buf_init(&k.bytes, 1000);
    is_int(packed_argv(&k, none, &e), -1, "no argument at all is refused");
    buf_release(&k.bytes);
}

static void directories(void)
{
    static const struct {
        const char *cwd, *want; // NULL: refused
    } rows[] = {
        {NULL, "/workspace"},
        {"", "/workspace"},
        {"a", "/workspace/a"},
        {"a/../b", "/workspace/a/../b"},
        {"./a/./b/", "/workspace/./a/./b/"},
        {"/tmp", "/tmp"},
        {"..", NULL},
        {"a/../..", NULL},
        {"a/../../b", NULL},
        {"..a/b", "/workspace/..a/b"},
        {"a//../../x", NULL},
    };
    for (unsigned i = 0; i < N_ELEMS(rows); i++) {
        char got[CWD_MAX];
        struct err e = {0};
        int r = cwd_check(rows[i].cwd, got, &e);
        if (rows[i].want)
            is_str(r ? e.text : got, rows[i].want, "cwd '%s'", rows[i].cwd ? rows[i].cwd : "none");
        else
            ok(r && e.code == ERR_BAD_REQUEST, "cwd '%s' is refused", rows[i].cwd);
    }
    char *large = xcalloc(1, 5000), got[CWD_MAX];
    memset(large, 'x', 4999);
    is_int(cwd_check(large, got, NULL), -1, "one that is too long is refused");
    free(large);
}

static void environments(void)
{
    struct err e = {0};
    const char *good[] = {"A=1", "B=", NULL}, *bad[] = {"A=1", "novalue", NULL},
               *empty[] = {"=x", NULL};
    is_int(env_check(good, "env", 2, 100, &e), 0, "an environment");
    is_int(env_check(good, "env", 1, 100, &e), -1, "of too many");
    is_int(env_check(good, "env", 2, 6, &e), -1, "too large");
    is_int(env_check(bad, "env", 5, 100, &e), -1, "without a value");
    is_int(env_check(empty, "env", 5, 100, &e), -1, "without a name");
    struct strings *s = strings_copy(good), *again = strings_unpack(s->packed, s->packed_len);
    ok(again->n == 2 && !strcmp(again->list[1], "B=") && !again->list[2],
       "lists survive packing and unpacking");
    free(s);
    free(again);
    again = strings_unpack("cut", 3);
    is_int(again->n, 0, "what was cut short is nothing");
    free(again);
}

static void cursors(void)
{
    struct cursor c;
    char text[CURSOR_MAX];
    is_str(cursor_init(&c, core_cursor("ws_1", 1000, text)), "ws_1", "a cursor knows its id");
    ok(cursor_newer(&c, "ws_0", 1001) && !cursor_newer(&c, "ws_9", 999), "and its place");
    ok(cursor_newer(&c, "ws_2", 1000) && !cursor_newer(&c, "ws_1", 1000), "also within one ms");
    ok(cursor_older(&c, "ws_9", 999) && !cursor_older(&c, "ws_0", 1001), "in both directions");
    (void)cursor_init(&c, "");
    ok(cursor_newer(&c, "x", 1) && cursor_older(&c, "x", 1), "none is before and behind all");
    (void)cursor_init(&c, "ws_gone");
    ok(!cursor_newer(&c, "x", 1), "one without a time finds nothing when its id is gone");
}

int main(void)
{
    packing();
    directories();
    environments();
    cursors();
    return done_testing();
}
