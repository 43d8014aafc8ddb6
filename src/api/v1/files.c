// SPDX-License-Identifier: Apache-2.0
// Files of a workspace: list, stat, write, move, delete, and tar archives in. Reading is in
// file_read.c.
#include "routes_int.h"

#include <pinfold/core_file.h>
#include <pinfold/num.h>
#include <stdio.h>

struct file_call {
    struct call c; // first member
    struct file_request f;
    bool head;
};

// --- shapes ---------------------------------------------------------------------------------

static void show_entry(struct json_out *o, const struct tool_entry *en)
{
    char etag[TOOL_ETAG_MAX], mode[8];
    json_bytes(o, "path", en->path, en->path_len);
    json_str(o, "type", tool_type_name(en->type));
    json_u64(o, "size", en->size);
    (void)snprintf(mode, sizeof(mode), "%04o", (unsigned)en->mode & 07777u);
    json_str(o, "mode", mode);
    json_u64(o, "uid", en->uid);
    json_u64(o, "gid", en->gid);
    json_time(o, "modified_at", en->mtime_ns > 0 ? (uint64_t)en->mtime_ns / 1000000 : 0);
    json_str(o, "etag", tool_etag(en, etag));
    if (en->type == TOOL_SYMLINK)
        json_bytes(o, "target", en->target, en->target_len);
    else
        json_null(o, "target");
}

static const struct json_show entry_rows[] = {
    {.name = "path", .type = SHOW_STRING, .doc = "path_base64 when it is not UTF-8"},
    {.name = "type", .type = SHOW_STRING, .doc = "file, directory, symlink or other"},
    {.name = "size", .type = SHOW_U64},
    {.name = "mode", .type = SHOW_STRING, .doc = "octal"},
    {.name = "uid", .type = SHOW_U32},
    {.name = "gid", .type = SHOW_U32},
    {.name = "modified_at", .type = SHOW_TIME},
    {.name = "etag", .type = SHOW_STRING},
    {.name = "target", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "of a symlink"},
};
const struct json_shape v1_entry_shape = {"FileEntry", entry_rows, N_ELEMS(entry_rows)};

// --- common ---------------------------------------------------------------------------------

static void on_gone(struct http_req *r)
{
    struct file_call *fc = r->user;
    waiter_cancel(&fc->f.w);
    http_drop(r);
    v1_call_free(&fc->c);
}

static struct file_call *file_call_new(struct http_req *r, const char *path)
{
    struct file_call *fc = v1_call_new(r, sizeof(*fc));
    r->on_gone = on_gone;
    fc->f.path = path && *path ? path : ".";
    fc->f.mode = -1;
    return fc;
}

static struct file_call *call_of(struct waiter *w)
{
    return container_of(container_of(w, struct file_request, w), struct file_call, f);
}

static const struct http_refusal changed = {412, "precondition_failed",
                                            "the file is not as the condition says", NULL, 0};

// True when it failed: the request is finished.
static bool failed(struct file_call *fc)
{
    if (!fc->f.w.err.code)
        return false;
    if (fc->f.out_condition_failed) {
        v1_refuse(fc->c.r, &changed);
        v1_call_free(&fc->c);
    } else {
        v1_call_err(&fc->c, &fc->f.w.err);
    }
    return true;
}

static void on_entry(struct waiter *w)
{
    struct file_call *fc = call_of(w);
    char etag[TOOL_ETAG_MAX], quoted[TOOL_ETAG_MAX + 2];
    struct answer a;
    if (failed(fc))
        return;
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", tool_etag(&fc->f.out_entry, etag));
    http_set_header(fc->c.r, "etag", quoted);
    v1_answer_begin(&a);
    show_entry(&a.o, &fc->f.out_entry);
    v1_call_answer(&fc->c, fc->c.status, &a);
}

static void on_deleted(struct waiter *w)
{
    struct file_call *fc = call_of(w);
    if (!failed(fc))
        v1_call_empty(&fc->c, 204);
}

typedef int file_verb(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
static void run(struct file_call *fc, struct workspace *ws, file_verb *verb)
{
    struct err e;
    (void)v1_call_started(&fc->c, verb(fc->c.v->core, ws, &fc->f, &e), &e);
}

static int parse_mode(struct http_req *r, const char *s, int *ret)
{
    uint32_t mode;
    if (!s)
        return 0;
    if (!num_parse_octal(s, 07777, &mode, NULL)) {
        *ret = (int)mode;
        return 0;
    }
    v1_bad_param(r, "mode", "must be octal, as 0644");
    return -1;
}

// --- list and stat --------------------------------------------------------------------------

static void on_list(struct waiter *w)
{
    struct file_call *fc = call_of(w);
    struct answer a;
    if (failed(fc))
        return;
    v1_answer_begin(&a);
    json_str(&a.o, "path", fc->f.path);
    json_begin_array(&a.o, "entries");
    for (size_t i = 0; i < fc->f.out_n; i++) {
        json_begin(&a.o, NULL);
        show_entry(&a.o, &fc->f.out_entries[i]);
        json_end(&a.o);
    }
    json_end_array(&a.o);
    json_bool(&a.o, "more", fc->f.out_end.more);
    const struct tool_entry *last = fc->f.out_n ? &fc->f.out_entries[fc->f.out_n - 1] : NULL;
    if (fc->f.out_end.more && last)
        json_strn(&a.o, "next_after", last->path, last->path_len);
    else
        json_null(&a.o, "next_after");
    v1_call_answer(&fc->c, 200, &a);
}

void v1_files_list(struct http_req *r)
{
    uint64_t depth, limit;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_param_u64(r, "depth", 1, TOOL_DEPTH_MAX, &depth) ||
        v1_param_u64(r, "limit", TOOL_LIST_MAX, TOOL_LIST_MAX, &limit))
        return;
    struct file_call *fc = file_call_new(r, http_query(r, "path"));
    fc->f.depth = (uint32_t)depth;
    fc->f.max = (uint32_t)limit;
    fc->f.after = http_query(r, "after");
    fc->f.w.on_done = on_list;
    run(fc, ws, core_file_list);
}

