// SPDX-License-Identifier: Apache-2.0
// Ids and names.
#include <pinfold/id.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define ID_CHARS ID_BYTES
#define TIME_CHARS 11 // 55 bits of microseconds since 1970: enough for a thousand years
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz"; // without i, l, o, u

void id_random_bytes(void *p, size_t n)
{
    for (char *at = p; n;) {
        ssize_t got = getrandom(at, n < 256 ? n : 256, 0); // up to 256 is never cut short
        if (got < 0)
            abort();
        at += got;
        n -= (size_t)got;
    }
}

const char *id_from(const char *prefix, const unsigned char raw[ID_BYTES], char out[ID_MAX])
{
    size_t n = strlen(prefix);
    if (n + 1 + ID_CHARS + 1 > ID_MAX)
        abort();
    memcpy(out, prefix, n);
    out[n++] = '_';
    for (size_t i = 0; i < ID_CHARS; i++)
        out[n++] = alphabet[raw[i] & 31];
    out[n] = '\0';
    return out;
}

const char *id_make(const char *prefix, char out[ID_MAX])
{
    unsigned char raw[ID_BYTES];
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail with this clock
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    for (int i = TIME_CHARS; i-- > 0; us >>= 5)
        raw[i] = us & 31;
    id_random_bytes(raw + TIME_CHARS, sizeof(raw) - TIME_CHARS);
    return id_from(prefix, raw, out);
}

bool id_ok(const char *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(s, prefix, n) || s[n] != '_')
        return false;
    s += n + 1;
    return strlen(s) == ID_CHARS && strspn(s, alphabet) == ID_CHARS;
}

bool name_ok(const char *s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(s);
    return n >= 1 && n <= NAME_MAX_LEN && strspn(s, ok) == n && s[0] != '.' && s[0] != '-';
}
