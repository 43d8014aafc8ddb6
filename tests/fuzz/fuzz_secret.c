// SPDX-License-Identifier: Apache-2.0
// Secrets: the first byte says what the rest is. A key file; a sealed record as the database has it;
// what was inside one, whole but not as we wrote it; a base URL. What opens is what was sealed, and
// makes one header.
#include <pinfold/own.h>
#include <pinfold/secret.h>
#include <string.h>

static struct secret_keys keys(char ret_public[SEAL_TEXT])
{
    static const char file[] =
        "pinfold-key-1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    struct secret_keys k;
    struct err e;
    if (secret_keys_parse(file, sizeof(file) - 1, &k, &e))
        abort();
    secret_key_public(&k, 0, ret_public);
    return k;
}

static void key_file(const char *p, size_t n)
{
    struct secret_keys k;
    struct err e;
    char line[SECRET_KEY_LINE];
    if (!secret_keys_parse(p, n, &k, &e) &&
        (k.n > SECRET_KEYS_MAX || (k.n < SECRET_KEYS_MAX && secret_keys_add(&k, line, &e))))
        abort();
}

static void use(const struct secret_record *r)
{
    struct policy none = {0}, hosts = {0};
    struct err e;
    own_buf struct buf line;
    buf_init(&line, SECRET_VALUE_MAX + SECRET_FORMAT_MAX + SECRET_HEADER_MAX + 4);
    if (secret_hosts(r->hosts, true, &hosts, &e) == 0)
        policy_release(&hosts);
    if (secret_check(r, &none, &e) || secret_header(r, &line))
        return;
    const char *end = line.len ? memchr(line.data, '\n', line.len) : NULL;
    if (line.len && (!end || end != line.data + line.len - 1 || end[-1] != '\r'))
        abort(); // it is one line
}

static void sealed(const void *p, size_t n)
{
    char public[SEAL_TEXT], name[SECRET_KEY_NAME];
    struct secret_keys k = keys(public);
    struct secret_record r;
    struct err e;
    own_buf struct buf text;
    buf_init(&text, SECRET_SEALED_MAX);
    secret_sealed_name(p, n, name);
    if (!secret_open(&k, p, n, &text, &r, &e))
        use(&r);
}

// Seven texts, each with its end: kind, id, base URL, hosts, header, format, value.
static void inside(const char *p, size_t n)
{
    char public[SEAL_TEXT];
    struct secret_keys k = keys(public);
    unsigned char raw[SEAL_KEY], box[SECRET_SEALED_MAX];
    if (n + SECRET_KEY_NAME_RAW + SEAL_MORE > sizeof(box))
        return;
    seal_public_of(k.secret[0], raw);
    own_buf struct buf whole;
    struct secret_record r = {.id = "secret/a",
                              .base_url = "",
                              .hosts = "a.example",
                              .value = "v",
                              .header = "X",
                              .format = "{}"};
    struct err e;
    buf_init(&whole, SECRET_SEALED_MAX);
    if (secret_seal(&r, public, &whole, &e)) // for the name of the key
        abort();
    memcpy(box, whole.data, SECRET_KEY_NAME_RAW);
    if (seal_close(raw, p, n, box + SECRET_KEY_NAME_RAW))
        abort();
    sealed(box, SECRET_KEY_NAME_RAW + n + SEAL_MORE);
}

static void url(const char *p, size_t n)
{
    struct secret_url u;
    struct err e;
    own_free char *text = xmemdup0(p, n);
    if (!secret_url_parse(text, &u, &e) &&
        (u.path < text || u.path + u.path_len > text + strlen(text) || !u.port || !*u.host.text))
        abort();
    (void)secret_id_ok(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const char *, size_t) = {key_file, NULL, inside, url};
    if (!size)
        return 0;
    if ((data[0] & 3) == 1)
        sealed(data + 1, size - 1);
    else
        targets[data[0] & 3]((const char *)data + 1, size - 1);
    return 0;
}
