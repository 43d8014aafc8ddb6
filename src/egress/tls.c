// SPDX-License-Identifier: Apache-2.0
// TLS. Towards servers certificates are verified, always; which authorities are trusted was read
// before this process lost its rights. Towards clients in a sandbox it is ca.c's certificates.
#include "egress_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/socket.h>

struct tls {
    SSL *ssl;
    bool wants_write;
    int fd;         // of a client
    char *read;     // what was read of it before; NULL when that is used up
    size_t at, len; // of that
};

static int fail(struct err *e, const char *doing)
{
    char text[120];
    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    ERR_clear_error();
    return err_set(e, ERR_INTERNAL, "%s: %s", doing, text);
}

struct ssl_ctx_st *tls_open(const char *authorities, struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) {
        fail(e, "prepare TLS");
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // HTTP's own lengths tell whether an answer is whole; servers that just close are many.
    (void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION)) {
        fail(e, "prepare TLS");
        SSL_CTX_free(ctx);
        return NULL;
    }
    if (!SSL_CTX_load_verify_file(ctx, authorities)) {
        fail(e, authorities);
        log_warn("no host of a secret will be trusted: CAFile=%s", e->text);
    }
    return ctx;
}

void tls_close(struct ssl_ctx_st *ctx)
{
    SSL_CTX_free(ctx);
}

struct tls *tls_new(struct ssl_ctx_st *ctx, int fd, const struct host *name)
{
    struct tls *t = xcalloc(1, sizeof(*t));
    t->ssl = SSL_new(ctx);
    char text[HOST_ROOM];
    memcpy(text, name->text, sizeof(text));
    bool good = t->ssl && SSL_set_fd(t->ssl, fd);
    if (good && name->numeric)
        good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name->text);
    else if (good)
        good = SSL_set1_host(t->ssl, text) && SSL_set_tlsext_host_name(t->ssl, text);
    if (!good)
        abort(); // only lack of memory
    SSL_set_connect_state(t->ssl);
    return t;
}

// --- with clients -------------------------------------------------------------------------------

// A socket of which the first bytes were read already.
static int bio_read(BIO *b, char *p, int n)
{
    struct tls *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (t->read) {
        size_t k = t->len - t->at < (size_t)n ? t->len - t->at : (size_t)n;
        memcpy(p, t->read + t->at, k);
        t->at += k;
        if (t->at == t->len)
            free(ptr_steal(&t->read));
        return (int)k;
    }
    ssize_t r = recv(t->fd, p, (size_t)n, 0);
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(b);
    return (int)r;
}

static int bio_write(BIO *b, const char *p, int n)
{
    const struct tls *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    ssize_t r = send(t->fd, p, (size_t)n, MSG_NOSIGNAL);
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(b);
    return (int)r;
}

static long bio_ctrl(BIO *b, int what, long n, void *p)
{
    (void)b, (void)n, (void)p;
    return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *methods;

static int only_http1(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                      const unsigned char *in, unsigned len, void *arg)
{
    static const unsigned char offer[] = "\x08http/1.1";
    unsigned char *chosen; // predates const
    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&chosen, ret_len, offer, sizeof(offer) - 1, in, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK; // it goes on with what it has
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

struct ssl_ctx_st *tls_open_inside(struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    methods = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "peeked");
    if (!ctx || !methods || !BIO_meth_set_read(methods, bio_read) ||
        !BIO_meth_set_write(methods, bio_write) || !BIO_meth_set_ctrl(methods, bio_ctrl) ||
        !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION)) {
        fail(e, "prepare TLS");
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_alpn_select_cb(ctx, only_http1, NULL);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // No session outlives its connection: there would be secrets of several in one ticket key.
    (void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

struct tls *tls_accept(struct ssl_ctx_st *ctx, int fd, const void *p, size_t n)
{
    struct tls *t = xcalloc(1, sizeof(*t));
    t->fd = fd;
    t->read = n ? xmemdup0(p, n) : NULL;
    t->len = n;
    t->ssl = SSL_new(ctx);
    BIO *b = t->ssl ? BIO_new(methods) : NULL;
    if (!b)
        abort(); // only lack of memory
    BIO_set_data(b, t);
    BIO_set_init(b, 1);
    SSL_set_bio(t->ssl, b, b);
    SSL_set_accept_state(t->ssl);
    return t;
}

int tls_present(struct tls *t, const struct ca *ca, const struct host *name)
{
    return ca_certify(ca, t->ssl, name);
}

void tls_bye(struct tls *t)
{
    if (t && SSL_is_init_finished(t->ssl))
        (void)SSL_shutdown(t->ssl); // a peer that is gone needs no goodbye
    ERR_clear_error();
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t->read);
    free(t);
}

bool tls_wants_write(const struct tls *t)
{
    return t->wants_write;
}

bool tls_pending(const struct tls *t)
{
    return t && (t->read || SSL_pending(t->ssl) > 0);
}

// As recv and send: -1 with EAGAIN when it has to wait.
static ssize_t outcome(struct tls *t, int r)
{
    int why = SSL_get_error(t->ssl, r);
    ERR_clear_error();
    t->wants_write = why == SSL_ERROR_WANT_WRITE;
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = t->wants_write || why == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
    return -1;
}

int tls_handshake(struct tls *t, struct err *e)
{
    int r = SSL_do_handshake(t->ssl);
    if (r == 1)
        return 1;
    long verdict = SSL_get_verify_result(t->ssl);
    int why = SSL_get_error(t->ssl, r);
    t->wants_write = why == SSL_ERROR_WANT_WRITE;
    if (t->wants_write || why == SSL_ERROR_WANT_READ)
        return 0;
    if (verdict != X509_V_OK)
        err_set(e, ERR_DENIED, "its certificate is not good: %s",
                X509_verify_cert_error_string(verdict));
    else
        fail(e, "TLS");
    ERR_clear_error();
    return -1;
}

ssize_t tls_read(struct tls *t, void *p, size_t n)
{
    int r = SSL_read(t->ssl, p, (int)n);
    return r > 0 ? r : outcome(t, r);
}

ssize_t tls_write(struct tls *t, const void *p, size_t n)
{
    int r = SSL_write(t->ssl, p, (int)n);
    if (r > 0)
        return r;
    (void)outcome(t, r);
    return -1; // a peer that says goodbye takes no more, either
}
