// SPDX-License-Identifier: Apache-2.0
// Entity tags, ranges, media types.
#include <pinfold/http.h>
#include <tap.h>

static void etags(void)
{
    ok(http_etag_in("\"a\"", "\"a\""), "a tag names itself");
    ok(http_etag_in("\"b\", W/\"a\"", "\"a\""), "in a list, weak");
    ok(http_etag_in(" * ", "\"a\""), "a star names all");
    ok(!http_etag_in("\"ab\"", "\"a\""), "a longer one does not");
    ok(!http_etag_in("", "\"a\""), "nothing does not");
    ok(!http_etag_in("a", "\"a\""), "one without quotes does not");
}

static void range(const char *header, uint64_t size, int want, uint64_t from, uint64_t to)
{
    uint64_t a = 7, b = 7;
    int got = http_range(header, size, &a, &b);
    ok(got == want && (want || (a == from && b == to)), "'%s' of %llu", header,
       (unsigned long long)size);
}

static void ranges(void)
{
    range("bytes=0-9", 100, 0, 0, 10);
    range("bytes=90-", 100, 0, 90, 100);
    range("bytes=90-1000", 100, 0, 90, 100);
    range("bytes=-5", 100, 0, 95, 100);
    range("bytes=-500", 100, 0, 0, 100);
    range("bytes=99-99", 100, 0, 99, 100);
    range("bytes=100-", 100, -1, 0, 0);
    range("bytes=0-", 0, -1, 0, 0);
    range("bytes=-0", 100, -1, 0, 0);
    range("bytes=0-18446744073709551615", 100, 0, 0, 100);
    range("", 100, 1, 0, 0);
    range("items=0-1", 100, 1, 0, 0);
    range("bytes=5-4", 100, 1, 0, 0);
    range("bytes=0-1,4-5", 100, 1, 0, 0);
    range("bytes=x-1", 100, 1, 0, 0);
    range("bytes=18446744073709551616-", 100, 1, 0, 0);
}

static void media(void)
{
    static const char *const types[] = {"application/json", "text/event-stream", NULL};
    is_int(http_accepts("text/event-stream", types), 1, "one type");
    is_int(http_accepts("text/html, Text/Event-Stream;q=0.9", types), 1, "the first known one");
    is_int(http_accepts("*/*", types), 0, "anything is the first");
    is_int(http_accepts("", types), -1, "nothing");
    is_int(http_accepts("text/html", types), -1, "something else");
}

static void names(void)
{
    for (int m = 0; m < HTTP_N_METHODS; m++)
        ok(*http_method_name((enum http_method)m) != '?', "method %d has a name", m);
    is_str(http_status_text(404), "Not Found", "a status has its text");
    is_str(http_status_text(499), "Error", "and an unknown one a general one");
}

int main(void)
{
    etags();
    ranges();
    media();
    names();
    return done_testing();
}
