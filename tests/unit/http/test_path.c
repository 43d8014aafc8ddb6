// SPDX-License-Identifier: Apache-2.0
// Decoding of paths and queries.
#include "../../../src/http/route_int.h"
#include <pinfold/own.h>
#include <tap.h>

static struct path p;
static char dst[1000];

static void splits(const char *raw, const char *want)
{
    char got[1000] = "";
    const char *bad = path_split(raw, strlen(raw), dst, &p);
    for (unsigned i = 0; !bad && i < p.n; i++) {
        strcat(got, i ? "|" : "");
        strcat(got, p.at[i]);
    }
    is_str(bad ? bad : got, want, "splits %s", raw);
}
static void refuses(const char *raw, size_t n, const char *why)
{
    const char *bad = path_split(raw, n, dst, &p);
    if (!ok(bad && strstr(bad, why), "refuses %s", raw))
        printf("# got %s\n", bad ? bad : "no complaint");
}
#define REFUSES(raw, why) refuses(raw, strlen(raw), why)

static void paths(void)
{
    splits("/", "");
    splits("/v1/x", "v1|x");
    splits("/v1/x/", "v1|x|");
    splits("/a%20b/%C3%a4", "a b|\xc3\xa4");
    splits("/%76%31/...", "v1|...");
    splits("/files//etc/hosts", "files||etc|hosts");
    splits("/a-._~!$&'()*+,;=:@b", "a-._~!$&'()*+,;=:@b");
    REFUSES("", "slash");
    REFUSES("x", "slash");
    REFUSES("*", "slash");
    REFUSES("http://h/x", "slash");
    REFUSES("/a%2fb", "NUL or slash");
    REFUSES("/a%2Fb", "NUL or slash");
    REFUSES("/a%00", "NUL or slash");
    REFUSES("/a%", "percent");
    REFUSES("/a%1", "percent");
    REFUSES("/a%g1", "percent");
    REFUSES("/a b", "percent-encoded");
    REFUSES("/a\\b", "percent-encoded");
    REFUSES("/\xc3\xa4", "percent-encoded");
    REFUSES("/a\"", "percent-encoded");
    refuses("/a\0b", 4, "percent-encoded");
    REFUSES("/a/../b", "..");
    REFUSES("/a/%2e%2e/b", "..");
    REFUSES("/a/.%2E", "..");
    REFUSES("/./a", ".");
    char many[400] = "";
    for (int i = 0; i < SEGMENTS_MAX; i++)
        strcat(many, "/a");
    ok(!path_split(many, strlen(many), dst, &p) && p.n == SEGMENTS_MAX, "many segments");
    strcat(many, "/a");
    REFUSES(many, "too many");
}

static void queries(void)
{
    struct http_query q[HTTP_QUERY_MAX];
    unsigned n;
    const char *text = "a=1&b&c=x%26y+z&=v&&d==";
    ok(!query_split(text, strlen(text), dst, q, &n) && n == 5, "a query splits");
    ok(!strcmp(q[0].name, "a") && !strcmp(q[0].value, "1"), "name and value");
    ok(!strcmp(q[1].name, "b") && !strcmp(q[1].value, ""), "a name alone");
    ok(!strcmp(q[2].name, "c") && !strcmp(q[2].value, "x&y z"), "percent and plus");
    ok(!strcmp(q[3].name, "") && !strcmp(q[3].value, "v"), "no name");
    ok(!strcmp(q[4].name, "d") && !strcmp(q[4].value, "="), "an equals sign in a value");
    ok(!query_split("", 0, dst, q, &n) && n == 0, "an empty query");
    ok(query_split("a=%00", 5, dst, q, &n) != NULL, "an encoded NUL is refused");
    ok(query_split("a\0b", 3, dst, q, &n) != NULL, "a NUL is refused");
    ok(query_split("a=%4", 4, dst, q, &n) != NULL, "a broken escape is refused");
    char many[200] = "";
    for (int i = 0; i <= HTTP_QUERY_MAX; i++)
        strcat(many, "a&");
    ok(query_split(many, strlen(many), dst, q, &n) != NULL, "too many parameters are refused");
}

int main(void)
{
    paths();
    queries();
    return done_testing();
}
