// SPDX-License-Identifier: Apache-2.0
// From text to struct conf and back, by the table alone.
#include "conf_int.h"

#include <pinfold/id.h>
#include <pinfold/keyfile.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdbool.h>
#include <string.h>

static const char mirror_prefix[] = "Mirror.";

static void *at(const struct conf *c, const struct conf_row *row)
{
    return (char *)(uintptr_t)c + row->offset;
}

static const struct conf_row *find_row(const char *name)
{
    if (!strncmp(name, mirror_prefix, sizeof(mirror_prefix) - 1))
        name = "Mirror";
    else if (!strcmp(name, "Mirror"))
        return NULL; // only with an image behind the dot
    for (unsigned i = 0; i < n_conf_rows; i++)
        if (!strcmp(conf_rows[i].name, name))
            return &conf_rows[i];
    return NULL;
}

static int parse_bool(const char *value, uint64_t *ret, struct err *e)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < N_ELEMS(words); i++)
        if (!strcmp(value, words[i])) {
            *ret = i & 1;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "'%.40s' is neither yes nor no", value);
}

static int parse_word(const struct conf_row *row, const char *value, uint64_t *ret, struct err *e)
{
    for (uint64_t i = 0; row->words[i]; i++)
        if (!strcmp(value, row->words[i])) {
            *ret = i;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not one of the words for it", value);
}

static int parse_number(const struct conf_row *row, const char *value, uint64_t *ret, struct err *e)
{
    switch (row->type) {
    case CONF_BOOL:
        return parse_bool(value, ret, e);
    case CONF_WORD:
        return parse_word(row, value, ret, e);
    case CONF_SIZE:
        return num_parse_size(value, ret, e);
    case CONF_DURATION:
        return num_parse_duration_ms(value, ret, e);
    default:
        return num_parse_u64(value, 0, UINT64_MAX, ret, e);
    }
}

static void format_number(const struct conf_row *row, uint64_t v, struct buf *out)
{
    if (row->type == CONF_BOOL)
        (void)buf_puts(out, v ? "yes" : "no");
    else if (row->type == CONF_WORD)
        (void)buf_puts(out, row->words[v]);
    else if (row->type == CONF_DURATION)
        (void)buf_printf(out, "%llums", (unsigned long long)v);
    else
        (void)buf_printf(out, "%llu", (unsigned long long)v);
}

static int set_number(struct conf *c, const struct conf_row *row, const char *value, struct err *e)
{
    uint64_t v;
    if (parse_number(row, value, &v, e))
        return -1;
    if (row->type != CONF_WORD && (v < row->min || v > row->max)) {
        own_buf struct buf lo, hi;
        buf_init(&lo, 64);
        buf_init(&hi, 64);
        format_number(row, row->min, &lo);
        format_number(row, row->max, &hi);
        return err_set(e, ERR_BAD_REQUEST, "%.40s is not from %s to %s", value, lo.data, hi.data);
    }
    memcpy(at(c, row), &v, sizeof(v));
    return 0;
}

static int set_text(char *to, size_t room, const char *value, struct err *e)
{
    size_t n = strlen(value);
    if (n >= room)
        return err_set(e, ERR_BAD_REQUEST, "longer than %zu bytes", room - 1);
    memcpy(to, value, n + 1);
    return 0;
}

static int set_mirror(struct conf *c, const char *key, const char *value, struct err *e)
{
    const char *image = key + sizeof(mirror_prefix) - 1;
    if (!name_ok(image))
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not the name of an image", image);
    for (uint64_t i = 0; i < c->n_mirrors; i++)
        if (!strcmp(c->mirrors[i].image, image))
            return err_set(e, ERR_BAD_REQUEST, "set twice");
    if (c->n_mirrors == CONF_MIRRORS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d mirrors", CONF_MIRRORS_MAX);
    struct conf_mirror *m = &c->mirrors[c->n_mirrors];
    if (set_text(m->url, sizeof(m->url), value, e))
        return -1;
    (void)set_text(m->image, sizeof(m->image), image, NULL); // name_ok bounds its length
    c->n_mirrors++;
    return 0;
}

static int set_row(struct conf *c, const struct conf_row *row, const char *key, const char *value,
                   struct err *e)
{
    if (row->check && row->check(value, e))
        return -1;
    switch (row->type) {
    case CONF_TEXT:
        return set_text(at(c, row), row->size, value, e);
    case CONF_FILE: {
        struct conf_file *f = at(c, row);
        return set_text(f->path, sizeof(f->path), value, e);
    }
    case CONF_MIRRORS:
        return set_mirror(c, key, value, e);
    default:
        return set_number(c, row, value, e);
    }
}

void conf_init(struct conf *c)
{
    *c = (struct conf){0};
    for (unsigned i = 0; i < n_conf_rows; i++)
        if (conf_rows[i].type != CONF_MIRRORS && conf_rows[i].type != CONF_FILE)
            if (set_row(c, &conf_rows[i], conf_rows[i].name, conf_rows[i].def, NULL))
                abort(); // a default of the table is not within its own bounds
}

void conf_release(struct conf *c)
{
    for (unsigned i = 0; i < n_conf_rows; i++)
        if (conf_rows[i].type == CONF_FILE) {
            struct conf_file *f = at(c, &conf_rows[i]);
            if (f->text)
                explicit_bzero(f->text, f->len);
            free(ptr_steal(&f->text));
        }
    explicit_bzero(c->admin_token, sizeof(c->admin_token));
}

int conf_set(struct conf *c, const char *name, const char *value, struct err *e)
{
    const struct conf_row *row = find_row(name);
    if (!row || row->who & FOR_START)
        return err_set(e, ERR_BAD_REQUEST, "there is no setting %.40s", name);
    if (set_row(c, row, name, value, e))
        return err_wrap(e, "%s", name);
    return 0;
}

// Read lines of text; one() is called for each with its row.
static int each_line(struct conf *c, struct keyfile *k,
                     int (*one)(struct conf *, const struct conf_row *, struct keyfile_entry *,
                                struct err *),
                     struct err *e)
{
    own_free bool *seen = xcalloc(n_conf_rows, sizeof(*seen));
    struct keyfile_entry en;
    int r;
    while ((r = keyfile_next(k, &en, e)) > 0) {
        if (!en.key)
            return keyfile_error(k, e, "settings have no [sections]");
        const struct conf_row *row = find_row(en.key);
        if (!row)
            return keyfile_error(k, e, "there is no setting %.40s", en.key);
        if (seen[row - conf_rows] && row->type != CONF_MIRRORS)
            return keyfile_error(k, e, "%s is set twice", en.key);
        seen[row - conf_rows] = true;
        if (one(c, row, &en, e)) {
            (void)err_wrap(e, "%s", en.key);
            return keyfile_wrap(k, e);
        }
    }
    return r;
}

static int from_file(struct conf *c, const struct conf_row *row, struct keyfile_entry *en,
                     struct err *e)
{
    if (row->who & FOR_START)
        return err_set(e, ERR_BAD_REQUEST, "pinfoldd sets this itself");
    return set_row(c, row, en->key, en->value, e);
}

int conf_parse(struct conf *c, const char *name, const char *text, size_t len, struct err *e)
{
    struct keyfile k;
    if (keyfile_init(&k, name, text, len, e))
        return -1;
    int r = each_line(c, &k, from_file, e);
    keyfile_release(&k);
    return r;
}

// --- what children get ----------------------------------------------------------------------

// Texts travel with all but printable ASCII as %XX, so that any byte survives the trip.
static void put_encoded(struct buf *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)p[i];
        if (b <= ' ' || b >= 0x7f || b == '%' || b == '\\')
            (void)buf_printf(out, "%%%02x", b);
        else
            (void)buf_putc(out, (char)b);
    }
}

