// SPDX-License-Identifier: Apache-2.0
// The first bytes of a connection, as far as they say where it wants to go: HTTP/1 requests, TLS
// client hellos, SOCKS5, DNS questions. Pure and bounded. Readers return 1 when they have what they
// want, 0 when more bytes are needed, -1 when the bytes are malformed or more than their bound.
//
// HTTP is read strictly, since a request that two readers split differently smuggles a second one:
// lines end in CR LF, no folding, no blank before a colon, one Host, one length of one kind.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEEK_HEAD_MAX (16 * 1024)  // of an HTTP request's head
#define PEEK_HELLO_MAX (32 * 1024) // of a client hello with its records' headers
#define PEEK_HEADERS_MAX 100
#define PEEK_NAME_MAX 255

struct slice {
    const char *p;
    size_t n;
};

// --- HTTP/1 -------------------------------------------------------------------------------------

enum peek_form { FORM_ORIGIN, FORM_ABSOLUTE, FORM_AUTHORITY, FORM_ASTERISK };
struct peek_http {
    size_t len; // of the head with its empty line
    struct slice method, target;
    enum peek_form form;
    struct slice authority; // of an absolute target or of CONNECT
    struct slice path;      // what an origin server is asked for; "" becomes "/"
    struct slice host;      // the Host header; p NULL without one
    bool chunked, has_length, upgrade;
    uint64_t length;
};
// On -1 *e says what is wrong, for the client.
int peek_http(const char *p, size_t n, struct peek_http *ret, struct err *e);
// The head as the origin server gets it: path, Host as given, one request for the connection, and
// nothing that was meant for a proxy. -1 when it does not fit.
struct peek_change {         // of it, besides
    const char *path;        // instead of what was asked for; NULL: that
    const char *const *drop; // headers that do not go on; NULL at the end
    const char *add;         // whole lines
};
int peek_http_rewrite(const char *p, const struct peek_http *h, const char *host,
                      const struct peek_change *change, struct buf *out);

// Where a request's body ends. Zero it, set it by peek_body_of, feed it all that follows the head.
struct peek_body {
    enum { BODY_COUNT, BODY_SIZE, BODY_EXT, BODY_DATA_END, BODY_TRAILER, BODY_DONE } at;
    uint64_t left;
    unsigned digits, line, trailer;
    bool chunked, cr;
};
void peek_body_of(const struct peek_http *h, struct peek_body *ret);
// *ret_used of the n bytes belong to the body. 1 at its end, 0 more, -1 malformed.
int peek_body(struct peek_body *b, const char *p, size_t n, size_t *ret_used);

// --- TLS ---------------------------------------------------------------------------------------

// The name in a client hello, which may come in several records; *ret_len 0 when there is none.
int peek_tls(const unsigned char *p, size_t n, char ret[PEEK_NAME_MAX + 1], size_t *ret_len);

// --- SOCKS5 ------------------------------------------------------------------------------------

// *ret_len: of the greeting; *ret_ok: no authentication is offered.
int peek_socks_hello(const unsigned char *p, size_t n, size_t *ret_len, bool *ret_ok);
struct peek_socks {
    size_t len;
    unsigned command;             // 1 CONNECT
    char host[PEEK_NAME_MAX + 1]; // as bytes, or an address as text
    size_t host_len;
    uint16_t port;
};
int peek_socks(const unsigned char *p, size_t n, struct peek_socks *ret);

// --- DNS ---------------------------------------------------------------------------------------

#define DNS_MAX 512 // of a question and of an answer: ours need no more
enum { DNS_A = 1, DNS_AAAA = 28 };
enum dns_code { DNS_OK = 0, DNS_FORMAT = 1, DNS_FAILED = 2, DNS_NO_NAME = 3, DNS_NOT_DONE = 4 };
struct peek_dns {
    size_t len; // of header and question
    char name[PEEK_NAME_MAX + 1];
    size_t name_len; // dots between the labels; a label with a dot or NUL in it makes it malformed
    unsigned type;
    bool internet, query; // class IN; a plain question
};
// One whole message: 1 or -1. With -1 and *ret_len of at least 12 an error can be answered.
int peek_dns(const unsigned char *p, size_t n, struct peek_dns *ret);
// The answer to question q, whose bytes are at p: at most one address (NULL: none). Its length.
size_t dns_answer(const unsigned char *p, const struct peek_dns *q, enum dns_code code,
                  const void *address4, unsigned char out[DNS_MAX]);
