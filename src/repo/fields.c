// SPDX-License-Identifier: Apache-2.0
// Reading and writing structs as key=value records.
#include "fields.h"

#include <inttypes.h>
#include <pinfold/num.h>
#include <string.h>

int fields_format(const struct field_table *t, const void *from, char separator, struct buf *out)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct field *f = &t->rows[i];
        const char *at = (const char *)from + f->offset;
        uint64_t number;
        bool flag;
        (void)buf_printf(out, "%s=", f->key); // an overflow is remembered in *out
        switch (f->type) {
        case FIELD_TEXT:
            (void)buf_puts(out, at);
            break;
        case FIELD_U64:
            memcpy(&number, at, sizeof(number));
            (void)buf_printf(out, "%" PRIu64, number);
            break;
        case FIELD_BOOL:
            memcpy(&flag, at, sizeof(flag));
            (void)buf_putc(out, flag ? '1' : '0');
            break;
        }
        (void)buf_putc(out, separator);
    }
    return out->overflow ? -1 : 0;
}

static int put_text(const struct field *f, const char *value, size_t len, char *to, struct err *e)
{
    if (len >= f->size)
        return err_set(e, ERR_LIMIT, "%s is longer than %zu bytes", f->key, f->size - 1);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return err_set(e, ERR_BAD_REQUEST, "%s holds a control byte", f->key);
    memcpy(to, value, len);
    to[len] = '\0';
    return 0;
}

static int put_number(const struct field *f, const char *value, size_t len, char *to, struct err *e)
{
    char text[24] = "";
    uint64_t v;
    uint64_t max = f->type == FIELD_BOOL ? 1 : UINT64_MAX;
    if (len > 0 && len < sizeof(text))
        memcpy(text, value, len);
    if (num_parse_u64(text, 0, max, &v, NULL) < 0)
        return err_set(e, ERR_BAD_REQUEST, "%s is not a number in its range", f->key);
    if (f->type == FIELD_BOOL) {
        bool flag = v != 0;
        memcpy(to, &flag, sizeof(flag));
    } else {
        memcpy(to, &v, sizeof(v));
    }
    return 0;
}

int fields_take(const struct field_table *t, const char *record, size_t len, uint64_t *seen,
                void *to, struct err *e)
{
    const char *eq = memchr(record, '=', len);
    size_t key_len = eq ? (size_t)(eq - record) : 0;
    for (unsigned i = 0; eq && i < t->n; i++) {
        const struct field *f = &t->rows[i];
        if (strlen(f->key) != key_len || memcmp(f->key, record, key_len) != 0)
            continue;
        if (*seen & (UINT64_C(1) << i))
            return err_set(e, ERR_BAD_REQUEST, "%s stands twice", f->key);
        *seen |= UINT64_C(1) << i;
        char *at = (char *)to + f->offset;
        size_t value_len = len - key_len - 1;
        return f->type == FIELD_TEXT ? put_text(f, eq + 1, value_len, at, e)
                                     : put_number(f, eq + 1, value_len, at, e);
    }
    return err_set(e, ERR_BAD_REQUEST, "a record has no known key");
}

int fields_complete(const struct field_table *t, uint64_t seen, struct err *e)
{
    for (unsigned i = 0; i < t->n; i++)
        if (!(seen & (UINT64_C(1) << i)))
            return err_set(e, ERR_BAD_REQUEST, "%s is missing", t->rows[i].key);
    return 0;
}
