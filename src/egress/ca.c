// SPDX-License-Identifier: Apache-2.0
// The authority of one sandbox: made here for it, trusted nowhere else, gone with it. Its key and the
// key of the certificates it signs are in this process's memory alone; what leaves is its certificate, and
// for the next egress process its key, sealed: programs that read the certificate go on to trust it.
#include "egress_int.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pinfold/own.h>
#include <string.h>

#define DAY (24L * 3600)
#define CA_DAYS 366   // a sandbox that lives longer is started again
#define LEAF_DAYS 30  // of one connection's certificate
#define NAME_SHOWN 63 // of a common name

struct ca {
    EVP_PKEY *key, *leaf_key;
    X509 *cert;
};

void ca_free(struct ca *ca)
{
    if (!ca)
        return;
    EVP_PKEY_free(ca->key); // which wipes it
    EVP_PKEY_free(ca->leaf_key);
    X509_free(ca->cert);
    free(ca);
}

static bool add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool good = x && X509_add_ext(cert, x, -1);
    X509_EXTENSION_free(x);
    return good;
}

// What both kinds have: a number nobody guesses, a name, a time, a key.
static X509 *begin(const char *name, EVP_PKEY *key, long days)
{
    X509 *c = X509_new();
    BIGNUM *serial = BN_new();
    X509_NAME *subject = X509_NAME_new();
    union { // the library's argument predates const; it only reads
        const char *in;
        const unsigned char *out;
    } text = {.in = name};
    bool good = c && serial && subject && X509_set_version(c, 2) && BN_rand(serial, 126, 0, 0) &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(c)) &&
                X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text.out, -1, -1, 0) &&
                X509_set_subject_name(c, subject) &&
                X509_gmtime_adj(X509_getm_notBefore(c), -DAY) && // clocks differ
                X509_gmtime_adj(X509_getm_notAfter(c), days * DAY) && X509_set_pubkey(c, key);
    BN_free(serial);
    X509_NAME_free(subject);
    if (!good)
        X509_free(c);
    return good ? c : NULL;
}

struct ca *ca_new(const char *sandbox)
{
    struct ca *ca = xcalloc(1, sizeof(*ca));
    char name[NAME_SHOWN + 1];
    (void)snprintf(name, sizeof(name), "pinfold sandbox %s", sandbox);
    ca->key = EVP_EC_gen("P-256");
    ca->leaf_key = EVP_EC_gen("P-256");
    X509 *c = ca->cert = ca->key && ca->leaf_key ? begin(name, ca->key, CA_DAYS) : NULL;
    if (c && X509_set_issuer_name(c, X509_get_subject_name(c)) &&
        add(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add(c, c, NID_subject_key_identifier, "hash") && X509_sign(c, ca->key, EVP_sha256()))
        return ca;
    ERR_clear_error();
    ca_free(ca);
    return NULL;
}

static int put_text(const struct ca *ca, bool key, struct buf *out)
{
    BIO *b = BIO_new(BIO_s_secmem()); // wiped when it is freed
    char *p = NULL;
    bool good = b && PEM_write_bio_X509(b, ca->cert) &&
                (!key || PEM_write_bio_PrivateKey(b, ca->key, NULL, NULL, 0, NULL, NULL));
    long n = good ? BIO_get_mem_data(b, &p) : 0;
    int bad = n <= 0 || buf_append(out, p, (size_t)n);
    (void)BIO_free(b); // memory only
    return bad ? -1 : 0;
}

int ca_text(const struct ca *ca, struct buf *out)
{
    return put_text(ca, false, out);
}

int ca_write(const struct ca *ca, struct buf *out)
{
    return put_text(ca, true, out);
}

struct ca *ca_read(const char *pem)
{
    struct ca *ca = xcalloc(1, sizeof(*ca));
    BIO *b = BIO_new_mem_buf(pem, -1);
    ca->cert = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
    ca->key = ca->cert ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;
    ca->leaf_key = EVP_EC_gen("P-256");
    (void)BIO_free(b); // memory only
    if (ca->key && ca->leaf_key && X509_check_private_key(ca->cert, ca->key) == 1)
        return ca;
    ERR_clear_error();
    ca_free(ca);
    return NULL;
}

int ca_certify(const struct ca *ca, struct ssl_st *ssl, const struct host *name)
{
    char shown[NAME_SHOWN + 1], other[HOST_ROOM + 8];
    (void)snprintf(shown, sizeof(shown), "%.63s", name->text); // the other one is what counts
    (void)snprintf(other, sizeof(other), "%s:%s", name->numeric ? "IP" : "DNS", name->text);
    X509 *c = begin(shown, ca->leaf_key, LEAF_DAYS);
    bool good = c && X509_set_issuer_name(c, X509_get_subject_name(ca->cert)) &&
                add(c, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
                add(c, ca->cert, NID_key_usage, "critical,digitalSignature") &&
                add(c, ca->cert, NID_ext_key_usage, "serverAuth") &&
                add(c, ca->cert, NID_subject_alt_name, other) &&
                add(c, ca->cert, NID_subject_key_identifier, "hash") &&
                add(c, ca->cert, NID_authority_key_identifier, "keyid") &&
                X509_sign(c, ca->key, EVP_sha256()) && SSL_use_certificate(ssl, c) &&
                SSL_use_PrivateKey(ssl, ca->leaf_key);
    X509_free(c);
    ERR_clear_error();
    return good ? 0 : -1;
}