void v1_files_stat(struct http_req *r)
{
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    struct file_call *fc = file_call_new(r, http_query(r, "path"));
    fc->c.status = 200;
    fc->f.w.on_done = on_entry;
    run(fc, ws, core_file_stat);
}

// --- write, delete --------------------------------------------------------------------------

// If-Match and If-None-Match: * as tool.h's condition. An entity tag loses its quotes.
static const char *condition(struct http_req *r, char out[TOOL_ETAG_MAX + 2])
{
    const char *match = http_header(r, "if-match"), *none = http_header(r, "if-none-match");
    if (!strcmp(none, "*"))
        return "!";
    if (!*match)
        return NULL;
    if (!strcmp(match, "*"))
        return "*";
    (void)snprintf(out, TOOL_ETAG_MAX + 2, "%s", match + (*match == '"'));
    out[strcspn(out, "\"")] = '\0';
    return out;
}

void v1_files_put(struct http_req *r)
{
    char etag[TOOL_ETAG_MAX + 2];
    bool parents;
    int mode = -1;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_param_bool(r, "parents", true, &parents) ||
        parse_mode(r, http_query(r, "mode"), &mode))
        return;
    struct file_call *fc = file_call_new(r, r->params[1]);
    fc->c.status = 200;
    fc->f.mode = mode;
    fc->f.parents = parents;
    fc->f.condition = condition(r, etag);
    fc->f.data = r->body;
    fc->f.len = r->body_len;
    fc->f.w.on_done = on_entry;
    run(fc, ws, core_file_write);
}

void v1_files_delete(struct http_req *r)
{
    bool recursive;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_param_bool(r, "recursive", false, &recursive))
        return;
    struct file_call *fc = file_call_new(r, r->params[1]);
    fc->f.recursive = recursive;
    fc->f.w.on_done = on_deleted;
    run(fc, ws, core_file_delete);
}

// --- move, mkdir ----------------------------------------------------------------------------

struct move_body {
    const char *from, *to;
    bool overwrite, parents;
};
static const struct json_field move_fields[] = {
    JSON_FIELD(struct move_body, from, JSON_STRING, .flags = JSON_REQUIRED, .min = 1,
               .max = TOOL_PATH_MAX),
    JSON_FIELD(struct move_body, to, JSON_STRING, .flags = JSON_REQUIRED, .min = 1,
               .max = TOOL_PATH_MAX),
    JSON_FIELD(struct move_body, overwrite, JSON_BOOL, .doc = "replace what is there"),
    JSON_FIELD(struct move_body, parents, JSON_BOOL, .doc = "make directories above"),
};
const struct json_table v1_move_table = {"MoveBody", move_fields, N_ELEMS(move_fields),
                                         sizeof(struct move_body), -1};

void v1_files_move(struct http_req *r)
{
    struct move_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_read_body(r, &v1_move_table, &pool, &b))
        return;
    struct file_call *fc = file_call_new(r, b.from);
    fc->c.status = 200;
    fc->f.path2 = b.to;
    fc->f.overwrite = b.overwrite;
    fc->f.parents = b.parents;
    fc->f.w.on_done = on_entry;
    run(fc, ws, core_file_move);
}

struct mkdir_body {
    const char *path, *mode;
    bool parents;
};
static const struct json_field mkdir_fields[] = {
    JSON_FIELD(struct mkdir_body, path, JSON_STRING, .flags = JSON_REQUIRED, .min = 1,
               .max = TOOL_PATH_MAX),
    JSON_FIELD(struct mkdir_body, mode, JSON_STRING, .max = 5, .doc = "octal, as 0755"),
    JSON_FIELD(struct mkdir_body, parents, JSON_BOOL,
               .doc = "make directories above; one that exists is fine"),
};
const struct json_table v1_mkdir_table = {"MkdirBody", mkdir_fields, N_ELEMS(mkdir_fields),
                                          sizeof(struct mkdir_body), -1};

void v1_files_mkdir(struct http_req *r)
{
    struct mkdir_body b = {0};
    int mode = 0755;
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_read_body(r, &v1_mkdir_table, &pool, &b) || parse_mode(r, b.mode, &mode))
        return;
    struct file_call *fc = file_call_new(r, b.path);
    fc->c.status = 201;
    fc->f.mode = mode;
    fc->f.parents = b.parents;
    fc->f.w.on_done = on_entry;
    run(fc, ws, core_file_mkdir);
}

// --- archives in ----------------------------------------------------------------------------

static void on_unpacked(struct waiter *w)
{
    struct file_call *fc = call_of(w);
    struct answer a;
    if (failed(fc))
        return;
    v1_answer_begin(&a);
    json_u64(&a.o, "entries", fc->f.out_end.entries);
    json_u64(&a.o, "bytes", fc->f.out_end.bytes);
    json_str(&a.o, "note", fc->f.out_note && *fc->f.out_note ? fc->f.out_note : NULL);
    v1_call_answer(&fc->c, 200, &a);
}

void v1_archive_put(struct http_req *r)
{
    bool parents;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_param_bool(r, "parents", true, &parents))
        return;
    struct file_call *fc = file_call_new(r, http_query(r, "path"));
    fc->f.parents = parents;
    fc->f.data = r->body;
    fc->f.len = r->body_len;
    fc->f.w.on_done = on_unpacked;
    run(fc, ws, core_file_tar_in);
}
