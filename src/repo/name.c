// SPDX-License-Identifier: Apache-2.0
// Names in a tree that must not reach a file system. git refuses the same ones by default on
// every platform (core.protectHFS, core.protectNTFS): a workspace may be copied elsewhere.
#include <pinfold/repo_tree.h>

#include <stdint.h>
#include <string.h>
#include <strings.h>

// One code point of UTF-8; *p moves behind it. A malformed byte stands for itself.
static uint32_t next_code(const unsigned char **p)
{
    const unsigned char *s = *p;
    if (s[0] >= 0xe0 && s[0] <= 0xef && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
        *p += 3;
        return ((s[0] & 15u) << 12) | ((s[1] & 63u) << 6) | (s[2] & 63u);
    }
    *p += 1;
    return s[0];
}

// Code points that HFS+ leaves out when it compares names.
static bool hfs_ignores(uint32_t c)
{
    return (c >= 0x200c && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x206a && c <= 0x206f) || c == 0xfeff;
}

static bool hfs_equal(const char *name, const char *what)
{
    const unsigned char *p = (const unsigned char *)name;
    while (*p) {
        uint32_t c = next_code(&p);
        if (hfs_ignores(c))
            continue;
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        if (!*what || c != (unsigned char)*what)
            return false;
        what++;
    }
    return !*what;
}

// NTFS drops trailing dots and spaces and takes what follows a colon for a stream.
static bool ntfs_equal(const char *name, const char *what)
{
    size_t n = strlen(what);
    if (strncasecmp(name, what, n) != 0)
        return false;
    const char *rest = name + n;
    rest += strspn(rest, ". ");
    return !*rest || *rest == ':';
}

static bool is_like(const char *name, const char *what)
{
    return hfs_equal(name, what) || ntfs_equal(name, what);
}

int repo_name_check(const char *name, bool is_symlink, struct err *e)
{
    size_t len = strlen(name);
    if (len == 0 || !strcmp(name, ".") || !strcmp(name, ".."))
        return err_set(e, ERR_DENIED, "an entry is named '%s'", name);
    if (strchr(name, '/'))
        return err_set(e, ERR_DENIED, "an entry's name holds a slash");
    if (len > 255)
        return err_set(e, ERR_LIMIT, "an entry's name is longer than 255 bytes");
    if (is_like(name, ".git") || ntfs_equal(name, "git~1"))
        return err_set(e, ERR_DENIED, "an entry is named like git's own directory (%.40s)", name);
    if (is_symlink && is_like(name, ".gitmodules"))
        return err_set(e, ERR_DENIED, "its .gitmodules is a symbolic link");
    return 0;
}
