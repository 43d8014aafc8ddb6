// SPDX-License-Identifier: Apache-2.0
// Reading tar headers. Pure: bytes in, a member or a refusal out.
#include "tar_int.h"

#include <string.h>

struct ustar {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag,
        linkname[100];
    char magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

// Octal digits with spaces before and a space or NUL behind, or with the high bit set a
// big-endian number (GNU). Negative numbers and what is over 63 bits are refused.
static int parse_number(const char *field, size_t len, uint64_t *ret)
{
    const unsigned char *p = (const unsigned char *)field, *end = p + len;
    uint64_t v = 0;
    if (*p & 0x80) {
        if (*p != 0x80)
            return -1;
        for (p++; p < end; p++) {
            if (v >> 55)
                return -1;
            v = v << 8 | *p;
        }
        *ret = v;
        return 0;
    }
    while (p < end && *p == ' ')
        p++;
    for (; p < end && *p >= '0' && *p <= '7'; p++) {
        if (v >> 60)
            return -1;
        v = v << 3 | (uint64_t)(*p - '0');
    }
    if (p < end && *p != ' ' && *p != 0)
        return -1;
    *ret = v;
    return 0;
}

static bool checksum_holds(const unsigned char block[TAR_BLOCK])
{
    const struct ustar *h = (const struct ustar *)block;
    uint64_t want;
    uint64_t sum = 0;
    int64_t signed_sum = 0; // some old writers added up chars
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        bool own = i >= offsetof(struct ustar, chksum) && i < offsetof(struct ustar, typeflag);
        sum += own ? ' ' : block[i];
        signed_sum += own ? ' ' : (signed char)block[i];
    }
    return !parse_number(h->chksum, sizeof(h->chksum), &want) &&
           (sum == want || signed_sum == (int64_t)want);
}

static void take_name(struct tar_reader *r, const struct ustar *h)
{
    bool posix = !memcmp(h->magic, "ustar", 6); // with its NUL; GNU has other things in prefix
    size_t n = 0;
    if (posix && h->prefix[0]) {
        n = strnlen(h->prefix, sizeof(h->prefix));
        memcpy(r->name, h->prefix, n);
        r->name[n++] = '/';
    }
    size_t len = strnlen(h->name, sizeof(h->name));
    memcpy(r->name + n, h->name, len);
    r->name[n + len] = 0;
}

static void take_link(struct tar_reader *r, const struct ustar *h)
{
    size_t len = strnlen(h->linkname, sizeof(h->linkname));
    memcpy(r->link, h->linkname, len);
    r->link[len] = 0;
}

static int kind_of(char typeflag, const char *name, enum tar_kind *ret, struct err *e)
{
    size_t len = strlen(name);
    switch (typeflag) {
    case 0:
    case '0':
    case '7': // contiguous, treated as a file by everybody
        *ret = typeflag != '7' && len && name[len - 1] == '/' ? TAR_DIR : TAR_FILE;
        return 0;
    case '1':
        *ret = TAR_HARDLINK;
        return 0;
    case '2':
        *ret = TAR_SYMLINK;
        return 0;
    case '5':
        *ret = TAR_DIR;
        return 0;
    case '3':
    case '4':
        return err_set(e, ERR_BAD_REQUEST, "%.100s is a device", name);
    case '6':
        return err_set(e, ERR_BAD_REQUEST, "%.100s is a fifo", name);
    case 'S':
        return err_set(e, ERR_BAD_REQUEST, "%.100s is a sparse file: pack without --sparse", name);
    default:
        return err_set(e, ERR_BAD_REQUEST, "%.100s has the unsupported type 0x%02x", name,
                       (unsigned)(unsigned char)typeflag);
    }
}

