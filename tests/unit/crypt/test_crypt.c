// SPDX-License-Identifier: Apache-2.0
#include <pinfold/crypt.h>
#include <tap.h>

static void digests(void)
{
    char hex[SHA256_HEX];
    is_str(sha256_hex("abc", 3, hex),
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
           "sha256 of FIPS 180's first example");
    is_str(sha256_hex("", 0, hex),
           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "sha256 of nothing");
    struct sha256 s;
    unsigned char raw[SHA256_LEN], one[SHA256_LEN];
    sha256_init(&s);
    sha256_add(&s, "a", 1);
    sha256_add(&s, "bc", 2);
    sha256_end(&s, raw);
    sha256_of("abc", 3, one);
    ok(!memcmp(raw, one, sizeof(raw)), "in pieces as in one");
    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, raw);
    char mac[SHA256_HEX];
    is_str(hex_encode(raw, sizeof(raw), mac),
           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
           "hmac of RFC 4231's second test");
}

static void codes(void)
{
    char out[BASE64URL_ROOM(64)];
    is_str(base64url_encode("\xfb\xff\xfe", 3, out), "-__-", "base64url uses - and _");
    is_str(base64url_encode("a", 1, out), "YQ", "no padding");
    is_str(base64url_encode("", 0, out), "", "nothing encodes to nothing");
    char back[8];
    is_int(base64url_decode("YWJj", 4, back, sizeof(back)), 3, "decodes");
    ok(!memcmp(back, "abc", 3), "to what it was");
    is_int(base64url_decode("YQ==", 4, back, sizeof(back)), -1, "padding is refused");
    is_int(base64url_decode("Y Q", 3, back, sizeof(back)), -1, "blanks are refused");
    is_int(base64url_decode("Y+/x", 4, back, sizeof(back)), -1, "the other alphabet is refused");
    is_int(base64url_decode("YWJjYWJjYWJj", 12, back, 8), -1, "more than fits is refused");
    ok(crypt_equal("abc", "abc", 3) && !crypt_equal("abc", "abd", 3), "equal is equal only");
    char a[CRYPT_TOKEN_MAX], b[CRYPT_TOKEN_MAX];
    crypt_token("pft", a);
    crypt_token("pft", b);
    ok(!strncmp(a, "pft_", 4) && strlen(a) == 4 + 43, "a token has its prefix and 43 characters");
    ok(strcmp(a, b) != 0, "two tokens differ");
}

static void passwords(void)
{
    char hash[PASSWORD_HASH_MAX];
    is_int(password_hash("correct horse", hash), 0, "a password is hashed");
    ok(!strncmp(hash, "$argon2id$", 10), "with argon2id");
    ok(password_is_hash(hash), "and looks like a hash");
    ok(!password_is_hash("correct horse"), "a password does not look like one");
    ok(password_matches(hash, "correct horse"), "the right one matches");
    ok(!password_matches(hash, "correct horsf"), "a wrong one does not");
    ok(!password_matches("$argon2id$rubbish", "x"), "a broken hash matches nothing");
    ok(!password_matches("", ""), "nor an empty one");
}

int main(void)
{
    digests();
    codes();
    passwords();
    return done_testing();
}
