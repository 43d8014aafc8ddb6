// SPDX-License-Identifier: Apache-2.0
// The JSON writer: begin, members, end. Commas, quotes and escapes are its business; a call that
// would make invalid JSON is a broken invariant and aborts. Text that is not UTF-8 is repaired
// with U+FFFD by json_str and sent as base 64 by json_bytes.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/json.h>

struct json_out {
    struct buf *b;
    uint8_t depth;
    bool comma;      // something stands before in this object or array
    bool done;       // the outermost value is complete
    uint64_t arrays; // bit d: level d is an array
};
// Append one JSON value to *b. `name` is the member's name, NULL in an array and outermost.
void json_out_init(struct json_out *o, struct buf *b);
void json_begin(struct json_out *o, const char *name);
void json_end(struct json_out *o);
void json_begin_array(struct json_out *o, const char *name);
void json_end_array(struct json_out *o);
void json_str(struct json_out *o, const char *name, const char *s); // NULL writes null
void json_strn(struct json_out *o, const char *name, const void *s, size_t n);
void json_u64(struct json_out *o, const char *name, uint64_t v);
void json_i64(struct json_out *o, const char *name, int64_t v);
void json_f64(struct json_out *o, const char *name, double v); // NaN and infinity write null
void json_bool(struct json_out *o, const char *name, bool v);
void json_null(struct json_out *o, const char *name);
void json_time(struct json_out *o, const char *name, uint64_t wall_ms); // 0 writes null
// A finished value as text, which the caller vouches for.
void json_raw(struct json_out *o, const char *name, const char *text, size_t n);
// "name": text when it is UTF-8, else "name_base64": base 64.
void json_bytes(struct json_out *o, const char *name, const void *p, size_t n);
// The same, but also as base 64 when that is shorter: for pieces of output.
void json_bytes_short(struct json_out *o, const char *name, const void *p, size_t n);
// Is the value complete and did all of it fit?
bool json_done(const struct json_out *o);