static int read_member(struct tar_reader *r, const struct ustar *h, struct tar_member *ret,
                       struct err *e)
{
    uint64_t mode, size, mtime;
    if (!r->have_name)
        take_name(r, h);
    if (!r->have_link)
        take_link(r, h);
    struct tar_member m = {.name = r->name, .link = r->link};
    if (kind_of(h->typeflag, r->name, &m.kind, e))
        return -1;
    if (parse_number(h->mode, sizeof(h->mode), &mode) ||
        parse_number(h->size, sizeof(h->size), &size) || size > INT64_MAX)
        return err_set(e, ERR_BAD_REQUEST, "%.100s has a malformed header", r->name);
    // Times are no reason to refuse an archive: before 1970 and nonsense become 1970.
    m.mtime = r->have_mtime ? r->mtime
              : parse_number(h->mtime, sizeof(h->mtime), &mtime) || mtime > INT64_MAX
                  ? 0
                  : (int64_t)mtime;
    m.mode = (uint32_t)mode & 0777; // setuid, setgid and sticky are never restored
    m.size = r->have_size ? r->size : size;
    if (m.kind != TAR_FILE && m.size)
        return err_set(e, ERR_BAD_REQUEST, "%.100s is no file but has contents", r->name);
    *ret = m;
    r->have_name = r->have_link = r->have_size = r->have_mtime = false;
    return TAR_MEMBER;
}

int tar_read_block(struct tar_reader *r, const unsigned char block[TAR_BLOCK],
                   struct tar_member *ret, struct err *e)
{
    static const unsigned char zero[TAR_BLOCK];
    const struct ustar *h = (const struct ustar *)block;
    if (!memcmp(block, zero, TAR_BLOCK))
        return ++r->zero_blocks == 2 ? TAR_END : TAR_AGAIN;
    if (r->zero_blocks)
        return err_set(e, ERR_BAD_REQUEST, "the archive goes on after a zero block");
    if (block[0] == 0x1f && block[1] == 0x8b)
        return err_set(e, ERR_BAD_REQUEST, "the archive is compressed: send a plain tar");
    if (!checksum_holds(block))
        return err_set(e, ERR_BAD_REQUEST, "this is no tar header (wrong checksum)");
    if (!h->typeflag || !strchr("xgLK", h->typeflag))
        return read_member(r, h, ret, e);
    *ret = (struct tar_member){.name = "", .link = ""};
    if (parse_number(h->size, sizeof(h->size), &ret->size) || ret->size > TAR_EXTENSION_MAX)
        return err_set(e, ERR_LIMIT, "an extension header is larger than %d bytes",
                       TAR_EXTENSION_MAX);
    r->extension = h->typeflag;
    return TAR_EXTENSION;
}

static int take_text(char out[TOOL_PATH_MAX + 1], const char *p, size_t len, struct err *e)
{
    if (!len || len > TOOL_PATH_MAX)
        return err_set(e, ERR_LIMIT, "a name is empty or longer than %d bytes", TOOL_PATH_MAX);
    if (memchr(p, 0, len))
        return err_set(e, ERR_BAD_REQUEST, "a name contains a zero byte");
    memcpy(out, p, len);
    out[len] = 0;
    return 0;
}

// Decimal, with an optional sign and fraction where `time`; the fraction is dropped.
static int parse_decimal(const char *p, size_t len, bool time, int64_t *ret)
{
    size_t i = 0;
    bool negative = time && len && p[0] == '-';
    int64_t v = 0;
    i += negative;
    size_t first = i;
    for (; i < len && p[i] >= '0' && p[i] <= '9'; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, p[i] - '0', &v))
            return -1;
    if (i == first || (i < len && !(time && p[i] == '.')))
        return -1;
    *ret = negative ? -v : v;
    return 0;
}

static bool key_is(const char *key, size_t key_len, const char *want)
{
    return key_len == strlen(want) && !memcmp(key, want, key_len);
}

