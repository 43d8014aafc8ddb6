// SPDX-License-Identifier: Apache-2.0
// tests/profile/*.table in the simulator. Run from the top of the tree.
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pinfold/buf.h>
#include <pinfold/filter.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include "tap.h"

struct set {
    struct profile *profiles;
    struct filter *filters;
    unsigned n;
};

static bool in_list(char *list, const char *name)
{
    bool in = list[0] == '*' || list[0] == '!';
    char *save = NULL;
    for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        if (*w == '!' && !strcmp(w + 1, name))
            return false;
        in |= !strcmp(w, name);
    }
    return in;
}

static const char *verdict_name(uint32_t v)
{
    switch (v) {
    case SECCOMP_RET_ALLOW:
        return "allow";
    case SECCOMP_RET_ERRNO | EPERM:
    case SECCOMP_RET_ERRNO | EAFNOSUPPORT:
        return "refuse";
    case SECCOMP_RET_ERRNO | ENOSYS:
        return "absent";
    default:
        return "something else";
    }
}

struct line {
    char *profiles, *call, *verdict;
    int nr;
    uint64_t args[6];
};

static bool split(char *text, struct line *ret)
{
    char *words[8], *save = NULL, *end;
    unsigned n = 0;
    for (char *w = strtok_r(text, " ", &save); w && n < 8; w = strtok_r(NULL, " ", &save))
        words[n++] = w;
    if (n < 3 || n > 6)
        return false;
    *ret = (struct line){.profiles = words[0], .call = words[1], .verdict = words[n - 1]};
    for (unsigned i = 2; i < n - 1; i++) {
        ret->args[i - 2] = strtoull(words[i], &end, 0);
        if (*end)
            return false;
    }
    if (profile_call_find(ret->call, &ret->nr))
        return ret->nr >= 0;
    ret->nr = (int)strtoul(ret->call, &end, 0);
    return !*end;
}

static void check(const struct set *all, const char *where, const struct line *l)
{
    unsigned checked = 0;
    for (unsigned i = 0; i < all->n; i++) {
        own_free char *list = xstrdup(l->profiles);
        if (!in_list(list, all->profiles[i].name))
            continue;
        checked++;
        struct seccomp_data d = {.nr = l->nr, .arch = filter_arch()};
        memcpy(d.args, l->args, sizeof(d.args));
        uint32_t v = filter_simulate(all->filters[i].insns, all->filters[i].n, &d);
        is_str(verdict_name(v), l->verdict, "%s: %s: %s 0x%llx 0x%llx 0x%llx", where,
               all->profiles[i].name, l->call, (unsigned long long)l->args[0],
               (unsigned long long)l->args[1], (unsigned long long)l->args[2]);
    }
    if (!checked)
        ok(false, "%s: no profile is called %s", where, l->profiles);
}

static void run_table(const struct set *all, const char *path)
{
    own_buf struct buf text = {0};
    struct err e = {0};
    buf_init(&text, 1 << 20);
    if (io_read_file(AT_FDCWD, path, &text, &e)) {
        ok(false, "%s: %s", path, e.text);
        return;
    }
    unsigned number = 0;
    for (char *at = text.data, *next; at && *at; at = next) {
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        number++;
        if (!*at || *at == '#')
            continue;
        char where[200];
        struct line l;
        (void)snprintf(where, sizeof(where), "%s:%u", path, number);
        if (split(at, &l))
            check(all, where, &l);
        else
            ok(false, "%s is no line of a table", where);
    }
}

int main(void)
{
    struct set all = {0};
    struct err e = {0};
    glob_t tables;
    own_fd int fd = open("profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!ok(!profile_load_dir(fd, &all.profiles, &all.n, &e), "profiles load %s", e.text))
        return done_testing();
    all.filters = xcalloc(all.n, sizeof(*all.filters));
    for (unsigned i = 0; i < all.n; i++)
        ok(!filter_compile(&all.profiles[i], false, &all.filters[i], &e), "%s compiles %s",
           all.profiles[i].name, e.text);
    ok(!glob("tests/profile/*.table", 0, NULL, &tables) && tables.gl_pathc >= 2, "tables found");
    for (size_t i = 0; i < tables.gl_pathc; i++)
        run_table(&all, tables.gl_pathv[i]);
    globfree(&tables);
    for (unsigned i = 0; i < all.n; i++)
        filter_release(&all.filters[i]);
    free(all.filters);
    free(all.profiles);
    return done_testing();
}