static int hex_digit(char d)
{
    static const char digits[] = "0123456789abcdef";
    const char *at_digit = d ? strchr(digits, d) : NULL;
    return at_digit ? (int)(at_digit - digits) : -1;
}

// In place; the length without the NUL that is put behind it, or -1.
static ssize_t decode(char *s)
{
    char *out = s;
    for (const char *in = s; *in; in++) {
        if (*in != '%') {
            *out++ = *in;
            continue;
        }
        int hi = hex_digit(in[1]), lo = hi < 0 ? -1 : hex_digit(in[2]);
        if (lo < 0)
            return -1;
        *out++ = (char)(hi << 4 | lo);
        in += 2;
    }
    *out = '\0';
    return out - s;
}

static void format_row(const struct conf *c, const struct conf_row *row, struct buf *out)
{
    const struct conf_file *f = at(c, row);
    uint64_t v;
    if (row->type == CONF_MIRRORS) {
        for (uint64_t i = 0; i < c->n_mirrors; i++) {
            (void)buf_printf(out, "%s%s=", mirror_prefix, c->mirrors[i].image);
            put_encoded(out, c->mirrors[i].url, strlen(c->mirrors[i].url));
            (void)buf_putc(out, '\n');
        }
        return;
    }
    if (row->type == CONF_FILE && !f->text)
        return;
    (void)buf_printf(out, "%s=", row->name);
    if (row->type == CONF_TEXT) {
        put_encoded(out, at(c, row), strlen(at(c, row)));
    } else if (row->type == CONF_FILE) {
        put_encoded(out, f->text, f->len);
    } else {
        memcpy(&v, at(c, row), sizeof(v));
        format_number(row, v, out);
    }
    (void)buf_putc(out, '\n');
}

