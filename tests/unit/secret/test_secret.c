// SPDX-License-Identifier: Apache-2.0
#include <pinfold/own.h>
#include <pinfold/secret.h>
#include <string.h>
#include <tap.h>

static const struct secret_record good = {.kind = SECRET_PLAIN,
                                          .id = "secret/forge",
                                          .base_url = "",
                                          .hosts = "a.example *.b.example:8443",
                                          .header = "Authorization",
                                          .format = "token {}",
                                          .value = "the value"};
static char public[SEAL_TEXT];

static int seal(const struct secret_record *r, struct buf *out)
{
    struct err e = {0};
    buf_init(out, SECRET_SEALED_MAX);
    return secret_seal(r, public, out, &e);
}

static void sealing(struct secret_keys *k)
{
    own_buf struct buf box, text, line;
    struct secret_record r = {0};
    struct err e = {0};
    struct secret_keys other = {0};
    char unused[SECRET_KEY_LINE];
    buf_init(&text, SECRET_SEALED_MAX);
    buf_init(&line, 1000);
    is_int(seal(&good, &box), 0, "a record is sealed");
    ok(!memmem(box.data, box.len, "the value", 9), "and its value is not seen in it");
    is_int(secret_open(k, box.data, box.len, &text, &r, &e), 0, "its key opens it");
    ok(!strcmp(r.id, good.id) && !strcmp(r.hosts, good.hosts) && !strcmp(r.value, good.value) &&
           r.kind == good.kind,
       "as it was");
    is_int(secret_header(&r, &line), 0, "it makes a header");
    is_str(line.data, "Authorization: token the value\r\n", "of one line");
    (void)secret_keys_add(&other, unused, &e);
    is_int(secret_open(&other, box.data, box.len, &text, &r, &e), -1, "another key does not");
    is_int(e.code, ERR_NOT_FOUND, "and says that it is not there: %s", e.text);
    unsigned opened = 0, at;
    for (at = 0; at < box.len; at++) {
        own_buf struct buf again;
        buf_init(&again, SECRET_SEALED_MAX);
        box.data[at] ^= 1;
        opened += !secret_open(k, box.data, box.len, &again, &r, &e);
        box.data[at] ^= 1;
    }
    is_int(opened, 0, "changed in any of its %u bytes it does not open", at);
    for (at = 0; at < box.len; at++) {
        own_buf struct buf again;
        buf_init(&again, SECRET_SEALED_MAX);
        opened += !secret_open(k, box.data, at, &again, &r, &e);
    }
    is_int(opened, 0, "nor cut anywhere");
}

static void tools(void)
{
    struct secret_record r = {.kind = SECRET_TOOL,
                              .id = "tool/tool_1",
                              .base_url = "https://a.example",
                              .hosts = "",
                              .header = "",
                              .format = "",
                              .value = "A: b\r\nC: d\r\n"};
    own_buf struct buf line;
    buf_init(&line, 1000);
    is_int(secret_header(&r, &line), 0, "what a tool's request has");
    is_str(line.data, "A: b\r\nC: d\r\n", "is whole lines");
    ok(secret_id_ok(r.id) && secret_id_ok("secret/a") && secret_id_ok("provider/a"), "ids");
    ok(!secret_id_ok("tool/") && !secret_id_ok("tool") && !secret_id_ok("tool/a/b") &&
           !secret_id_ok("tools/a"),
       "what is none");
    struct policy none = {0};
    struct err e;
    ok(secret_check(&r, &none, &e), "is no secret that a person makes");
}

static void key_files(void)
{
    struct secret_keys k = {0};
    struct err e = {0};
    char line[SECRET_KEY_LINE];
    own_buf struct buf file;
    buf_init(&file, 64 * 1024);
    for (int i = 0; i < SECRET_KEYS_MAX; i++) {
        is_int(secret_keys_add(&k, line, &e), 0, "key %d is made", i + 1);
        (void)buf_puts(&file, line);
    }
    is_int(secret_keys_add(&k, line, &e), -1, "one more is refused: %s", e.text);
    struct secret_keys back = {0};
    is_int(secret_keys_parse(file.data, file.len, &back, &e), 0, "the file is read");
    ok(back.n == k.n && !memcmp(back.secret, k.secret, sizeof(k.secret)), "and has them all");
    is_int(secret_keys_parse(file.data, file.len - 5, &back, &e), 0, "a line that was cut");
    is_int(back.n, SECRET_KEYS_MAX - 1, "does not count");
    (void)buf_puts(&file, "pinfold-key-1 zz\n");
    is_int(secret_keys_parse(file.data, file.len, &back, &e), -1, "what is no key is refused");
    ok(strstr(e.text, "line 17") != NULL, "with its line: %s", e.text);
}

static void checks(void)
{
    static const struct {
        const char *header, *format, *value, *hosts, *what;
    } rows[] = {
        {"Host", "{}", "v", "a.example", "a header that says how a message is read"},
        {"X Y", "{}", "v", "a.example", "a header that is no word"},
        {"X", "none", "v", "a.example", "a format without a place"},
        {"X", "{}{}", "v", "a.example", "a format with two"},
        {"X", "{}", "a\r\nb: c", "a.example", "a value of two lines"},
        {"X", "{}", "", "a.example", "an empty value"},
        {"X", "{}", "v", "  ", "no host"},
        {"X", "{}", "v", "http://a.example", "a host in plain that nobody listed"},
        {"X", "{}", "v", "a.example:0", "a port that is none"},
    };
    static const char *const urls[] = {"ftp://a.example",         "https://u:p@a.example",
                                       "https://a.example/?x",    "https://a.example/a/../b",
                                       "https://a.example//b",    "https://a.example/%2e",
                                       "https://a.example:99999", "https://"};
    struct policy none = {0};
    struct secret_url u;
    struct err e = {0};
    is_int(secret_check(&good, &none, &e), 0, "a good one is good");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct secret_record r = good;
        r.header = rows[i].header;
        r.format = rows[i].format;
        r.value = rows[i].value;
        r.hosts = rows[i].hosts;
        ok(secret_check(&r, &none, &e) != 0, "refused: %s: %s", rows[i].what, e.text);
        ok(!strstr(e.text, "b: c"), "without its value");
    }
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        is_int(secret_url_parse(urls[i], &u, &e), -1, "no base URL: %s: %s", urls[i], e.text);
    is_int(secret_url_parse("https://a.example:8443/v1/", &u, &e), 0, "one that is");
    ok(u.port == 8443 && u.path_len == 3 && u.tls, "with port and path");
}

int main(void)
{
    struct secret_keys k = {0};
    struct err e = {0};
    char line[SECRET_KEY_LINE];
    (void)secret_keys_add(&k, line, &e);
    secret_key_public(&k, 0, public);
    sealing(&k);
    tools();
    key_files();
    checks();
    return done_testing();
}
