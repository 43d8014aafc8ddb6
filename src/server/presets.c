// SPDX-License-Identifier: Apache-2.0
// What @apt, @npm and @pip stand for: the hosts that this machine's own configuration names, read
// once, while that is still possible. So a company's mirror is in them without being said again.
// Where nothing is configured, what the installed tool itself would use. Presets= goes before all.
#include "server_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <pinfold/buf.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <string.h>

#define FILE_MAX (1u << 20)

static const struct source {
    const char *preset, *path, *key; // key: only lines that have it; NULL: all
    bool fallback;                   // only when nothing was found before
} sources[] = {
    {"apt", "/etc/apt/sources.list", NULL, false},
    {"apt", "/etc/apt/sources.list.d/", NULL, false},
    {"npm", "/etc/npmrc", "registry", false},
    {"npm", "/usr/etc/npmrc", "registry", false},
    {"npm", "/usr/lib/node_modules/npm/node_modules/@npmcli/config/lib/definitions/definitions.js",
     "default: 'https://", true},
    {"pip", "/etc/pip.conf", "index-url", false},
    {"pip", "/usr/lib/python3/dist-packages/pip/_internal/models/index.py", "\nPyPI = ", true},
};
static const char *const names[] = {"apt", "npm", "pip", "models"};

// A host that cannot be a rule is none.
static void add(struct policy *p, const char *s, size_t n)
{
    own_free char *rule = xmemdup0(s, n);
    (void)policy_parse(p, rule, NULL);
}

static void add_line(struct policy *p, const char *s, size_t n)
{
    static const char storage[] = "file_storage_domain=\"";
    const char *end = s + n, *at = s;
    while ((at = memmem(at, (size_t)(end - at), "://", 3))) {
        const char *from = at + 3, *to = from;
        bool http = (at - s >= 4 && !strncmp(at - 4, "http", 4)) ||
                    (at - s >= 5 && !strncmp(at - 5, "https", 5));
        while (to < end && !strchr("/ \t\r'\"),]?#", *to))
            to++;
        const char *user = memrchr(from, '@', (size_t)(to - from));
        from = user ? user + 1 : from;
        if (http)
            add(p, from, (size_t)(to - from));
        at = to;
    }
    if ((at = memmem(s, n, storage, sizeof(storage) - 1))) {
        at += sizeof(storage) - 1;
        const char *to = memchr(at, '"', (size_t)(end - at));
        add(p, at, to ? (size_t)(to - at) : 0);
    }
}

static void add_file(struct policy *p, int at, const char *name, const char *key)
{
    own_buf struct buf text;
    buf_init(&text, FILE_MAX);
    if (buf_putc(&text, '\n') || io_read_file(at, name, &text, NULL))
        return;
    for (const char *line = text.data; line; line = strchr(line + 1, '\n')) {
        size_t n = 1 + strcspn(line + 1, "\n"); // with the line break in front
        size_t blank = 1 + strspn(line + 1, " \t");
        if (line[blank] != '#' && line[blank] != ';' && (!key || memmem(line, n, key, strlen(key))))
            add_line(p, line, n);
    }
}

static bool ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n > k && !strcmp(s + n - k, suffix);
}

static void add_source(struct policy *p, const struct source *from)
{
    if (!ends(from->path, "/")) {
        add_file(p, AT_FDCWD, from->path, from->key);
        return;
    }
    own_dir DIR *d = opendir(from->path);
    for (struct dirent *de; d && (de = readdir(d));)
        if (ends(de->d_name, ".list") || ends(de->d_name, ".sources"))
            add_file(p, dirfd(d), de->d_name, from->key);
}

static struct core_preset *named(struct stock *s, const char *name, size_t n)
{
    for (unsigned i = 0; i < s->n_presets; i++)
        if (strlen(s->presets[i].name) == n && !memcmp(s->presets[i].name, name, n))
            return &s->presets[i];
    if (s->n_presets == PRESETS_MAX)
        return NULL;
    struct core_preset *p = &s->presets[s->n_presets++];
    memcpy(p->name, name, n); // the setting's check bounds it
    return p;
}

static void put(struct core_preset *to, const struct policy *rules)
{
    own_buf struct buf text;
    buf_init(&text, POLICY_TEXT_MAX);
    (void)policy_format(rules, &text); // cut is fine: fewer hosts
    free(to->rules);
    to->rules = xstrdup(text.data);
}

static void find(struct stock *s, const struct conf *conf, const char *name)
{
    struct policy p = {0};
    for (size_t i = 0; i < N_ELEMS(sources); i++)
        if (!strcmp(sources[i].preset, name) && (!sources[i].fallback || !p.n))
            add_source(&p, &sources[i]);
    for (uint64_t i = 0; !strcmp(name, "apt") && i < conf->n_mirrors; i++)
        add_line(&p, conf->mirrors[i].url, strlen(conf->mirrors[i].url));
    put(named(s, name, strlen(name)), &p);
    policy_release(&p);
}

int presets_load(struct stock *s, const struct conf *conf, struct err *e)
{
    for (size_t i = 0; i < N_ELEMS(names); i++)
        find(s, conf, names[i]);
    const char *at = conf->presets;
    while (*(at += strspn(at, " "))) {
        size_t n = strcspn(at, " "), name = strcspn(at, "=");
        own_free char *rules = xmemdup0(at + name + 1, n - name - 1);
        for (char *c = rules; *c; c++)
            *c = *c == ',' ? ' ' : *c;
        struct policy p = {0};
        struct core_preset *to = named(s, at, name);
        int bad = to ? policy_parse(&p, rules, e)
                     : err_set(e, ERR_LIMIT, "Presets= has more than %d names", PRESETS_MAX);
        if (!bad)
            put(to, &p);
        policy_release(&p);
        if (bad)
            return -1;
        at += n;
    }
    return 0;
}
