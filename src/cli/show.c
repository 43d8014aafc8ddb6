// SPDX-License-Identifier: Apache-2.0
// Answers for people.
#include "client_int.h"

#include <pinfold/json_out.h>
#include <pinfold/own.h>
#include <string.h>

static void new_line(struct buf *out, unsigned depth)
{
    (void)buf_printf(out, "\n%*s", (int)depth * 2, "");
}

void show_pretty(const char *text, size_t len, struct buf *out)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool open = c == '{' || c == '[', close = c == '}' || c == ']';
        if (quoted || c == '"') {
            if (c == '"')
                quoted = !quoted;
            (void)buf_putc(out, c);
            if (quoted && c == '\\' && i + 1 < len)
                (void)buf_putc(out, text[++i]);
        } else if (open && i + 1 < len && (text[i + 1] == '}' || text[i + 1] == ']')) {
            (void)buf_append(out, text + i++, 2);
        } else if (open || c == ',') {
            (void)buf_putc(out, c);
            depth += open;
            new_line(out, depth);
        } else if (close) {
            new_line(out, depth ? --depth : 0);
            (void)buf_putc(out, c);
        } else if (c == ':') {
            (void)buf_puts(out, ": ");
        } else if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
            (void)buf_putc(out, c);
        }
    }
    (void)buf_putc(out, '\n');
}

int show_answer(const struct cli *c, const struct buf *answer)
{
    own_buf struct buf out;
    buf_init(&out, 2 * ANSWER_MAX);
    if (c->json) {
        (void)buf_append(&out, answer->data, answer->len);
        (void)buf_putc(&out, '\n');
    } else {
        show_pretty(answer->data, answer->len, &out);
    }
    return cli_print(&out);
}

// --- lists ----------------------------------------------------------------------------------

struct list_answer {
    struct json_objects items;
    const char *next_cursor;
};

static int show_items(const struct show_list *l, const struct buf *answer, char **ret_next,
                      struct buf *out, struct err *e)
{
    const struct json_field fields[] = {
        JSON_FIELD(struct list_answer, items, JSON_OBJECTS, .max = 100000, .sub = l->item),
        JSON_FIELD(struct list_answer, next_cursor, JSON_STRING, .max = 4096),
    };
    const struct json_table table = {"List", fields, N_ELEMS(fields), sizeof(struct list_answer),
                                     -1};
    own_json_pool struct json_pool pool;
    struct json_fault f;
    struct list_answer a = {0};
    json_pool_init(&pool);
    if (json_read(&table, answer->data, answer->len, JSON_IGNORE_UNKNOWN, &pool, &a, &f))
        return err_set(e, ERR_INTERNAL, "the server's answer: %s %s", f.pointer, f.detail);
    for (uint32_t i = 0; i < a.items.n; i++)
        l->show((const char *)a.items.at + (size_t)i * l->item->size, out);
    *ret_next = a.next_cursor ? xstrdup(a.next_cursor) : NULL;
    return 0;
}

int show_list(struct cli *c, const struct show_list *l)
{
    struct err e;
    own_buf struct buf answer, out;
    own_free char *next = NULL;
    buf_init(&answer, ANSWER_MAX);
    buf_init(&out, ANSWER_MAX);
    if (!c->json)
        (void)buf_puts(&out, l->heading);
    do {
        own_free char *cursor = next ? client_part(next) : NULL;
        own_free char *path =
            xasprintf("%s%climit=100%s%s", l->path, strchr(l->path, '?') ? '&' : '?',
                      cursor ? "&cursor=" : "", cursor ? cursor : "");
        free(ptr_steal(&next));
        if (client_call(c->client, "GET", path, NULL, &answer, &e))
            return cli_fail(EXIT_FAILED, &e);
        own_buf struct buf rows; // with --json only the cursor is wanted of it
        buf_init(&rows, ANSWER_MAX);
        if (show_items(l, &answer, &next, c->json ? &rows : &out, &e))
            return cli_fail(EXIT_FAILED, &e);
        if (c->json) {
            (void)buf_append(&out, answer.data, answer.len);
            (void)buf_putc(&out, '\n');
        }
    } while (next);
    return cli_print(&out);
}

void show_local_begin(struct json_out *o, struct buf *answer)
{
    json_out_init(o, answer);
    json_begin(o, NULL);
    json_begin_array(o, "items");
}

int show_local_end(struct cli *c, const struct show_list *l, struct json_out *o)
{
    struct err e;
    own_buf struct buf out;
    own_free char *next = NULL;
    buf_init(&out, ANSWER_MAX);
    json_end_array(o);
    json_null(o, "next_cursor");
    json_end(o);
    if (c->json) {
        (void)buf_append(&out, o->b->data, o->b->len);
        (void)buf_putc(&out, '\n');
    } else if (show_items(l, o->b, &next, &out, &e)) {
        return cli_fail(EXIT_FAILED, &e);
    }
    return cli_print(&out);
}
