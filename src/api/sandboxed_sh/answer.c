// SPDX-License-Identifier: Apache-2.0
// How this dialect answers: JSON on success, plain text with a status otherwise.
#include "sandboxed_sh_int.h"

#include <ctype.h>
#include <pinfold/own.h>
#include <string.h>

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

// What is gone is not found, as by the original.
void reply_err(struct http_req *r, const struct err *e)
{
    struct err said = *e;
    said.code = e->code == ERR_GONE ? ERR_NOT_FOUND : e->code;
    said.text[0] = (char)toupper((unsigned char)e->text[0]);
    dialect_err(r, &said);
}

void call_fail(struct dialect_call *c, const struct err *e)
{
    reply_err(c->r, e);
    dialect_call_refused(c);
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
