// SPDX-License-Identifier: Apache-2.0
// Arguments, environments and working directories as clients give them: checked, and packed the
// way init takes them. Pure.
#include "exec_int.h"

#include <pinfold/own.h>
#include <stdio.h>

#define ARGS_MAX 8192 // strings; init's own limit is higher
#define ENV_NAME_MAX 256

static int add(struct packed *k, const char *s)
{
    return buf_append(&k->bytes, s, strlen(s) + 1);
}

int packed_argv(struct packed *k, const char *const *argv, struct err *e)
{
    for (; argv && *argv; argv++) {
        if (k->n_argv == ARGS_MAX)
            return err_set(e, ERR_LIMIT, "argv has more than %d entries", ARGS_MAX);
        if (add(k, *argv))
            return err_set(e, ERR_LIMIT, "argv is larger than %zu bytes", k->bytes.max);
        k->n_argv++;
    }
    k->env_at = k->bytes.len;
    return k->n_argv ? 0 : err_set(e, ERR_BAD_REQUEST, "argv is empty");
}

int packed_shell(struct packed *k, const char *command, struct err *e)
{
    // A command that looks like an option would be taken for one.
    bool dash = command[0] == '-' || command[0] == '+';
    const char *argv[] = {"/bin/sh", "-c", dash ? "--" : command, dash ? command : NULL, NULL};
    if (packed_argv(k, argv, e))
        return err_set(e, ERR_LIMIT, "command is larger than %zu bytes", k->bytes.max);
    return 0;
}

static bool has_name(const struct packed *k, const char *entry)
{
    size_t n = strcspn(entry, "=") + 1;
    for (size_t at = k->env_at; at < k->bytes.len; at += strlen(k->bytes.data + at) + 1)
        if (!strncmp(k->bytes.data + at, entry, n))
            return true;
    return false;
}

int packed_env(struct packed *k, const char *const *env, struct err *e)
{
    for (; env && *env; env++) {
        if (has_name(k, *env))
            continue;
        if (add(k, *env))
            return err_set(e, ERR_LIMIT, "arguments and environment are larger than %zu bytes",
                           k->bytes.max);
        k->n_env++;
    }
    return 0;
}

int env_check(const char *const *env, const char *what, size_t max_n, size_t max_bytes,
              struct err *e)
{
    size_t n = 0, bytes = 0;
    for (; env && *env; env++, n++) {
        const char *equals = strchr(*env, '=');
        if (!equals || equals == *env || equals - *env > ENV_NAME_MAX)
            return err_set(e, ERR_BAD_REQUEST, "%s: '%.40s' has no name of 1 to %d bytes", what,
                           *env, ENV_NAME_MAX);
        bytes += strlen(*env) + 1;
    }
    if (n > max_n)
        return err_set(e, ERR_LIMIT, "%s has %zu entries; at most %zu are allowed", what, n, max_n);
    if (bytes > max_bytes)
        return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", what, max_bytes);
    return 0;
}

int cwd_check(const char *cwd, char *ret, struct err *e)
{
    size_t n = cwd ? strlen(cwd) : 0;
    if (n + sizeof("/workspace/") > CWD_MAX)
        return err_set(e, ERR_LIMIT, "cwd is longer than %zu bytes",
                       CWD_MAX - sizeof("/workspace/"));
    if (n && cwd[0] == '/') {
        memcpy(ret, cwd, n + 1);
        return 0;
    }
    int depth = 0; // components below /workspace; a link among them leads nowhere but inside
    for (const char *at = cwd; n && *at; at += strspn(at, "/")) {
        size_t len = strcspn(at, "/");
        if (len == 2 && !memcmp(at, "..", 2))
            depth--;
        else if (len != 1 || *at != '.')
            depth++;
        if (depth < 0)
            return err_set(e, ERR_BAD_REQUEST, "cwd '%.80s' leads out of /workspace", cwd);
        at += len;
    }
    (void)snprintf(ret, CWD_MAX, n ? "/workspace/%s" : "/workspace", n ? cwd : "");
    return 0;
}

struct strings *strings_copy(const char *const *list)
{
    size_t n = 0, bytes = 0;
    for (const char *const *s = list; s && *s; s++, n++)
        bytes += strlen(*s) + 1;
    struct strings *ret = xcalloc(1, sizeof(*ret) + (n + 1) * sizeof(char *) + bytes);
    ret->n = n;
    ret->packed_len = bytes;
    char *to = (char *)(ret->list + n + 1);
    ret->packed = to;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(list[i]) + 1;
        memcpy(to, list[i], len);
        ret->list[i] = to;
        to += len;
    }
    return ret;
}

struct strings *strings_unpack(const void *p, size_t len)
{
    size_t n = 0;
    const char *from = p;
    if (len && from[len - 1])
        len = 0; // cut short: not what was written
    for (size_t i = 0; i < len; i++)
        n += !from[i];
    struct strings *ret = xcalloc(1, sizeof(*ret) + (n + 1) * sizeof(char *) + len);
    ret->n = n;
    ret->packed_len = len;
    char *to = (char *)(ret->list + n + 1);
    ret->packed = to;
    if (len)
        memcpy(to, from, len);
    for (size_t i = 0; i < n; i++) {
        ret->list[i] = to;
        to += strlen(to) + 1;
    }
    return ret;
}

struct strings *strings_take_with(struct strings *old, size_t skip, const char *add)
{
    own_free const char **list = xcalloc(old->n + 2, sizeof(*list));
    size_t n = 0;
    for (size_t i = skip; i < old->n; i++)
        list[n++] = old->list[i];
    list[n] = add;
    struct strings *ret = strings_copy(list);
    free(old);
    return ret;
}
