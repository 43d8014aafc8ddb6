// SPDX-License-Identifier: Apache-2.0
// The key file's text, and records sealed and opened with its keys.
#include <pinfold/secret.h>

#include <pinfold/crypt.h>
#include <pinfold/own.h>
#include <string.h>

#define LINE "pinfold-key-1 "
#define N_TEXTS 7 // of a record

static int hex_decode(const char *s, unsigned char ret[SEAL_KEY])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 2 * SEAL_KEY; i++) {
        const char *d = s[i] ? strchr(digits, s[i]) : NULL;
        if (!d)
            return -1;
        ret[i / 2] = (unsigned char)(ret[i / 2] << 4 | (unsigned)(d - digits));
    }
    return 0;
}

int secret_keys_parse(const char *text, size_t n, struct secret_keys *ret, struct err *e)
{
    struct secret_keys k = {0};
    const char *end;
    unsigned number = 1;
    for (; (end = memchr(text, '\n', n)); number++) {
        size_t len = (size_t)(end - text), want = strlen(LINE) + (size_t)2 * SEAL_KEY;
        if (len && *text != '#') {
            int bad = k.n == SECRET_KEYS_MAX || len != want || memcmp(text, LINE, strlen(LINE)) ||
                      hex_decode(text + strlen(LINE), k.secret[k.n]);
            if (bad) {
                secret_keys_wipe(&k);
                return err_set(e, ERR_BAD_REQUEST,
                               "line %u of the key file is none of at most %d keys", number,
                               SECRET_KEYS_MAX);
            }
            k.n++;
        }
        n -= len + 1;
        text = end + 1;
    }
    *ret = k;
    secret_keys_wipe(&k);
    return 0;
}

int secret_keys_add(struct secret_keys *k, char ret_line[SECRET_KEY_LINE], struct err *e)
{
    unsigned char unused[SEAL_KEY];
    char hex[2 * SEAL_KEY + 1];
    if (k->n == SECRET_KEYS_MAX)
        return err_set(e, ERR_LIMIT,
                       "the key file holds %d keys already; remove the lines of those that no "
                       "secret is sealed with",
                       SECRET_KEYS_MAX);
    seal_keys(k->secret[k->n], unused);
    (void)snprintf(ret_line, SECRET_KEY_LINE, "%s%s\n", LINE,
                   hex_encode(k->secret[k->n++], SEAL_KEY, hex));
    crypt_wipe(hex, sizeof(hex));
    return 0;
}

void secret_keys_wipe(struct secret_keys *k)
{
    crypt_wipe(k, sizeof(*k));
}

void secret_key_public(const struct secret_keys *k, unsigned i, char ret[SEAL_TEXT])
{
    unsigned char raw[SEAL_KEY];
    seal_public_of(k->secret[i], raw);
    (void)hex_encode(raw, sizeof(raw), ret);
}

static void name_of(const unsigned char public_key[SEAL_KEY], unsigned char *ret)
{
    unsigned char digest[SHA256_LEN];
    sha256_of(public_key, SEAL_KEY, digest);
    memcpy(ret, digest, SECRET_KEY_NAME_RAW);
}

int secret_key_name(const char *public_hex, char ret[SECRET_KEY_NAME])
{
    unsigned char raw[SEAL_KEY], name[SECRET_KEY_NAME_RAW];
    if (strlen(public_hex) != (size_t)2 * SEAL_KEY || hex_decode(public_hex, raw))
        return -1;
    name_of(raw, name);
    (void)hex_encode(name, sizeof(name), ret);
    return 0;
}

void secret_sealed_name(const void *sealed, size_t n, char ret[SECRET_KEY_NAME])
{
    (void)hex_encode(sealed, n < SECRET_KEY_NAME_RAW ? 0 : SECRET_KEY_NAME_RAW, ret);
}

// --- records ----------------------------------------------------------------------------------

int secret_seal(const struct secret_record *r, const char *public_hex, struct buf *out,
                struct err *e)
{
    unsigned char key[SEAL_KEY];
    const char kind[] = {'1', (char)('a' + r->kind), '\0'}; // a version first
    const char *const texts[N_TEXTS] = {kind,      r->id,     r->base_url, r->hosts,
                                        r->header, r->format, r->value};
    own_buf struct buf plain;
    buf_init(&plain, SECRET_SEALED_MAX);
    (void)buf_reserve(&plain, SECRET_SEALED_MAX - 1); // so that it is never moved, and left behind
    int bad = hex_decode(public_hex, key);
    for (unsigned i = 0; i < N_TEXTS && !bad; i++)
        bad = buf_append(&plain, texts[i], strlen(texts[i]) + 1);
    size_t n = SECRET_KEY_NAME_RAW + plain.len + SEAL_MORE;
    unsigned char *to = bad || n > SECRET_SEALED_MAX ? NULL : (void *)buf_reserve(out, n);
    if (to) {
        name_of(key, to);
        bad = seal_close(key, plain.data, plain.len, to + SECRET_KEY_NAME_RAW);
        buf_commit(out, n);
    }
    crypt_wipe(plain.data, plain.len);
    return bad || !to ? err_set(e, ERR_LIMIT, "the secret with its hosts is larger than %d bytes",
                                SECRET_SEALED_MAX - 1024)
                      : 0;
}

// Texts one after another, as many as there are to be and nothing behind them.
static int split(const char *p, size_t n, const char *ret[N_TEXTS])
{
    for (unsigned i = 0; i < N_TEXTS; i++) {
        const char *end = memchr(p, '\0', n);
        if (!end)
            return -1;
        ret[i] = p;
        n -= (size_t)(end - p) + 1;
        p = end + 1;
    }
    return n || ret[0][0] != '1' || ret[0][1] < 'a' || ret[0][1] >= 'a' + SECRET_KINDS ? -1 : 0;
}

int secret_open(const struct secret_keys *k, const void *sealed, size_t n, struct buf *text,
                struct secret_record *ret, struct err *e)
{
    const unsigned char *p = sealed;
    char public_hex[SEAL_TEXT], name[SECRET_KEY_NAME], want[SECRET_KEY_NAME];
    const char *at[N_TEXTS];
    unsigned i = k->n;
    if (n < SECRET_KEY_NAME_RAW + SEAL_MORE || n > SECRET_SEALED_MAX)
        return err_set(e, ERR_BAD_REQUEST, "what is sealed is damaged");
    secret_sealed_name(p, n, want);
    while (i-- > 0) {
        secret_key_public(k, i, public_hex);
        (void)secret_key_name(public_hex, name);
        if (!strcmp(name, want))
            break;
    }
    if (i >= k->n)
        return err_set(e, ERR_NOT_FOUND, "it is sealed with key %s, which is not in the key file",
                       want);
    p += SECRET_KEY_NAME_RAW;
    n -= SECRET_KEY_NAME_RAW;
    char *to = buf_reserve(text, n);
    if (!to || seal_open(k->secret[i], p, n, to))
        return err_set(e, ERR_BAD_REQUEST, "what is sealed is damaged");
    buf_commit(text, n - SEAL_MORE);
    if (split(text->data, text->len, at))
        return err_set(e, ERR_BAD_REQUEST, "what is sealed is no secret");
    *ret = (struct secret_record){
        .kind = (enum secret_kind)(at[0][1] - 'a'),
        .id = at[1],
        .base_url = at[2],
        .hosts = at[3],
        .header = at[4],
        .format = at[5],
        .value = at[6],
    };
    return 0;
}
