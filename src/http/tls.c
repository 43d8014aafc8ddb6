// SPDX-License-Identifier: Apache-2.0
// A TLS context from PEM text: TLS 1.2 and 1.3 with the library's default suites.
#include "http_int.h"

#include <openssl/err.h>
#include <openssl/pem.h>

static int use_chain(SSL_CTX *ctx, const struct http_tls *tls)
{
    BIO *bio = BIO_new_mem_buf(tls->certificate, (int)tls->certificate_len);
    X509 *leaf = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
    int good = leaf && SSL_CTX_use_certificate(ctx, leaf) == 1;
    X509_free(leaf);
    for (X509 *next; good && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL));)
        if (SSL_CTX_add_extra_chain_cert(ctx, next) != 1) { // takes it only on success
            X509_free(next);
            good = 0;
        }
    BIO_free(bio);
    return good ? 0 : -1;
}

static int use_key(SSL_CTX *ctx, const struct http_tls *tls)
{
    BIO *bio = BIO_new_mem_buf(tls->key, (int)tls->key_len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    int good = key && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good ? 0 : -1;
}

SSL_CTX *tls_context(const struct http_tls *tls, struct err *e)
{
    static char http1[] = "http/1.1"; // the library's type has no const
    static const h2o_iovec_t only_http1[] = {{http1, sizeof(http1) - 1}, {NULL, 0}};
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    const char *what = NULL;
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        what = "make a TLS context";
    else if (use_chain(ctx, tls))
        what = "read the TLS certificate";
    else if (use_key(ctx, tls))
        what = "read the TLS key, or it does not belong to the certificate";
    ERR_clear_error(); // the end of the PEM text is reported as one, too
    if (what) {
        SSL_CTX_free(ctx);
        err_set(e, ERR_BAD_REQUEST, "cannot %s", what);
        return NULL;
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    h2o_ssl_register_alpn_protocols(ctx, tls->http2 ? h2o_http2_alpn_protocols : only_http1);
    return ctx;
}
