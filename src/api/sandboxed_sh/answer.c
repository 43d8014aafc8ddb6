// SPDX-License-Identifier: Apache-2.0
// How this dialect answers: JSON on success, plain text with a status otherwise.
#include "sandboxed_sh_int.h"

#include <ctype.h>
#include <pinfold/own.h>
#include <string.h>

static const struct {
    enum err_code code;
    int status;
} statuses[] = {
    {ERR_BAD_REQUEST, 400}, {ERR_NOT_FOUND, 404}, {ERR_GONE, 404}, {ERR_CONFLICT, 409},
    {ERR_LIMIT, 429},       {ERR_DENIED, 403},    {ERR_BUSY, 503}, {ERR_TIMEOUT, 504},
    {ERR_FULL, 507},        {ERR_KERNEL, 500},    {ERR_LOST, 500}, {ERR_INTERNAL, 500},
};

void reply_text(struct http_req *r, int status, const char *fmt, ...)
{
    own_buf struct buf b;
    va_list ap;
    buf_init(&b, 4096); // none comes near
    va_start(ap, fmt);
    (void)buf_vprintf(&b, fmt, ap);
    va_end(ap);
    http_reply(r, status, "text/plain; charset=utf-8", b.data, b.len);
}

void reply_json(struct http_req *r, struct buf *take)
{
    if (take->overflow)
        reply_text(r, 500, "The answer is too large");
    else
        http_reply_take(r, 200, "application/json", take);
}

// What a kernel or a broken invariant says is for the log.
static void reply_internal(struct http_req *r, const struct err *e)
{
    const struct dialects_conf *conf = dialect_of(r)->conf;
    if (conf->on_internal)
        conf->on_internal(conf->arg, r->id, e);
    reply_text(r, 500, "Internal server error; the log names its cause under request %s", r->id);
}

void reply_err(struct http_req *r, const struct err *e)
{
    if (e->code == ERR_KERNEL || e->code == ERR_INTERNAL) {
        reply_internal(r, e);
        return;
    }
    int status = 500;
    char text[sizeof(e->text)];
    for (size_t i = 0; i < N_ELEMS(statuses); i++)
        if (statuses[i].code == e->code)
            status = statuses[i].status;
    memcpy(text, e->text, sizeof(text));
    text[0] = (char)toupper((unsigned char)text[0]);
    if (e->code == ERR_BUSY)
        http_set_header(r, "retry-after", "1");
    reply_text(r, status, "%s", text);
}

bool read_body(struct http_req *r, const struct json_table *t, unsigned flags,
               struct json_pool *pool, void *ret)
{
    struct json_fault f;
    if (!json_read(t, r->body, r->body_len, flags | JSON_IGNORE_UNKNOWN, pool, ret, &f))
        return true;
    if (f.kind == JSON_NOT_JSON)
        reply_text(r, 400, "Failed to parse the request body as JSON: %s", f.detail);
    else
        reply_text(r, 422, "Failed to deserialize the JSON body into the target type: %s%s%s",
                   f.pointer[0] ? f.pointer + 1 : "", f.pointer[0] ? " " : "", f.detail);
    return false;
}
