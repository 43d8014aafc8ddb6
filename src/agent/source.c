// SPDX-License-Identifier: Apache-2.0
// Agent files: text to struct.
#include <pinfold/agent_source.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pinfold/buf.h>
#include <pinfold/io.h>
#include <pinfold/keyfile.h>
#include <pinfold/own.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool only(const char *s, const char *others)
{
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(others, *s))
            return false;
    return true;
}

static int check_text(const char *v, struct err *e)
{
    for (; *v; v++)
        if ((unsigned char)*v < ' ')
            return err_set(e, ERR_BAD_REQUEST, "a control character");
    return 0;
}

// 1.2.3, and what may follow it.
static bool is_version(const char *v)
{
    for (unsigned i = 0; i < 3; i++) {
        size_t n = strspn(v, "0123456789");
        if (!n || (i < 2 && v[n] != '.'))
            return false;
        v += n + (i < 2);
    }
    return (!*v || *v == '-' || *v == '+') && !strchr(v, '/');
}

// A name and an exact version: a range or a word like "latest" would be another tool each day, under
// the key of one.
static int check_package(const char *word, struct err *e)
{
    const char *at = strrchr(word, '@');
    if (!only(word, "@/._-+{}") || (*word != '@' && !isalnum((unsigned char)*word)))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not the name of a package", word);
    if (!at || at == word || !is_version(at + 1))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' names no exact version, as in NAME@1.2.3",
                       word);
    return 0;
}

static int check_packages(const char *v, struct err *e)
{
    own_free char *copy = xstrdup(v);
    char *rest = copy, *word;
    int r;
    while ((r = keyfile_word(&rest, &word, e)) > 0)
        if (check_package(word, e))
            return -1;
    return r;
}

static int check_program(const char *v, struct err *e)
{
    return name_ok(v) ? 0 : err_set(e, ERR_BAD_REQUEST, "'%.70s' is not the name of a program", v);
}

static int check_path(const char *v, struct err *e)
{
    if (*v == '/' || strstr(v, "..") || !only(v, "@/._-+{}"))
        return err_set(e, ERR_BAD_REQUEST, "'%.70s' is not a path below node_modules", v);
    return 0;
}

#define KEY(section, key, member, check)                                                           \
    KEYFILE_TEXT(struct agent_source, section, key, member, check)
static const struct keyfile_text keys[] = {
    KEY("Agent", "Description", description, check_text),
    KEY("Agent", "License", licence, check_text),
    KEY("Npm", "Packages", packages, check_packages),
    KEY("Npm", "Program", program, check_program),
    KEY("Npm", "Path", path, check_path),
};

static int take(const struct keyfile *k, const struct keyfile_entry *en, struct agent_source *s,
                struct err *e)
{
    bool known = !strcmp(en->section, "Agent") || !strcmp(en->section, "Npm");
    if (!known)
        return keyfile_error(k, e, "unknown section [%s]: Agent and Npm are known", en->section);
    int r = en->key ? keyfile_take(k, en, keys, N_ELEMS(keys), s, e) : 0;
    return r > 0 ? keyfile_error(k, e, "unknown key '%s' in [%s]", en->key, en->section) : r;
}

int agent_source_parse(const char *name, const char *text, size_t len, struct agent_source *ret,
                       struct err *e)
{
    char file[NAME_MAX_LEN + 8];
    struct keyfile k;
    struct keyfile_entry en;
    *ret = (struct agent_source){0};
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name); // longer ones fail name_ok
    (void)snprintf(file, sizeof(file), "%s.agent", name);
    if (keyfile_init(&k, file, text, len, e))
        return -1;
    int r;
    while ((r = keyfile_next(&k, &en, e)) > 0)
        if (take(&k, &en, ret, e)) {
            r = -1;
            break;
        }
    keyfile_release(&k);
    unsigned given = (*ret->packages != 0) + (*ret->program != 0) + (*ret->path != 0);
    if (!r && given && given < 3)
        r = err_set(e, ERR_BAD_REQUEST, "%s: Packages=, Program= and Path= belong together", file);
    return r;
}

int agent_source_load(int profiles_fd, const char *name, struct agent_source *ret, struct err *e)
{
    own_buf struct buf b;
    char path[NAME_MAX_LEN + 16];
    buf_init(&b, AGENT_FILE_MAX);
    if (!name_ok(name))
        return err_set(e, ERR_NOT_FOUND, "'%.70s' is not the name of an agent", name);
    (void)snprintf(path, sizeof(path), "agents/%s.agent", name);
    if (faccessat(profiles_fd, path, F_OK, 0) && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "there is no agent file %s among the profiles", path);
    if (io_read_file(profiles_fd, path, &b, e))
        return -1;
    return agent_source_parse(name, b.data, b.len, ret, e);
}
