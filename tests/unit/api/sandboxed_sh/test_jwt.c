// SPDX-License-Identifier: Apache-2.0
// Tokens of a login: only what was signed here with this key is one.
#include "../../../../src/api/sandboxed_sh/sandboxed_sh_int.h"

#include <pinfold/crypt.h>
#include <tap.h>

static const unsigned char key[32] = "0123456789abcdef0123456789abcde";
static const unsigned char other[32] = "another key of thirty-two bytes";
static const struct jwt alice = {"usr_00000000000000000001", "alice", 1700000000, 1702592000};

static void good(void)
{
    char text[JWT_MAX];
    struct jwt got;
    jwt_make(key, &alice, text);
    // Made with another program from the same key and claims.
    is_str(text,
           "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
           "eyJzdWIiOiJ1c3JfMDAwMDAwMDAwMDAwMDAwMDAwMDEiLCJ1c3IiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAw"
           "MCwiZXhwIjoxNzAyNTkyMDAwfQ."
           "hhmr1c043yE9K4nrgWPpcLnrbTJZieT3_rn85HffNZA",
           "it is the token that others make of it");
    ok(jwt_looks_like(text), "it looks like one");
    ok(jwt_read(key, text, &got), "it can be read");
    is_str(got.usr, "alice", "user");
    is_str(got.sub, alice.sub, "subject");
    is_int(got.iat, alice.iat, "issued at");
    is_int(got.exp, alice.exp, "expires");
}

static void tampered(void)
{
    char text[JWT_MAX];
    struct jwt got;
    int accepted = 0;
    jwt_make(key, &alice, text);
    ok(!jwt_read(other, text, &got), "another key does not accept it");
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        text[i] ^= 1;
        accepted += jwt_read(key, text, &got);
        text[i] ^= 1;
    }
    is_int(accepted, 0, "no single changed bit is accepted");
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        text[i] = '\0';
        accepted += jwt_read(key, text, &got);
        text[i] = c;
    }
    is_int(accepted, 0, "no beginning of it is accepted");
    text[n] = 'A';
    text[n + 1] = '\0';
    ok(!jwt_read(key, text, &got), "nothing may follow it");
}

static void sign(const char *head, const char *claims, char out[2048])
{
    unsigned char mac[SHA256_LEN];
    base64url_encode(head, strlen(head), out);
    strcat(out, ".");
    base64url_encode(claims, strlen(claims), out + strlen(out));
    hmac_sha256(key, sizeof(key), out, strlen(out), mac);
    strcat(out, ".");
    base64url_encode(mac, sizeof(mac), out + strlen(out));
}

static void forged(void)
{
    static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    char text[2048], long_claims[1024];
    struct jwt got;
    sign(head, "{\"sub\":\"s\",\"usr\":\"u\",\"iat\":1,\"exp\":2,\"more\":[]}", text);
    ok(jwt_read(key, text, &got), "unknown claims are ignored");
    sign("{\"alg\":\"none\",\"typ\":\"JWT\"}", "{\"sub\":\"s\",\"usr\":\"u\",\"iat\":1,\"exp\":2}",
         text);
    ok(!jwt_read(key, text, &got), "another algorithm is refused though the signature is good");
    sign(head, "{\"sub\":\"s\",\"usr\":\"u\",\"iat\":1}", text);
    ok(!jwt_read(key, text, &got), "a missing claim is refused");
    sign(head, "{\"sub\":1,\"usr\":\"u\",\"iat\":1,\"exp\":2}", text);
    ok(!jwt_read(key, text, &got), "a claim of the wrong type is refused");
    sign(head, "[]", text);
    ok(!jwt_read(key, text, &got), "claims that are no object are refused");
    memset(long_claims, ' ', sizeof(long_claims) - 1);
    long_claims[sizeof(long_claims) - 1] = '\0';
    sign(head, long_claims, text);
    ok(!jwt_read(key, text, &got), "very long claims are refused");
    static const char *const rubbish[] = {"", ".", "..", "...", "a.b.c", "pf_0123456789"};
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(*rubbish); i++)
        ok(!jwt_read(key, rubbish[i], &got), "'%s' is refused", rubbish[i]);
    ok(!jwt_looks_like("pinfold_0123456789"), "a token of pinfold's own looks otherwise");
}

int main(void)
{
    good();
    tampered();
    forged();
    return done_testing();
}
