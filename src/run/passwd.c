// SPDX-License-Identifier: Apache-2.0
// See passwd.h.
#include <pinfold/num.h>
#include <pinfold/passwd.h>
#include <stdio.h>
#include <string.h>

// Field i of a colon-separated line into out; false when there is none or no room.
static bool field(const char *line, size_t len, unsigned i, char *out, size_t room)
{
    const char *end = line + len;
    for (; i; i--) {
        line = memchr(line, ':', (size_t)(end - line));
        if (!line)
            return false;
        line++;
    }
    const char *stop = memchr(line, ':', (size_t)(end - line));
    size_t n = (size_t)((stop ? stop : end) - line);
    if (n >= room)
        return false;
    memcpy(out, line, n);
    out[n] = '\0';
    return true;
}

static bool match(const char *line, size_t len, const char *name, uint32_t uid,
                  struct passwd_user *ret)
{
    char user[64], id[16], gid[16], home[256];
    if (!field(line, len, 0, user, sizeof(user)) || !field(line, len, 2, id, sizeof(id)) ||
        !field(line, len, 3, gid, sizeof(gid)) || !field(line, len, 5, home, sizeof(home)))
        return false;
    uint64_t u, g;
    if (num_parse_u64(id, 0, 65535, &u, NULL) || num_parse_u64(gid, 0, 65535, &g, NULL) ||
        (*name ? strcmp(user, name) != 0 : u != uid))
        return false;
    ret->uid = (uid_t)u;
    ret->gid = (gid_t)g;
    (void)snprintf(ret->home, sizeof(ret->home), "%s", home);
    return true;
}

bool passwd_find(const char *text, size_t len, const char *name, uint32_t uid,
                 struct passwd_user *ret)
{
    for (const char *at = text, *end = text + len; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        if (match(at, n, name, uid, ret))
            return true;
        at += n + 1;
    }
    return false;
}
