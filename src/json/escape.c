// SPDX-License-Identifier: Apache-2.0
// Escapes of JSON strings. What commands print goes through here byte for byte, often in short lines,
// so what needs a letter after a backslash is put in place four bytes at a time, without a branch.
#include "escape.h"

#include <stdint.h>
#include <string.h>

// 0: as it is; 'u': \u00XX; else the letter after the backslash.
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', [0x08] = 'b', [0x0c] = 'f', ['\n'] = 'n', ['\r'] = 'r',
    ['\t'] = 't', [0x00] = 'u',  [0x01] = 'u', [0x02] = 'u', [0x03] = 'u', [0x04] = 'u',
    [0x05] = 'u', [0x06] = 'u',  [0x07] = 'u', [0x0b] = 'u', [0x0e] = 'u', [0x0f] = 'u',
    [0x10] = 'u', [0x11] = 'u',  [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',
    [0x16] = 'u', [0x17] = 'u',  [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',
    [0x1c] = 'u', [0x1d] = 'u',  [0x1e] = 'u', [0x1f] = 'u', [0x7f] = 'u',
};

unsigned json_escape_len(unsigned char c)
{
    return escapes[c] == 'u' ? ESCAPE_WORST : escapes[c] ? 2 : 1;
}

static char *put_escape(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    *to++ = '\\';
    *to++ = escapes[c];
    if (escapes[c] != 'u')
        return to;
    *to++ = '0';
    *to++ = '0';
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
    return to;
}

static char *escape_each(const char *s, size_t n, char *to)
{
    for (; n; s++, n--) {
        if (escapes[(unsigned char)*s])
            to = put_escape(to, (unsigned char)*s);
        else
            *to++ = *s;
    }
    return to;
}

#if defined(__x86_64__)
#include <tmmintrin.h>

// For each set of four bytes of which some get a backslash: where each byte of the result comes from,
// and its backslashes. Bit i stands for byte i.
#define NO 0x80
#define BS '\\'
static const struct {
    uint8_t from[8], slashes[8];
    unsigned len;
} spread[16] = {
    {{0, 1, 2, 3, NO, NO, NO, NO}, {0}, 4},
    {{NO, 0, 1, 2, 3, NO, NO, NO}, {BS}, 5},
    {{0, NO, 1, 2, 3, NO, NO, NO}, {0, BS}, 5},
    {{NO, 0, NO, 1, 2, 3, NO, NO}, {BS, 0, BS}, 6},
    {{0, 1, NO, 2, 3, NO, NO, NO}, {0, 0, BS}, 5},
    {{NO, 0, 1, NO, 2, 3, NO, NO}, {BS, 0, 0, BS}, 6},
    {{0, NO, 1, NO, 2, 3, NO, NO}, {0, BS, 0, BS}, 6},
    {{NO, 0, NO, 1, NO, 2, 3, NO}, {BS, 0, BS, 0, BS}, 7},
    {{0, 1, 2, NO, 3, NO, NO, NO}, {0, 0, 0, BS}, 5},
    {{NO, 0, 1, 2, NO, 3, NO, NO}, {BS, 0, 0, 0, BS}, 6},
    {{0, NO, 1, 2, NO, 3, NO, NO}, {0, BS, 0, 0, BS}, 6},
    {{NO, 0, NO, 1, 2, NO, 3, NO}, {BS, 0, BS, 0, 0, BS}, 7},
    {{0, 1, NO, 2, NO, 3, NO, NO}, {0, 0, BS, 0, BS}, 6},
    {{NO, 0, 1, NO, 2, NO, 3, NO}, {BS, 0, 0, BS, 0, BS}, 7},
    {{0, NO, 1, NO, 2, NO, 3, NO}, {0, BS, 0, BS, 0, BS}, 7},
    {{NO, 0, NO, 1, NO, 2, NO, 3}, {BS, 0, BS, 0, BS, 0, BS}, 8},
};

__attribute__((target("ssse3"))) static inline char *put_four(uint32_t four, unsigned which,
                                                              char *to)
{
    __m128i from = _mm_loadl_epi64((const __m128i *)(const void *)spread[which].from);
    __m128i slashes = _mm_loadl_epi64((const __m128i *)(const void *)spread[which].slashes);
    __m128i v = _mm_or_si128(_mm_shuffle_epi8(_mm_cvtsi32_si128((int)four), from), slashes);
    _mm_storel_epi64((__m128i *)(void *)to, v);
    return to + spread[which].len;
}

// As much of it as comes in sixteens.
__attribute__((target("ssse3"))) static char *escape_fast(const char **s, size_t *n, char *to)
{
    // by the low half of a control character
    const __m128i letters = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
    for (; *n >= 16; *s += 16, *n -= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)*s);
        // up to a value, which the smaller of both says without signs
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x0f)), v);
        __m128i same = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        __m128i letter = _mm_and_si128(_mm_shuffle_epi8(letters, v), low);
        __m128i none = _mm_cmpeq_epi8(letter, _mm_setzero_si128());
        __m128i hex =
            _mm_or_si128(_mm_and_si128(control, none), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
        if (_mm_movemask_epi8(hex)) {
            to = escape_each(*s, 16, to);
            continue;
        }
        unsigned bad = (unsigned)_mm_movemask_epi8(_mm_or_si128(control, same));
        if (!bad) {
            _mm_storeu_si128((__m128i *)(void *)to, v);
            to += 16;
            continue;
        }
        uint32_t w[4];
        v = _mm_or_si128(_mm_andnot_si128(control, v), letter);
        memcpy(w, &v, sizeof(w));
        to = put_four(w[0], bad & 15, to);
        to = put_four(w[1], bad >> 4 & 15, to);
        to = put_four(w[2], bad >> 8 & 15, to);
        to = put_four(w[3], bad >> 12, to);
    }
    return to;
}

size_t json_escape(const char *s, size_t n, char *to)
{
    char *begin = to;
    if (n >= 16 && __builtin_cpu_supports("ssse3"))
        to = escape_fast(&s, &n, to);
    return (size_t)(escape_each(s, n, to) - begin);
}
#else
size_t json_escape(const char *s, size_t n, char *to)
{
    return (size_t)(escape_each(s, n, to) - to);
}
#endif
