// SPDX-License-Identifier: Apache-2.0
// UTF-8 and base 64.
#include <pinfold/json.h>
#include <pinfold/own.h>
#include <tap.h>

static void prefix(const char *s, size_t n, size_t want, bool want_cut, const char *what)
{
    bool cut;
    char *copy = xmalloc(n ? n : 1);
    memcpy(copy, s, n);
    size_t got = json_utf8_prefix(copy, n, &cut);
    ok(got == want && cut == want_cut, "%s", what);
    free(copy);
}

static void utf8(void)
{
    prefix("", 0, 0, false, "nothing");
    prefix("0123456789abcdef", 16, 16, false, "ASCII");
    prefix("01234567\xc3\xa4", 10, 10, false, "two bytes behind a block of eight");
    prefix("a\xe2\x82\xac", 4, 4, false, "three bytes");
    prefix("\xf4\x8f\xbf\xbf", 4, 4, false, "the last character there is");
    prefix("\xf4\x90\x80\x80", 4, 0, false, "beyond it");
    prefix("\xc0\x80", 2, 0, false, "overlong two");
    prefix("\xe0\x80\x80", 3, 0, false, "overlong three");
    prefix("\xf0\x80\x80\x80", 4, 0, false, "overlong four");
    prefix("\xed\xa0\x80", 3, 0, false, "a surrogate");
    prefix("ab\x80", 3, 2, false, "a lone continuation");
    prefix("ab\xc3", 3, 2, true, "cut after one of two");
    prefix("ab\xe2\x82", 4, 2, true, "cut after two of three");
    prefix("ab\xf0\x9f\x98", 5, 2, true, "cut after three of four");
    prefix("ab\xe0\x80", 4, 2, false, "cut, but could never become valid");
    prefix("ab\xff", 3, 2, false, "a byte that is never right");
    ok(json_utf8_ok("\0", 1), "a NUL is a character");
}

static void base64(void)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < N_ELEMS(pairs); i++) {
        char out[32] = "", back[32] = "";
        size_t n = strlen(pairs[i][0]);
        json_base64(pairs[i][0], n, out);
        out[json_base64_len(n)] = '\0';
        is_str(out, pairs[i][1], "encodes '%s'", pairs[i][0]);
        ok(json_base64_decode(out, strlen(out), back) == (ssize_t)n &&
               !memcmp(back, pairs[i][0], n),
           "decodes it");
    }
    char out[32];
    is_int(json_base64_decode("Zg", 2, out), 1, "padding is optional");
    is_int(json_base64_decode("Z", 1, out), -1, "one digit is too few");
    is_int(json_base64_decode("Zh==", 4, out), -1, "left-over bits are refused");
    is_int(json_base64_decode("Zg=", 3, out), -1, "half a padding is refused");
    is_int(json_base64_decode("Zm 9", 4, out), -1, "a space is refused");
    is_int(json_base64_decode("Zm-9", 4, out), -1, "the other alphabet is refused");
    is_int(json_base64_decode("====", 4, out), -1, "only padding is refused");
}

// All lengths around the steps of the fast way, against decoding, which goes digit by digit.
static void lengths(void)
{
    unsigned char bytes[300], back[300];
    char out[500];
    bool same = true;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 151 + (i >> 3));
    for (size_t n = 0; n <= 260; n++) {
        unsigned char *copy = xmalloc(n ? n : 1); // exact, for the sanitizer
        memcpy(copy, bytes + n % 7, n);
        json_base64(copy, n, out);
        same = same && json_base64_decode(out, json_base64_len(n), back) == (ssize_t)n &&
               !memcmp(back, copy, n);
        free(copy);
    }
    ok(same, "every length comes back");
    for (int i = 0; i < 64; i++) {
        unsigned char three[24];
        for (int k = 0; k < 24; k += 3) { // all digits the same
            unsigned v = (unsigned)i * 0x41041;
            three[k] = (unsigned char)(v >> 16);
            three[k + 1] = (unsigned char)(v >> 8);
            three[k + 2] = (unsigned char)v;
        }
        json_base64(three, sizeof(three), out);
        same = same && out[0] == out[15] && out[15] == out[31] &&
               out[0] == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[i];
    }
    ok(same, "every digit is the right one in both ways");
}

int main(void)
{
    lengths();
    utf8();
    base64();
    return done_testing();
}
