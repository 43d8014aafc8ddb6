// SPDX-License-Identifier: Apache-2.0
// .gitmodules. A reader of our own, since libgit2's follows include.path to any file.
#include <pinfold/repo_tree.h>

#include <pinfold/buf.h>
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <string.h>
#include <strings.h>

struct reader {
    const char *p, *end;
    unsigned line;
    size_t max;
    struct repo_modules *out;
    struct repo_module *current; // the section we are in, NULL for other sections
    struct err *e;
};

static int malformed(struct reader *r)
{
    return err_set(r->e, ERR_BAD_REQUEST, ".gitmodules is malformed at line %u", r->line);
}

static bool at_end_of_line(const struct reader *r)
{
    return r->p == r->end || *r->p == '\n';
}

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
}

static void skip_line(struct reader *r)
{
    while (!at_end_of_line(r))
        r->p++;
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static struct repo_module *module_get(struct reader *r, const char *name)
{
    struct repo_modules *m = r->out;
    for (size_t i = 0; i < m->n; i++)
        if (!strcmp(m->list[i].name, name))
            return &m->list[i];
    if (m->n == r->max) {
        (void)err_set(r->e, ERR_LIMIT, ".gitmodules names more than %zu submodules", r->max);
        return NULL;
    }
    m->list = xrealloc(m->list, (m->n + 1) * sizeof(*m->list));
    struct repo_module *new = &m->list[m->n++];
    memset(new, 0, sizeof(*new));
    memcpy(new->name, name, strlen(name) + 1);
    new->url = xstrdup("");
    return new;
}

// Parts between slashes: none empty, none dot or dot-dot or like .git, none like an option. No control
// bytes, which one program reads and another one loses (CVE-2025-48384).
static int parts_check(const char *s, const char *what, struct err *e)
{
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_set(e, ERR_DENIED, "a submodule's %s has a control character in it", what);
    for (const char *p = s; p;) {
        char part[256];
        const char *slash = strchr(p, '/');
        size_t n = slash ? (size_t)(slash - p) : strlen(p);
        if (n >= sizeof(part))
            return err_set(e, ERR_LIMIT, "a submodule's %s has a part over 255 bytes", what);
        memcpy(part, p, n);
        part[n] = '\0';
        if (part[0] == '-' || repo_name_check(part, false, NULL) < 0)
            return err_set(e, ERR_DENIED, "a submodule's %s is not allowed", what);
        p = slash ? slash + 1 : NULL;
    }
    return 0;
}

// The subsection's name between quotes, behind them and before the bracket.
static int read_quoted(struct reader *r, char *ret, size_t room)
{
    size_t n = 0;
    for (r->p++;; r->p++) {
        if (at_end_of_line(r) || n + 1 >= room)
            return malformed(r);
        if (*r->p == '"')
            break;
        if (*r->p == '\\' && ++r->p == r->end)
            return malformed(r);
        if ((unsigned char)*r->p < 0x20)
            return malformed(r);
        ret[n++] = *r->p;
    }
    ret[n] = '\0';
    r->p++;
    return 0;
}

static int read_section(struct reader *r)
{
    char name[REPO_MODULE_NAME_MAX];
    const char *start = ++r->p;
    while (r->p < r->end && (is_key_char(*r->p) || *r->p == '.'))
        r->p++;
    bool ours = r->p - start == 9 && !strncasecmp(start, "submodule", 9);
    skip_blanks(r);
    r->current = NULL;
    if (r->p < r->end && *r->p == '"') {
        if (read_quoted(r, name, sizeof(name)) < 0)
            return -1;
        if (ours && (parts_check(name, "name", r->e) < 0 || !(r->current = module_get(r, name))))
            return -1;
    }
    if (r->p == r->end || *r->p != ']')
        return malformed(r);
    r->p++;
    return 0;
}

// A backslash in a value; nothing for one before the end of the line, which it continues.
static int read_escape(struct reader *r, struct buf *value)
{
    if (++r->p == r->end)
        return malformed(r);
    char c = *r->p++;
    if (c == '\r' && r->p < r->end && *r->p == '\n')
        c = *r->p++;
    switch (c) {
    case '\n':
        r->line++;
        return 0;
    case '"':
    case '\\':
        return buf_putc(value, c);
    case 't':
        return buf_putc(value, '\t');
    case 'n':
        return buf_putc(value, '\n');
    default:
        return malformed(r);
    }
}

static int read_value(struct reader *r, struct buf *value)
{
    bool quoted = false;
    size_t keep = 0; // the length without trailing blanks
    skip_blanks(r);
    while (!at_end_of_line(r) && (quoted || (*r->p != '#' && *r->p != ';'))) {
        char c = *r->p;
        bool blank = c == ' ' || c == '\t' || c == '\r';
        int bad = 0;
        if (c == '\\') {
            bad = read_escape(r, value);
        } else {
            r->p++;
            if (c == '"')
                quoted = !quoted;
            else
                bad = buf_putc(value, c);
        }
        if (bad < 0)
            return malformed(r);
        if (!blank || quoted)
            keep = value->len;
    }
    if (quoted || memchr(value->data, '\0', value->len))
        return malformed(r);
    skip_line(r);
    if (value->len > keep) {
        value->len = keep;
        value->data[keep] = '\0';
    }
    return 0;
}

static int take_value(struct reader *r, const char *key, size_t key_len, const char *value)
{
    struct repo_module *m = r->current;
    if (key_len == 4 && !strncasecmp(key, "path", 4)) {
        size_t n = strlen(value);
        if (n >= sizeof(m->path))
            return err_set(r->e, ERR_LIMIT, "a submodule's path is longer than %zu bytes",
                           sizeof(m->path) - 1);
        if (parts_check(value, "path", r->e) < 0)
            return -1;
        memcpy(m->path, value, n + 1);
    } else if (key_len == 3 && !strncasecmp(key, "url", 3)) {
        free(m->url);
        m->url = xstrdup(value);
    }
    return 0;
}

static int read_key(struct reader *r)
{
    own_buf struct buf value = {0};
    const char *key = r->p;
    buf_init(&value, 4096);
    while (r->p < r->end && is_key_char(*r->p))
        r->p++;
    size_t key_len = (size_t)(r->p - key);
    skip_blanks(r);
    if (key_len == 0)
        return malformed(r);
    if (at_end_of_line(r) || *r->p == '#' || *r->p == ';') { // a key alone means true
        skip_line(r);
        return 0;
    }
    if (*r->p++ != '=' || read_value(r, &value) < 0)
        return malformed(r);
    return r->current ? take_value(r, key, key_len, value.data) : 0;
}

static int read_all(struct reader *r)
{
    while (r->p < r->end) {
        skip_blanks(r);
        if (r->p == r->end)
            break;
        int bad = 0;
        if (*r->p == '\n') {
            r->p++;
            r->line++;
        } else if (*r->p == '#' || *r->p == ';') {
            skip_line(r);
        } else {
            bad = *r->p == '[' ? read_section(r) : read_key(r);
        }
        if (bad < 0)
            return -1;
    }
    return 0;
}

int repo_modules_parse(const char *text, size_t len, size_t max, struct repo_modules *ret,
                       struct err *e)
{
    struct repo_modules found = {0};
    struct reader r = {.p = text, .end = text + len, .line = 1, .max = max, .out = &found, .e = e};
    if (len > REPO_MODULES_TEXT_MAX)
        return err_set(e, ERR_LIMIT, ".gitmodules is larger than %u bytes", REPO_MODULES_TEXT_MAX);
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r.p += 3;
    if (read_all(&r) < 0) {
        repo_modules_release(&found);
        return -1;
    }
    *ret = found;
    return 0;
}

void repo_modules_release(struct repo_modules *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->list[i].url);
    free(m->list);
    *m = (struct repo_modules){0};
}
