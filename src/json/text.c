// SPDX-License-Identifier: Apache-2.0
// UTF-8 and base 64.
#include <pinfold/json.h>

#include <string.h>

// The length of the character at p (n > 0 bytes): 0 when it is not one, -1 when it is cut short.
static int utf8_char(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    int len = c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (!len)
        return 0;
    // The second byte's range excludes overlong forms, surrogates and what is beyond U+10FFFF.
    unsigned char lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < len; i++) {
        if ((size_t)i >= n)
            return -1;
        if (p[i] < (i == 1 ? lo : 0x80) || p[i] > (i == 1 ? hi : 0xbf))
            return 0;
    }
    return len;
}

size_t json_utf8_prefix(const void *text, size_t n, bool *cut)
{
    const unsigned char *p = text;
    size_t i = 0;
    *cut = false;
    while (i < n) {
        uint64_t v[4]; // plain ASCII goes by thirty-two, or by eight
        const uint64_t high = UINT64_C(0x8080808080808080);
        if (n - i >= sizeof(v) &&
            (memcpy(v, p + i, sizeof(v)), !((v[0] | v[1] | v[2] | v[3]) & high))) {
            i += sizeof(v);
            continue;
        }
        if (n - i >= sizeof(v[0]) && (memcpy(v, p + i, sizeof(v[0])), !(v[0] & high))) {
            i += sizeof(v[0]);
            continue;
        }
        int len = utf8_char(p + i, n - i);
        if (len <= 0) {
            *cut = len < 0;
            break;
        }
        i += (size_t)len;
    }
    return i;
}

bool json_utf8_ok(const void *p, size_t n)
{
    bool cut;
    return json_utf8_prefix(p, n, &cut) == n;
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t json_base64_len(size_t n)
{
    return (n + 2) / 3 * 4;
}

#if defined(__x86_64__)
#include <tmmintrin.h>

// Twelve bytes to sixteen digits at a time. Each group of three bytes is spread over four bytes of
// six bits, and those become digits by adding what their range is away from its digits.
__attribute__((target("ssse3"))) static size_t base64_fast(const unsigned char *p, size_t n,
                                                           char *out)
{
    const __m128i spread = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m128i shifts =
        _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                      '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
    size_t done = 0;
    for (; n - done >= 16; done += 12, out += 16) { // sixteen are read, twelve used
        __m128i v =
            _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + done)), spread);
        __m128i hi = _mm_mulhi_epu16(_mm_and_si128(v, _mm_set1_epi32(0x0fc0fc00)),
                                     _mm_set1_epi32(0x04000040));
        __m128i lo = _mm_mullo_epi16(_mm_and_si128(v, _mm_set1_epi32(0x003f03f0)),
                                     _mm_set1_epi32(0x01000010));
        __m128i six = _mm_or_si128(hi, lo);
        // 0: 26..51, 1..10: digits, 11: 62, 12: 63; 13: 0..25
        __m128i range = _mm_subs_epu8(six, _mm_set1_epi8(51));
        range = _mm_or_si128(
            range, _mm_and_si128(_mm_cmpgt_epi8(_mm_set1_epi8(26), six), _mm_set1_epi8(13)));
        _mm_storeu_si128((__m128i *)(void *)out,
                         _mm_add_epi8(six, _mm_shuffle_epi8(shifts, range)));
    }
    return done;
}
#else
static size_t base64_fast(const unsigned char *p, size_t n, char *out)
{
    (void)p;
    (void)n;
    (void)out;
    return 0;
}
#endif

static bool fast_known(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("ssse3");
#else
    return false;
#endif
}

void json_base64(const void *src, size_t n, char *out)
{
    const unsigned char *p = src;
    size_t done = n >= 16 && fast_known() ? base64_fast(p, n, out) : 0;
    p += done;
    n -= done;
    out += done / 3 * 4;
    for (; n >= 3; n -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *out++ = digits64[v >> 18];
        *out++ = digits64[v >> 12 & 63];
        *out++ = digits64[v >> 6 & 63];
        *out++ = digits64[v & 63];
    }
    if (!n)
        return;
    uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
    *out++ = digits64[v >> 18];
    *out++ = digits64[v >> 12 & 63];
    *out++ = n == 2 ? digits64[v >> 6 & 63] : '=';
    *out = '=';
}

static int value64(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

ssize_t json_base64_decode(const char *p, size_t n, void *out)
{
    char *to = out;
    if (n % 4 == 0 && n && p[n - 1] == '=')
        n -= p[n - 2] == '=' ? 2 : 1;
    if (n % 4 == 1)
        return -1;
    uint32_t v = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < n; i++) {
        int d = value64((unsigned char)p[i]);
        if (d < 0)
            return -1;
        v = v << 6 | (uint32_t)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *to++ = (char)(v >> bits);
            v &= (1u << bits) - 1;
        }
    }
    return v ? -1 : to - (char *)out; // left-over bits must be zero
}
