// SPDX-License-Identifier: Apache-2.0
// The reader of `Key=value` text.
#include <pinfold/keyfile.h>

#include <pinfold/own.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char blanks[] = " \t\r";

int keyfile_init(struct keyfile *k, const char *name, const char *text, size_t len, struct err *e)
{
    *k = (struct keyfile){.name = name, .next_line = 1};
    const char *nul = memchr(text, 0, len);
    if (nul)
        return err_set(e, ERR_BAD_REQUEST, "%s: a NUL byte at offset %zu", name,
                       (size_t)(nul - text));
    // An empty first section's name lives in front of the text, so that all strings have one owner.
    k->text = xmalloc(len + 2);
    k->text[0] = '\0';
    if (len)
        memcpy(k->text + 1, text, len);
    k->text[len + 1] = '\0';
    k->section = k->text;
    k->next = k->text + 1;
    return 0;
}

void keyfile_release(struct keyfile *k)
{
    free(k->text);
    *k = (struct keyfile){0};
}

static int verror(const struct keyfile *k, struct err *e, const char *fmt, va_list ap)
{
    char what[sizeof(e->text)];
    (void)vsnprintf(what, sizeof(what), fmt, ap); // cut at the size of an error's text
    return err_set(e, ERR_BAD_REQUEST, "%s:%u: %s", k->name, k->line, what);
}

int keyfile_error(const struct keyfile *k, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int r = verror(k, e, fmt, ap);
    va_end(ap);
    return r;
}

int keyfile_wrap(const struct keyfile *k, struct err *e)
{
    return err_wrap(e, "%s:%u", k->name, k->line);
}

static char *trim(char *s)
{
    s += strspn(s, blanks);
    size_t n = strlen(s);
    while (n && strchr(blanks, s[n - 1]))
        n--;
    s[n] = '\0';
    return s;
}

// Cut one physical line out of the text.
static char *cut_line(struct keyfile *k)
{
    char *line = k->next, *end = strchr(line, '\n');
    k->next_line++;
    if (end) {
        *end = '\0';
        k->next = end + 1;
    } else {
        k->next = line + strlen(line);
    }
    return line;
}

static bool ends_in_backslash(const char *line)
{
    size_t n = strlen(line);
    return n && line[n - 1] == '\\';
}

// One logical line: joined parts move down next to each other, which needs no more room than
// they had.
static char *cut_joined(struct keyfile *k)
{
    char *line = cut_line(k);
    char first = line[strspn(line, blanks)];
    if (first == '#' || first == ';')
        return line; // a comment never continues
    while (ends_in_backslash(line) && *k->next) {
        size_t n = strlen(line);
        line[n - 1] = ' ';
        char *more = cut_line(k);
        memmove(line + n, more, strlen(more) + 1);
    }
    return line;
}

static int heading(struct keyfile *k, char *line, struct keyfile_entry *ret, struct err *e)
{
    size_t n = strlen(line);
    if (n < 3 || line[n - 1] != ']' || strpbrk(line + 1, "[]") != line + n - 1)
        return keyfile_error(k, e, "'%.40s' is not a [Section] heading", line);
    line[n - 1] = '\0';
    k->section = line + 1;
    *ret = (struct keyfile_entry){k->section, NULL, line + n - 1, k->line};
    return 1;
}

static int entry(struct keyfile *k, char *line, struct keyfile_entry *ret, struct err *e)
{
    char *equals = strchr(line, '=');
    if (!equals)
        return keyfile_error(k, e, "'%.40s' is not Key=value", line);
    *equals = '\0';
    char *key = trim(line);
    size_t n = strlen(key);
    if (!n || n > KEYFILE_KEY_MAX || strpbrk(key, blanks))
        return keyfile_error(k, e, "'%.40s' is not the name of a key", key);
    *ret = (struct keyfile_entry){k->section, key, trim(equals + 1), k->line};
    return 1;
}

int keyfile_next(struct keyfile *k, struct keyfile_entry *ret, struct err *e)
{
    while (*k->next) {
        k->line = k->next_line;
        char *line = trim(cut_joined(k));
        if (!*line || *line == '#' || *line == ';')
            continue;
        return *line == '[' ? heading(k, line, ret, e) : entry(k, line, ret, e);
    }
    return 0;
}

int keyfile_word(char **rest, char **ret_word, struct err *e)
{
    char *in = *rest + strspn(*rest, " \t"), *out = in, *word = in;
    bool quoted = false;
    if (!*in)
        return 0;
    for (; *in && (quoted || (*in != ' ' && *in != '\t')); in++) {
        if (*in == '"')
            quoted = !quoted;
        else if (*in == '\\' && quoted && (in[1] == '"' || in[1] == '\\'))
            *out++ = *++in;
        else
            *out++ = *in;
    }
    if (quoted)
        return err_set(e, ERR_BAD_REQUEST, "a quote is not closed: %.60s", word);
    *rest = *in ? in + 1 : in;
    *out = '\0';
    *ret_word = word;
    return 1;
}

int keyfile_take(const struct keyfile *k, const struct keyfile_entry *en,
                 const struct keyfile_text *rows, size_t n, void *to, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        char *at = (char *)to + rows[i].offset;
        if (strcmp(en->section, rows[i].section) != 0 || strcmp(en->key, rows[i].key) != 0)
            continue;
        if (*at)
            return keyfile_error(k, e, "%s= stands here a second time", en->key);
        if (!*en->value)
            return keyfile_error(k, e, "%s= has no value", en->key);
        if (strlen(en->value) >= rows[i].size)
            return keyfile_error(k, e, "%s= is longer than %zu bytes", en->key, rows[i].size - 1);
        if (rows[i].check(en->value, e))
            return keyfile_wrap(k, e);
        memcpy(at, en->value, strlen(en->value) + 1);
        return 0;
    }
    return 1;
}
