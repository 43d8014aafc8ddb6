// SPDX-License-Identifier: Apache-2.0
// The only user of OpenSSL here: TLS towards hosts that secrets are for. Their certificates are
// verified, always; which authorities are trusted was read before this process lost its rights.
#include "egress_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <string.h>

struct tls {
    SSL *ssl;
    bool wants_write;
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

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

bool tls_wants_write(const struct tls *t)
{
    return t->wants_write;
}

bool tls_pending(const struct tls *t)
{
    return t && SSL_pending(t->ssl) > 0;
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