int conf_format(const struct conf *c, unsigned who, struct buf *out)
{
    for (unsigned i = 0; i < n_conf_rows; i++)
        if (conf_rows[i].who & who & ~(unsigned)FOR_START)
            format_row(c, &conf_rows[i], out);
    return out->overflow ? -1 : 0;
}

static int from_start(struct conf *c, const struct conf_row *row, struct keyfile_entry *en,
                      struct err *e)
{
    ssize_t n = decode(en->value);
    if (n < 0)
        return err_set(e, ERR_INTERNAL, "malformed escape");
    if (row->type != CONF_FILE)
        return set_row(c, row, en->key, en->value, e);
    struct conf_file *f = at(c, row);
    free(f->text);
    f->text = xmemdup0(en->value, (size_t)n);
    f->len = (size_t)n;
    return 0;
}

int conf_parse_start(struct conf *c, const char *text, size_t len, struct err *e)
{
    struct keyfile k;
    if (keyfile_init(&k, "settings", text, len, e))
        return -1;
    int r = each_line(c, &k, from_start, e);
    explicit_bzero(k.text, len); // secrets went through it
    keyfile_release(&k);
    return r;
}

// --- for people -----------------------------------------------------------------------------

static void document_bounds(const struct conf_row *row, struct buf *out)
{
    if (row->type == CONF_NUMBER || row->type == CONF_SIZE || row->type == CONF_DURATION)
        (void)buf_printf(out, ", from %llu to %llu%s", (unsigned long long)row->min,
                         (unsigned long long)row->max,
                         row->type == CONF_DURATION ? " ms"
                         : row->type == CONF_SIZE   ? " bytes"
                                                    : "");
}

void conf_document(struct buf *out)
{
    for (unsigned i = 0; i < n_conf_rows; i++) {
        const struct conf_row *row = &conf_rows[i];
        if (row->who & FOR_START)
            continue;
        (void)buf_printf(out, "# %s", row->doc);
        document_bounds(row, out);
        (void)buf_printf(out, "\n#%s=%s\n\n",
                         row->type == CONF_MIRRORS ? "Mirror.IMAGE" : row->name, row->def);
    }
}
