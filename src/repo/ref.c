// SPDX-License-Identifier: Apache-2.0
// The grammar of references, as git-check-ref-format(1) states it.
#include "repo_int.h"

#include <string.h>

static bool is_hex40(const char *s, size_t len)
{
    if (len != 40)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
            return false;
    return true;
}

static int refuse(struct err *e, const char *why)
{
    return err_set(e, ERR_BAD_REQUEST, "the reference %s", why);
}

static const char *bad_part(const char *p, size_t n)
{
    if (n == 0)
        return "has an empty part";
    if (p[0] == '.')
        return "has a part that starts with a dot";
    if (n >= 5 && !memcmp(p + n - 5, ".lock", 5))
        return "has a part that ends with .lock";
    return NULL;
}

static const char *bad_bytes(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == 0x7f)
            return "holds a control byte";
        if (strchr(" ~^:?*[\\", c))
            return "holds one of the characters space ~ ^ : ? * [ \\";
        if (c == '.' && i + 1 < len && p[i + 1] == '.')
            return "holds two dots in a row";
        if (c == '@' && i + 1 < len && p[i + 1] == '{')
            return "holds @{";
    }
    return NULL;
}

static const char *bad_parts(const char *ref, size_t len)
{
    for (size_t from = 0; from <= len;) {
        const char *slash = memchr(ref + from, '/', len - from);
        size_t n = slash ? (size_t)(slash - ref) - from : len - from;
        const char *why = bad_part(ref + from, n);
        if (why)
            return why;
        from += n + 1;
    }
    return NULL;
}

bool repo_is_oid(const char *s)
{
    return strlen(s) == REPO_OID_MAX - 1 && strspn(s, "0123456789abcdef") == REPO_OID_MAX - 1;
}

int repo_ref_check(const char *ref, size_t len, enum repo_ref_kind *ret, struct err *e)
{
    enum repo_ref_kind kind = REPO_REF_NAME;
    const char *why;
    if (len == 0 || (len == 4 && !memcmp(ref, "HEAD", 4))) {
        if (ret)
            *ret = REPO_REF_DEFAULT;
        return 0;
    }
    if (len >= REPO_REF_MAX)
        return err_set(e, ERR_LIMIT, "the reference is longer than %d bytes", REPO_REF_MAX - 1);
    if ((why = bad_bytes(ref, len)) || (why = bad_parts(ref, len)))
        return refuse(e, why);
    if (ref[0] == '-')
        return refuse(e, "starts with a hyphen");
    if (ref[len - 1] == '.')
        return refuse(e, "ends with a dot");
    if (len == 1 && ref[0] == '@')
        return refuse(e, "is a lone @");
    if (is_hex40(ref, len))
        kind = REPO_REF_COMMIT;
    else if (len > 5 && !memcmp(ref, "refs/", 5))
        kind = REPO_REF_FULL;
    if (kind == REPO_REF_FULL && !memchr(ref + 5, '/', len - 5))
        return refuse(e, "names a kind but no branch or tag");
    if (ret)
        *ret = kind;
    return 0;
}