static int take_attribute(struct tar_reader *r, const char *key, size_t key_len, const char *value,
                          size_t len, struct err *e)
{
    int64_t v;
    bool global = r->extension == 'g';
    if (key_len > 11 && !memcmp(key, "GNU.sparse.", 11))
        return err_set(e, ERR_BAD_REQUEST, "the archive has sparse files: pack without --sparse");
    if (key_is(key, key_len, "path")) {
        r->have_name = true;
        return global ? err_set(e, ERR_BAD_REQUEST, "a global header sets a path")
                      : take_text(r->name, value, len, e);
    }
    if (key_is(key, key_len, "linkpath")) {
        r->have_link = true;
        return global ? err_set(e, ERR_BAD_REQUEST, "a global header sets a link")
                      : take_text(r->link, value, len, e);
    }
    if (key_is(key, key_len, "size")) {
        if (global || parse_decimal(value, len, false, &v))
            return err_set(e, ERR_BAD_REQUEST, "a pax header has a malformed size");
        r->have_size = true;
        r->size = (uint64_t)v;
    }
    if (key_is(key, key_len, "mtime") && !global) {
        r->have_mtime = true;
        r->mtime = parse_decimal(value, len, true, &v) ? 0 : v;
    }
    return 0; // owners, other times, comments and extended attributes are not restored
}

// "LENGTH KEY=VALUE\n", LENGTH counting all of it.
static int take_pax(struct tar_reader *r, const char *data, size_t len, struct err *e)
{
    while (len) {
        uint64_t n = 0;
        size_t i = 0;
        for (; i < len && i < 6 && data[i] >= '0' && data[i] <= '9'; i++)
            n = n * 10 + (uint64_t)(data[i] - '0');
        if (!i || i == len || data[i] != ' ' || n > len || n < i + 4 || data[n - 1] != '\n')
            return err_set(e, ERR_BAD_REQUEST, "a pax header is malformed");
        const char *key = data + i + 1, *stop = data + n - 1;
        const char *equals = memchr(key, '=', (size_t)(stop - key));
        if (!equals || equals == key)
            return err_set(e, ERR_BAD_REQUEST, "a pax header is malformed");
        if (take_attribute(r, key, (size_t)(equals - key), equals + 1, (size_t)(stop - equals - 1),
                           e))
            return -1;
        data += n;
        len -= n;
    }
    return 0;
}

int tar_read_extension(struct tar_reader *r, const char *data, size_t len, struct err *e)
{
    switch (r->extension) {
    case 'L':
        r->have_name = true;
        return take_text(r->name, data, strnlen(data, len), e);
    case 'K':
        r->have_link = true;
        return take_text(r->link, data, strnlen(data, len), e);
    default:
        return take_pax(r, data, len, e);
    }
}

int tar_check_name(const char *name, char out[TOOL_PATH_MAX + 1], struct err *e)
{
    size_t len = 0;
    unsigned levels = 0;
    if (!*name)
        return err_set(e, ERR_BAD_REQUEST, "a member has no name");
    if (*name == '/')
        return err_set(e, ERR_BAD_REQUEST, "%.100s: the name is absolute", name);
    for (const char *c = name; *c;) {
        size_t n = strcspn(c, "/");
        if (n == 2 && !memcmp(c, "..", 2))
            return err_set(e, ERR_BAD_REQUEST, "%.100s: the name has a '..' component", name);
        if (n > 255)
            return err_set(e, ERR_LIMIT, "%.100s: a component is longer than 255 bytes", name);
        if (n && !(n == 1 && *c == '.')) {
            if (++levels > TOOL_TREE_DEPTH_MAX)
                return err_set(e, ERR_LIMIT, "%.60s...: more than %d levels deep", name,
                               TOOL_TREE_DEPTH_MAX);
            if (len)
                out[len++] = '/';
            memcpy(out + len, c, n); // never longer than the name, which fits
            len += n;
        }
        c += n;
        c += *c == '/';
    }
    memcpy(out + len, len ? "" : ".", len ? 1 : 2);
    return 0;
}
