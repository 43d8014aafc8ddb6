// SPDX-License-Identifier: Apache-2.0
// Secrets: values that are used for a sandbox and never seen in it. Pure but for random bytes.
//
// The server has a public key and can only seal; the egress process alone has the secret one. What
// is sealed is the whole record, with the hosts that the value is for: nothing that is changed in the
// database, and nothing that the server says later, sends a value elsewhere. A provider of models is
// a secret with a base URL. An id is "secret/NAME" or "provider/NAME", or "tool/NAME" of what a run
// brings, whose value is whole header lines.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <pinfold/policy.h>
#include <pinfold/seal.h>
#include <pinfold/wire_egress.h>
#include <stdbool.h>

#define SECRET_VALUE_MAX 4096
#define SECRET_HOSTS_MAX 4096 // as text
#define SECRET_URL_MAX 1024
#define SECRET_HEADER_MAX 128
#define SECRET_FORMAT_MAX 256
#define SECRET_SEALED_MAX (12 * 1024) // rides in one message

enum secret_kind {
    SECRET_PLAIN,
    SECRET_ANTHROPIC,
    SECRET_OPENAI,
    SECRET_COMPATIBLE,
    SECRET_GEMINI,
    SECRET_TOOL, // headers of an address that a run's agent may call; not a person's to make
    SECRET_KINDS
};
struct secret_kind_row {
    const char *name;
    const char *header, *format;   // how its key travels
    const char *env_url, *env_key; // what tools read
};
const struct secret_kind_row *secret_kind(enum secret_kind k);
bool secret_id_ok(const char *s); // "secret/NAME", "provider/NAME", "tool/NAME"
const char *secret_placeholder(const char *id, char ret[SECRET_ID_MAX + 32]);

// https://HOST[:PORT][/PATH], or http:// of what the operator lists.
struct secret_url {
    bool tls;
    struct host host;
    uint16_t port;
    const char *path; // into the text, without the slash at its end
    size_t path_len;
};
int secret_url_parse(const char *s, struct secret_url *ret, struct err *e);

struct secret_record {
    enum secret_kind kind;
    const char *id, *base_url;
    const char *hosts; // rules with blanks between; "http://" before one: in plain
    const char *header, *format, *value;
};
// Whole, and nothing in it that would break out of a header. private_list: AllowPrivate=.
int secret_check(const struct secret_record *r, const struct policy *private_list, struct err *e);
// The rules of hosts that are reached by TLS, or those in plain.
int secret_hosts(const char *hosts, bool plain, struct policy *ret, struct err *e);
// The header with the value in it, its line end too.
int secret_header(const struct secret_record *r, struct buf *out);

// --- keys -------------------------------------------------------------------------------------

#define SECRET_KEYS_MAX 16
#define SECRET_KEY_LINE 90    // bytes of a key in its file, with room to spare
#define SECRET_KEY_NAME 17    // of a key, as text: the start of its public key's digest
#define SECRET_KEY_NAME_RAW 8 // the same before each sealed text
struct secret_keys {
    unsigned char secret[SECRET_KEYS_MAX][SEAL_KEY];
    unsigned n; // the newest is the last
};
// The file's text: a key a line, "pinfold-key-1 HEX". A last line without its end was cut off while it
// was written and does not count.
int secret_keys_parse(const char *text, size_t n, struct secret_keys *ret, struct err *e);
// Another one: its line, to be appended to the file.
int secret_keys_add(struct secret_keys *k, char ret_line[SECRET_KEY_LINE], struct err *e);
void secret_keys_wipe(struct secret_keys *k);
void secret_key_public(const struct secret_keys *k, unsigned i, char ret[SEAL_TEXT]);
// The name of the key of a public key in hexadecimal; of what a text is sealed to.
int secret_key_name(const char *public_hex, char ret[SECRET_KEY_NAME]);
void secret_sealed_name(const void *sealed, size_t n, char ret[SECRET_KEY_NAME]);

int secret_seal(const struct secret_record *r, const char *public_hex, struct buf *out,
                struct err *e);
// *ret points into *text, which is to be wiped and released. ERR_NOT_FOUND: no such key is there.
int secret_open(const struct secret_keys *k, const void *sealed, size_t n, struct buf *text,
                struct secret_record *ret, struct err *e);
