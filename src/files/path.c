// SPDX-License-Identifier: Apache-2.0
// Paths as text: normal form, splitting, order. Pure.
#include "files_int.h"

#include <string.h>

static int add_component(char *out, size_t *len, const char *c, size_t c_len)
{
    if (*len + c_len + 1 > TOOL_PATH_MAX)
        return -1;
    if (*len)
        out[(*len)++] = '/';
    memcpy(out + *len, c, c_len);
    *len += c_len;
    out[*len] = 0;
    return 0;
}

int path_normal(const char *base, const char *path, char out[TOOL_PATH_MAX + 1], struct err *e)
{
    size_t len = 0;
    if (!*path)
        return err_set(e, ERR_BAD_REQUEST, "the path is empty");
    out[0] = 0;
    if (*path != '/' && *base && add_component(out, &len, base, strlen(base)))
        return err_set(e, ERR_BAD_REQUEST, "the path is too long");
    for (const char *c = path; *c;) {
        size_t n = strcspn(c, "/");
        if (n == 2 && !memcmp(c, "..", 2))
            return err_set(e, ERR_BAD_REQUEST, "the path has a '..' component");
        if (n > 255)
            return err_set(e, ERR_BAD_REQUEST, "a path component is longer than 255 bytes");
        if (n && !(n == 1 && *c == '.') && add_component(out, &len, c, n))
            return err_set(e, ERR_BAD_REQUEST, "the path is longer than %d bytes", TOOL_PATH_MAX);
        c += n;
        c += *c == '/';
    }
    if (!len)
        memcpy(out, ".", 2);
    return 0;
}

void path_cut(char *path, const char **ret_dir, const char **ret_name)
{
    char *slash = strrchr(path, '/');
    *ret_dir = slash ? path : ".";
    *ret_name = slash ? slash + 1 : path;
    if (slash)
        *slash = 0;
}

int path_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    // A slash sorts below every other byte, so that "a/x" comes before "a-b" as in the walk.
    for (size_t i = 0; i < a_len && i < b_len; i++) {
        if (a[i] == b[i])
            continue;
        if (a[i] == '/' || b[i] == '/')
            return a[i] == '/' ? -1 : 1;
        return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
    }
    return a_len == b_len ? 0 : a_len < b_len ? -1 : 1;
}

bool path_is_above(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len <= b_len && !memcmp(a, b, a_len) && (a_len == b_len || b[a_len] == '/');
}
