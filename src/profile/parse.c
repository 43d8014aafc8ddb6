// SPDX-License-Identifier: Apache-2.0
// One profile's text into a struct. What it extends is parsed first, into the same struct, then
// its own keys are put over that.
#include "profile_int.h"

#include <pinfold/keyfile.h>
#include <pinfold/own.h>
#include <string.h>

#define FORMAT "1"

struct source {
    const char *name, *text;
};

static int open_text(const struct source *src, struct keyfile *k, char label[NAME_MAX_LEN + 16],
                     struct err *e)
{
    (void)snprintf(label, NAME_MAX_LEN + 16, "%s.profile", src->name);
    struct keyfile_entry entry;
    if (keyfile_init(k, label, src->text, strlen(src->text), e))
        return -1;
    int r = keyfile_next(k, &entry, e);
    if (r < 0)
        return -1;
    if (!r || !entry.key || strcmp(entry.key, "format") || strcmp(entry.value, FORMAT))
        return keyfile_error(k, e, "the first line must be format=" FORMAT);
    return 0;
}

// The name behind Extends=, "" when there is none.
static int find_extends(const struct source *src, char ret[NAME_MAX_LEN + 1], struct err *e)
{
    char label[NAME_MAX_LEN + 16];
    struct keyfile k = {0};
    struct keyfile_entry entry;
    int r = open_text(src, &k, label, e);
    ret[0] = '\0';
    while (!r && (r = keyfile_next(&k, &entry, e)) == 1) {
        r = 0;
        if (!entry.key || strcmp(entry.key, "Extends"))
            continue;
        if (!name_ok(entry.value))
            r = keyfile_error(&k, e, "Extends: '%.40s' is not a profile's name", entry.value);
        else
            (void)snprintf(ret, NAME_MAX_LEN + 1, "%s", entry.value);
    }
    keyfile_release(&k);
    return r;
}

static int put_entry(struct parse_state *s, const struct keyfile_entry *entry, struct err *e)
{
    const struct key_row *row = keys_find(entry->key);
    if (!row)
        return err_set(e, ERR_BAD_REQUEST, "no key is called '%.40s'", entry->key);
    if (strcmp(entry->section, keys_section(row)))
        return err_set(e, ERR_BAD_REQUEST, "%s belongs in [%s]", entry->key, keys_section(row));
    return keys_put(s, row, entry->value, e);
}

static int heading_ok(const char *section, struct err *e)
{
    static const char *const sections[] = {"Profile", "Limits", "Sandbox", "SystemCalls"};
    for (size_t i = 0; i < N_ELEMS(sections); i++)
        if (!strcmp(section, sections[i]))
            return 0;
    return err_set(e, ERR_BAD_REQUEST, "no section is called '%.40s'", section);
}

static int put_all(struct parse_state *s, const struct source *src, struct err *e)
{
    char label[NAME_MAX_LEN + 16];
    struct keyfile k = {0};
    struct keyfile_entry entry;
    int r = open_text(src, &k, label, e);
    while (!r && (r = keyfile_next(&k, &entry, e)) == 1) {
        r = entry.key ? put_entry(s, &entry, e) : heading_ok(entry.section, e);
        if (r)
            (void)keyfile_wrap(&k, e);
    }
    if (!r && keys_required(s, e))
        r = err_wrap(e, "%s", label);
    keyfile_release(&k);
    return r;
}

// Drop the reasons that no row names any more.
static int compact_reasons(struct profile *p, struct err *e)
{
    own_free char *old = xmemdup0(p->reasons, sizeof(p->reasons));
    memset(p->reasons, 0, sizeof(p->reasons));
    p->reasons_len = 0;
    for (unsigned i = 0; i < p->n_calls; i++)
        if (p->calls[i].why && !(p->calls[i].why = rows_reason(p, old + p->calls[i].why, e)))
            return -1;
    memset(p->calls + p->n_calls, 0, (PROFILE_CALLS_MAX - p->n_calls) * sizeof(p->calls[0]));
    return 0;
}

// What of a base is its own and not its extenders'.
static void inherit(struct profile *p, const struct source *src, const char *extends)
{
    memset(p->name, 0, sizeof(p->name));
    memset(p->extends, 0, sizeof(p->extends));
    memset(p->description, 0, sizeof(p->description));
    p->internal = false;
    (void)snprintf(p->name, sizeof(p->name), "%s", src->name);
    (void)snprintf(p->extends, sizeof(p->extends), "%s", extends);
}

static int parse_base(struct profile *p, const struct source *src, struct err *e)
{
    char again[NAME_MAX_LEN + 1];
    if (find_extends(src, again, e))
        return -1;
    if (*again)
        return err_set(e, ERR_BAD_REQUEST,
                       "%s.profile extends another itself; only one step is allowed", src->name);
    struct parse_state s = {.p = p};
    return put_all(&s, src, e);
}

int profile_parse(const char *name, const char *text,
                  const char *(*lookup)(void *arg, const char *name), void *arg,
                  struct profile *ret, struct err *e)
{
    if (!name_ok(name))
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a name for a profile", name);
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    struct source src = {name, text}, base = {0};
    char extends[NAME_MAX_LEN + 1];
    if (find_extends(&src, extends, e))
        return -1;
    if (*extends) {
        base = (struct source){extends, lookup ? lookup(arg, extends) : NULL};
        if (!base.text)
            return err_set(e, ERR_NOT_FOUND, "%s.profile extends '%s', which does not exist", name,
                           extends);
        if (parse_base(p, &base, e))
            return -1;
    }
    inherit(p, &src, extends);
    struct parse_state s = {.p = p, .base = *extends ? p : NULL};
    if (put_all(&s, &src, e) || compact_reasons(p, e))
        return -1;
    if (must_check(p, e))
        return err_wrap(e, "%s.profile", name);
    *ret = *p;
    return 0;
}
