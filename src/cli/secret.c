// SPDX-License-Identifier: Apache-2.0
// pinfold secret, pinfold provider: what is attached outside of sandboxes. A value comes by stdin:
// an argument would be seen by every user of this host.
#include "body_int.h"
#include "client_int.h"
#include "commands_int.h"

#include <pinfold/own.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define VALUE_MAX 4096 // as the server has it

struct item {
    const char *name, *kind, *base_url;
    struct json_strings hosts;
    bool usable;
    uint64_t requests;
};
#define IT(m, t, ...) JSON_FIELD(struct item, m, t, ##__VA_ARGS__)
static const struct json_field item_fields[] = {
    IT(name, JSON_STRING),
    IT(kind, JSON_STRING),
    IT(base_url, JSON_STRING, .max = 1024),
    IT(hosts, JSON_STRINGS, .max = 100, .item_max = 300),
    IT(usable, JSON_BOOL),
    IT(requests, JSON_U64),
};
static const struct json_table item_table = {"Secret", item_fields, N_ELEMS(item_fields),
                                             sizeof(struct item), -1};

// --- list and delete ------------------------------------------------------------------------

static void show_item(const void *item, struct buf *out)
{
    const struct item *s = item;
    (void)buf_printf(out, "%-24s %-18s %-7s %8llu  ", s->name ? s->name : "",
                     s->kind ? s->kind : "secret", s->usable ? "yes" : "NO KEY",
                     (unsigned long long)s->requests);
    (void)buf_puts(out, s->base_url ? s->base_url : "");
    for (uint32_t i = 0; i < s->hosts.n; i++)
        (void)buf_printf(out, "%s%s", i ? " " : "", s->hosts.at[i]);
    (void)buf_putc(out, '\n');
}

static int list(struct cli *c, const char *path)
{
    own_free char *heading =
        xasprintf("%-24s %-18s %-7s %8s  %s\n", "NAME", "KIND", "USABLE", "REQUESTS", "FOR");
    const struct show_list l = {path, &item_table, heading, show_item};
    return show_list(c, &l);
}

static int call(struct cli *c, const char *method, const char *path, const struct buf *body)
{
    struct err e;
    own_buf struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    return client_call(c->client, method, path, body, &answer, &e) ? cli_fail(EXIT_FAILED, &e) : 0;
}

static int delete_each(struct cli *c, const char *where)
{
    int code = 0;
    for (unsigned i = 0; i < c->n_args; i++) {
        own_free char *part = client_part(c->args[i]);
        own_free char *path = xasprintf("%s/%s", where, part);
        if (call(c, "DELETE", path, NULL))
            code = EXIT_FAILED;
    }
    return code;
}

// --- put ------------------------------------------------------------------------------------

static void echo(bool on)
{
    struct termios t;
    if (tcgetattr(STDIN_FILENO, &t))
        return;
    t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
}

// One line, without its end; asked for, and not shown, where stdin is a terminal.
static int read_value(const char *what, char *ret, struct err *e)
{
    size_t len = 0;
    bool tty = isatty(STDIN_FILENO);
    ssize_t n = 1;
    if (tty) {
        (void)fprintf(stderr, "%s: ", what);
        echo(false);
    }
    while (len <= VALUE_MAX && n > 0 && !memchr(ret, '\n', len)) {
        n = read(STDIN_FILENO, ret + len, VALUE_MAX + 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (tty) {
        echo(true);
        (void)fputc('\n', stderr);
    }
    if (n < 0)
        return err_sys(e, "read stdin");
    const char *end = memchr(ret, '\n', len);
    if (end && end + 1 < ret + len)
        return err_set(e, ERR_BAD_REQUEST, "the %s on stdin has more than one line", what);
    len = end ? (size_t)(end - ret) : len;
    if (len > VALUE_MAX)
        return err_set(e, ERR_LIMIT, "the %s is longer than %d bytes", what, VALUE_MAX);
    if (!len)
        return err_set(e, ERR_BAD_REQUEST,
                       "the %s is empty: it comes on stdin, as in: pinfold ... <FILE", what);
    if (memchr(ret, '\0', len))
        return err_set(e, ERR_BAD_REQUEST, "the %s has a NUL in it", what);
    ret[len] = '\0';
    return 0;
}

static int put(struct cli *c, const char *where, const char *what, const char *member,
               void (*rest)(struct json_out *o, const struct cli *c))
{
    struct err e;
    struct json_out o;
    char value[VALUE_MAX + 1];
    own_buf struct buf body;
    buf_init(&body, 65536);
    if (!cli_get(c, "no-key") && read_value(what, value, &e)) {
        explicit_bzero(value, sizeof(value));
        return cli_fail(EXIT_USAGE, &e);
    }
    json_out_init(&o, &body);
    json_begin(&o, NULL);
    if (!cli_get(c, "no-key"))
        json_str(&o, member, value);
    rest(&o, c);
    json_end(&o);
    explicit_bzero(value, sizeof(value));
    own_free char *part = client_part(c->args[0]);
    own_free char *path = xasprintf("%s/%s", where, part);
    int code = call(c, "PUT", path, &body);
    explicit_bzero(body.data, body.len);
    return code;
}

static void secret_rest(struct json_out *o, const struct cli *c)
{
    body_list(o, c, "host", "hosts");
    body_str(o, c, "header", "header");
    body_str(o, c, "format", "format");
}

static void provider_rest(struct json_out *o, const struct cli *c)
{
    body_str(o, c, "kind", "kind");
    body_str(o, c, "base-url", "base_url");
    body_list(o, c, "model", "models");
}

// --- the commands ---------------------------------------------------------------------------

int cmd_secret_list(struct cli *c)
{
    return list(c, "/v1/secrets");
}

int cmd_secret_put(struct cli *c)
{
    return put(c, "/v1/secrets", "value", "value", secret_rest);
}

int cmd_secret_delete(struct cli *c)
{
    return delete_each(c, "/v1/secrets");
}

int cmd_secret_rotate(struct cli *c)
{
    return call(c, "POST", "/v1/secrets/rotate", NULL);
}

int cmd_provider_list(struct cli *c)
{
    return list(c, "/v1/providers");
}

int cmd_provider_put(struct cli *c)
{
    return put(c, "/v1/providers", "key", "api_key", provider_rest);
}

int cmd_provider_delete(struct cli *c)
{
    return delete_each(c, "/v1/providers");
}
