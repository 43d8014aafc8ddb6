// SPDX-License-Identifier: Apache-2.0
// The writer: what it prints, byte by byte.
#include <pinfold/json_out.h>
#include <tap.h>

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buf b;
static struct json_out o;

static void start(void)
{
    buf_clear(&b);
    json_out_init(&o, &b);
}

static void values(void)
{
    start();
    json_begin(&o, NULL);
    json_str(&o, "s", "a\"\\\n\x01\x7f/\xc3\xa4");
    json_str(&o, "n", NULL);
    json_strn(&o, "bad", "x\xffy\xc3", 4);
    json_u64(&o, "u", UINT64_MAX);
    json_u64(&o, "z", 0);
    json_i64(&o, "i", INT64_MIN);
    json_bool(&o, "t", true);
    json_begin_array(&o, "a");
    json_u64(&o, NULL, 1);
    json_begin(&o, NULL);
    json_end(&o);
    json_begin_array(&o, NULL);
    json_end_array(&o);
    json_null(&o, NULL);
    json_end_array(&o);
    json_raw(&o, "r", "[1]", 3);
    json_time(&o, "at", 1767323045678);
    json_time(&o, "never", 0);
    ok(!json_done(&o), "not done before the end");
    json_end(&o);
    ok(json_done(&o), "done at the end");
    is_str(b.data,
           "{\"s\":\"a\\\"\\\\\\n\\u0001\\u007f/\xc3\xa4\",\"n\":null,\"bad\":\"x\xef\xbf\xbdy"
           "\xef\xbf\xbd\",\"u\":18446744073709551615,\"z\":0,\"i\":-9223372036854775808,"
           "\"t\":true,\"a\":[1,{},[],null],\"r\":[1],\"at\":\"2026-01-02T03:04:05.678Z\","
           "\"never\":null}",
           "every kind of value");
}

static void doubles(void)
{
    start();
    json_begin_array(&o, NULL);
    json_f64(&o, NULL, 0.1);
    json_f64(&o, NULL, 3);
    json_f64(&o, NULL, 1.0 / 3);
    json_f64(&o, NULL, 1e300);
    json_f64(&o, NULL, (double)NAN);
    json_f64(&o, NULL, -(double)INFINITY);
    json_end_array(&o);
    is_str(b.data, "[0.1,3,0.3333333333333333,1e+300,null,null]", "doubles are short and exact");
}

static void bytes(void)
{
    start();
    json_begin(&o, NULL);
    json_bytes(&o, "stdout", "hi\n", 3);
    json_bytes(&o, "stderr", "\xff\x00", 2);
    json_bytes(&o, "empty", "", 0);
    json_end(&o);
    is_str(b.data, "{\"stdout\":\"hi\\n\",\"stderr_base64\":\"/wA=\",\"empty\":\"\"}",
           "text as text, bytes as base 64");
}

static size_t escape_slowly(const char *s, size_t n, char *to)
{
    static const char from[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    char *begin = to;
    *to++ = '"';
    for (size_t i = 0; i < n; i++) {
        const char *at = s[i] ? strchr(from, s[i]) : NULL;
        if (at)
            to += sprintf(to, "\\%c", letters[at - from]);
        else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            to += sprintf(to, "\\u%04x", (unsigned)s[i]);
        else
            *to++ = s[i];
    }
    *to++ = '"';
    return (size_t)(to - begin);
}

// Every set of bytes that need an escape, side by side, at every place of what goes at once.
static void escapes(void)
{
    static const char special[] = "\"\\\n\t\r\b\f\x01\x1f\x7f";
    static char want[400];
    unsigned bad = 0;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 200000; round++) {
        char text[48];
        size_t n = round % (sizeof(text) + 1);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            // few control characters, so that whole sixteens go the quick way too
            unsigned pick = seed >> 24;
            text[i] = pick < round % 256         ? special[(seed >> 8) % 7]
                      : pick == 255 && round % 3 ? special[(seed >> 8) % (sizeof(special) - 1)]
                                                 : (char)(0x20 + (seed >> 8) % 0x5e);
        }
        start();
        json_strn(&o, NULL, text, n);
        size_t len = escape_slowly(text, n, want);
        bad += b.len != len || memcmp(b.data, want, len) != 0;
    }
    is_int(bad, 0, "escapes at every place and in every company");
    start();
    json_strn(&o, NULL, "\u00e4\u20ac\U0001f600\n\u00e4\u20ac\U0001f600\u00e4\u20ac\n\n", 26);
    is_str(b.data, "\"\u00e4\u20ac\U0001f600\\n\u00e4\u20ac\U0001f600\u00e4\u20ac\\n\\n\"",
           "other characters stay");
}

static void pieces(void)
{
    static char text[10000], want[60010];
    start();
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(text); i += 97)
        text[i] = '\n';
    size_t n = 0;
    want[n++] = '"';
    for (size_t i = 0; i < sizeof(text); i++)
        n += (size_t)sprintf(want + n, text[i] == '\n' ? "\\n" : "x");
    strcpy(want + n, "\"");
    json_strn(&o, NULL, text, sizeof(text));
    ok(!strcmp(b.data, want), "a long string is escaped piece by piece");
    start();
    json_begin(&o, NULL);
    static const char zeros[66];
    json_bytes_short(&o, "a", zeros, 66);
    memset(text, 'x', 70);
    json_bytes_short(&o, "b", text, 70);
    json_bytes_short(&o, "c", "\0", 1);
    json_end(&o);
    ok(!strncmp(b.data, "{\"a_base64\":\"AAAA", 17) && strstr(b.data, "\"b\":\"xxx") &&
           strstr(b.data, "\"c\":\"\\u0000\"}"),
       "pieces take the shorter form, small ones that of text");
}

static void exact(void)
{
    struct buf small;
    buf_init(&small, 12);
    json_out_init(&o, &small);
    json_str(&o, NULL, "0123\n\x01");
    ok(!json_done(&o), "one byte too few");
    buf_release(&small);
    buf_init(&small, 14);
    json_out_init(&o, &small);
    json_str(&o, NULL, "0123\n\x01");
    ok(json_done(&o) && small.len == 14, "exactly enough");
    buf_release(&small);
}

static void overflow(void)
{
    struct buf small;
    buf_init(&small, 10);
    json_out_init(&o, &small);
    json_begin(&o, NULL);
    json_str(&o, "a", "0123456789");
    json_end(&o);
    ok(!json_done(&o), "a buffer that is too small is noticed");
    buf_release(&small);
}

static void member_without_name(void)
{
    json_begin(&o, NULL);
    json_u64(&o, NULL, 1);
}
static void name_in_array(void)
{
    json_begin_array(&o, NULL);
    json_u64(&o, "x", 1);
}
static void wrong_end(void)
{
    json_begin_array(&o, NULL);
    json_end(&o);
}
static void two_roots(void)
{
    json_null(&o, NULL);
    json_null(&o, NULL);
}

static void aborts(void (*f)(void), const char *what)
{
    pid_t pid = fork();
    if (!pid) {
        (void)close(2);
        start();
        f();
        _exit(0);
    }
    int st = 0;
    (void)waitpid(pid, &st, 0);
    ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGABRT, "aborts: %s", what);
}

int main(void)
{
    buf_init(&b, 1 << 20);
    values();
    doubles();
    bytes();
    escapes();
    pieces();
    exact();
    overflow();
    aborts(member_without_name, "a member without a name");
    aborts(name_in_array, "a name in an array");
    aborts(wrong_end, "the wrong end");
    aborts(two_roots, "two outermost values");
    buf_release(&b);
    return done_testing();
}
