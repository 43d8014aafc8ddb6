// SPDX-License-Identifier: Apache-2.0
// What there is of a workspace's root: the directories the document names, one after the other.
#include "sandboxed_sh_int.h"

#include <pinfold/core_file.h>
#include <pinfold/own.h>
#include <string.h>

static const char *const dirs[] = {"bin", "usr", "etc", "var", "var/log", "root", "tmp"};
static const char *const shells[] = {"/usr/bin/bash", "/bin/bash"};
#define N_STEPS (N_ELEMS(dirs) + N_ELEMS(shells))

struct debug_call {
    struct dialect_call call;
    struct file_request file;
    unsigned step;
    bool root_there, has_bash;
    struct {
        bool exists, counted;
        uint64_t count;
    } dirs[N_ELEMS(dirs)];
};

static void print_dirs(struct json_out *o, const struct debug_call *c)
{
    json_begin_array(o, "directories");
    for (size_t i = 0; i < N_ELEMS(dirs); i++) {
        json_begin(o, NULL);
        json_str(o, "path", dirs[i]);
        json_bool(o, "exists", c->dirs[i].exists);
        if (c->dirs[i].counted)
            json_u64(o, "file_count", c->dirs[i].count);
        else
            json_null(o, "file_count");
        json_end(o);
    }
    json_end_array(o);
}

static void reply(struct debug_call *c)
{
    struct workspace *ws = workspace_again(&c->call);
    own_buf struct buf b = {0};
    struct json_out o;
    char id[UUID_MAX];
    if (!ws)
        return;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_str(&o, "id", workspace_uuid(dialect_of(c->call.r), ws, id));
    json_str(&o, "name", workspace_name(ws));
    json_str(&o, "status", status_word(ws->status));
    json_str(&o, "path", workspace_path(ws));
    json_bool(&o, "path_exists", c->root_there);
    json_null(&o, "size_bytes"); // not known without reading all of it
    print_dirs(&o, c);
    json_bool(&o, "has_bash", c->has_bash);
    json_bool(&o, "init_script_exists", workspace_script(ws));
    json_null(&o, "init_script_modified");
    json_str(&o, "distro", workspace_distro(ws));
    json_str(&o, "last_error", ws->error[0] ? ws->error : NULL);
    json_end(&o);
    reply_json(c->call.r, &b);
    dialect_call_free(&c->call);
}

static void next(struct debug_call *c);

// A directory that others may not look into exists all the same.
static void on_answer(struct waiter *w)
{
    struct file_request *f = container_of(w, struct file_request, w);
    struct debug_call *c = container_of(f, struct debug_call, file);
    bool there = !w->err.code || w->err.code == ERR_DENIED;
    if (c->step < N_ELEMS(dirs)) {
        c->dirs[c->step].exists = there;
        c->dirs[c->step].counted = !w->err.code;
        c->dirs[c->step].count = f->out_n;
        c->root_there |= there;
    } else {
        c->has_bash |= there;
    }
    c->step++;
    next(c);
}

static int ask(struct debug_call *c, struct workspace *ws)
{
    char path[32] = "/";
    struct err e;
    c->file = (struct file_request){.w.on_done = on_answer};
    if (c->step >= N_ELEMS(dirs)) {
        c->file.path = shells[c->step - N_ELEMS(dirs)];
        return core_file_stat(dialect_of(c->call.r)->core, ws, &c->file, &e);
    }
    // The dot follows what may be a symbolic link to usr/...
    (void)strncat(path, dirs[c->step], sizeof(path) - 4);
    (void)strncat(path, "/.", 3);
    c->file.path = path;
    return core_file_list(dialect_of(c->call.r)->core, ws, &c->file, &e);
}

static void release(struct dialect_call *call)
{
    waiter_cancel(&container_of(call, struct debug_call, call)->file.w);
}

static void next(struct debug_call *c)
{
    struct err e;
    struct workspace *ws = core_workspace_find(dialect_of(c->call.r)->core, c->call.subject, &e);
    // What is not ready has no root to look into.
    if (!ws || ws->status != WS_READY || c->step == N_STEPS || ask(c, ws)) {
        reply(c);
    }
}

void on_debug(struct http_req *r)
{
    struct workspace *ws = workspace_of(r);
    if (!ws)
        return;
    struct debug_call *c = dialect_call_new(r, sizeof(*c), NULL);
    c->call.release = release;
    memcpy(c->call.subject, ws->id, ID_MAX);
    next(c);
}
