// SPDX-License-Identifier: Apache-2.0
// From an exec's JSON to what core wants.
#include "../../../../src/api/v1/routes_int.h"
#include <tap.h>

static struct json_pool pool;
static struct json_fault f;
static struct exec_spec s;

static int rd(const struct json_table *t, const char *text)
{
    struct exec_body b = {0};
    json_pool_release(&pool);
    memset(&s, 0, sizeof(s));
    if (json_read(t, text, strlen(text), 0, &pool, &b, &f))
        return -1;
    return v1_exec_spec_of(&b, &pool, &s, &f);
}
static void refuses(const struct json_table *t, const char *text, const char *pointer)
{
    ok(rd(t, text) == -1 && !strcmp(f.pointer, pointer), "refused at '%s': %s", pointer, text);
}

static void good(void)
{
    ok(!rd(&v1_exec_table,
           "{\"command\":\"x\",\"cwd\":\"d\",\"env\":{\"A\":\"1\",\"B\":null,\"C\":\"\"},"
           "\"stdin\":\"a\\u0000b\",\"timeout_secs\":1.5,\"user\":\"u\",\"tty\":true,\"rows\":3,"
           "\"cols\":4,\"limits\":{\"pids\":9},\"max_output_bytes\":7,\"detach\":true}"),
       "everything at once");
    ok(!strcmp(s.command, "x") && !s.argv && !strcmp(s.cwd, "d") && !strcmp(s.user, "u"), "texts");
    ok(!strcmp(s.env[0], "A=1") && !strcmp(s.env[1], "B=") && !strcmp(s.env[2], "C=") && !s.env[3],
       "env");
    ok(s.stdin_len == 3 && !memcmp(s.stdin_data, "a\0b", 3) && !s.stdin_open, "input");
    ok(s.timeout_ms == 1500 && s.tty && s.rows == 3 && s.cols == 4 && s.detach, "numbers");
    ok(s.limits.pids == 9 && s.answer_bytes == 7 && !s.background, "limits");
    ok(!rd(&v1_exec_table, "{\"argv\":[\"a\",\"\",\"b c\"]}") && !s.command && !s.argv[3] &&
           !strcmp(s.argv[2], "b c") && !*s.argv[1],
       "argv ends with NULL");
    ok(!s.stdin_data && !s.env && !s.network_given, "what is not given is not there");
    ok(!rd(&v1_exec_table, "{\"command\":\"x\",\"stdin\":\"\"}") && s.stdin_data && !s.stdin_len,
       "empty input is input");
    ok(!rd(&v1_once_table, "{\"command\":\"x\",\"image\":\"i\",\"profile\":\"p\",\"network\":"
                           "{\"mode\":\"full\"},\"files\":{\"a\":\"A\",\"b/c\":\"\"}}"),
       "a one-shot");
    ok(!strcmp(s.image, "i") && !strcmp(s.profile, "p") && s.network_given && s.network == NET_FULL,
       "with image, profile and network");
    ok(s.n_files == 2 && !strcmp(s.files[1].path, "b/c") && s.files[0].len == 1, "files by name");
    ok(!rd(&v1_once_table, "{\"command\":\"x\",\"files\":[{\"path\":\"a\",\"content_base64\":"
                           "\"AAE=\",\"mode\":\"0755\"},{\"path\":\"b\"}]}") &&
           s.n_files == 2 && s.files[0].len == 2 && s.files[0].mode == 0755 && !s.files[1].len,
       "or as a list");
}

static void bad(void)
{
    refuses(&v1_exec_table, "{}", "");
    refuses(&v1_exec_table, "{\"command\":\"x\",\"argv\":[\"y\"]}", "/argv");
    refuses(&v1_exec_table, "{\"command\":\"x\",\"env\":{\"A=\":\"\"}}", "/env");
    refuses(&v1_exec_table, "{\"command\":\"x\",\"stdin\":\"\",\"stdin_base64\":\"\"}",
            "/stdin_base64");
    refuses(&v1_exec_table, "{\"command\":\"x\",\"limits\":{\"memory_bytes\":1}}", "/limits");
    refuses(&v1_exec_table, "{\"command\":\"x\",\"image\":\"i\"}", "/image");
    refuses(&v1_once_table, "{\"command\":\"x\",\"network\":{\"mode\":\"full\",\"allow\":[\"h\"]}}",
            "/network/allow");
    refuses(&v1_once_table, "{\"command\":\"x\",\"files\":[{}]}", "/files/0/path");
    refuses(&v1_once_table, "{\"command\":\"x\",\"files\":7}", "/files");
    refuses(&v1_once_table, "{\"command\":\"x\",\"files\":{\"a\":1}}", "/files/a");
    refuses(
        &v1_once_table,
        "{\"command\":\"x\",\"files\":[{\"path\":\"a\",\"content\":\"\",\"content_base64\":\"\"}]}",
        "/files/0");
    refuses(&v1_once_table, "{\"command\":\"x\",\"files\":[{\"path\":\"a\",\"mode\":\"9\"}]}",
            "/files/0");
}

int main(void)
{
    json_pool_init(&pool);
    good();
    bad();
    json_pool_release(&pool);
    return done_testing();
}
