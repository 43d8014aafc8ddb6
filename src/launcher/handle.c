// SPDX-License-Identifier: Apache-2.0
// One row for each message the server may send. The table of messages has already refused what
// has the wrong sender, size or descriptors.
#include "launcher_int.h"

#include <fcntl.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#define PEER_PATIENCE_MS 500

void launcher_send(struct launcher *l, enum wire_type type, uint64_t id, const void *body,
                   const int *fds, size_t n_fds)
{
    struct err e;
    int r = wire_send(l->peer.fd, type, id, body, fds, n_fds, &e);
    if (r && e.code == ERR_BUSY) {
        // A server that is away for a moment finds its answers; one that is away for longer asks
        // for the list of boxes when it is back.
        struct pollfd pfd = {.fd = l->peer.fd, .events = POLLOUT};
        (void)poll(&pfd, 1, PEER_PATIENCE_MS);
        r = wire_send(l->peer.fd, type, id, body, fds, n_fds, &e);
    }
    if (r)
        log_error("answer %u not sent: %s", type, e.text);
}

void launcher_answer(struct launcher *l, uint64_t id, int failed, const struct err *e)
{
    struct msg_done d = {0};
    if (failed) {
        d.code = e->code == ERR_NONE ? ERR_INTERNAL : e->code;
        d.sys = (uint32_t)e->sys;
        (void)snprintf(d.text, sizeof(d.text), "%s", e->text);
    }
    launcher_send(l, MSG_DONE, id, &d, NULL, 0);
}

static int work_dir_create(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    return box_dir_create(h, b->dir.dir, b->dir.disk_bytes, b->dir.inodes, &end->err);
}
static int work_dir_delete(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    return box_dir_delete(h, b->dir.dir, &end->err);
}
static int work_dir_copy(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    return box_dir_copy(h, b->dir.source, b->dir.dir, b->dir.replace, &end->err);
}
static int work_trash(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    (void)b;
    return box_trash_old(h, &end->err);
}
static int work_layer_commit(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    return box_layer_commit(h, b->layer.dir, b->layer.from_files, b->layer.layer, &end->err);
}
static int work_layer_delete(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    return box_layer_delete(h, b->layer.layer, &end->err);
}
static int work_mirror_delete(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    return box_mirror_delete(h, b->mirror.mirror, &end->err);
}
// Nothing waits for it: what the sandboxes want of processor and disk goes first.
static int work_disk_use(struct box_host *h, const union wire_body *b, struct work_end *end)
{
    const struct msg_disk_use *m = &b->disk_use;
    (void)setpriority(PRIO_PROCESS, 0, 19); // a favour
    return m->layer[0] ? box_layer_use(h, m->layer, &end->bytes, &end->err)
                       : box_mirror_use(h, m->mirror, &end->bytes, &end->err);
}

static void on_box_start(struct launcher *l, struct wire_msg *m)
{
    boxes_start(l, m->id, &m->body.box_start);
}
static void on_box_stop(struct launcher *l, struct wire_msg *m)
{
    boxes_stop(l, m->id, m->body.box_name.box);
}
static void on_box_list(struct launcher *l, struct wire_msg *m)
{
    boxes_list(l, m->id);
}
static void on_box_stat(struct launcher *l, struct wire_msg *m)
{
    boxes_stat(l, m->id, m->body.box_name.box);
}

// Without a disk it is four system calls; making a disk takes a while.
static void on_dir_create(struct launcher *l, struct wire_msg *m)
{
    struct work_end end = {0};
    if (m->body.dir.disk_bytes)
        task_start(l, m, work_dir_create, NULL);
    else
        launcher_answer(l, m->id, work_dir_create(l->host, &m->body, &end), &end.err);
}

static bool refuse_used(struct launcher *l, const struct wire_msg *m, const char *dir)
{
    struct err e = {0};
    if (!boxes_use_dir(l, dir) && !box_dir_in_use(l->host, dir))
        return false;
    err_set(&e, ERR_CONFLICT, "directory %s is in use by a sandbox", dir);
    launcher_answer(l, m->id, -1, &e);
    return true;
}

static void on_dir_delete(struct launcher *l, struct wire_msg *m)
{
    if (!refuse_used(l, m, m->body.dir.dir))
        task_start(l, m, work_dir_delete, NULL);
}

// A few renames; what they put into the trash goes after the answer. A kept checkout is written to by
// nobody, so there is never a stratum to be made of it, or more of them to be merged: some twenty
// system calls, less than a process for them costs.
static void on_dir_copy(struct launcher *l, struct wire_msg *m)
{
    static const struct wire_msg nothing;
    if (refuse_used(l, m, m->body.dir.source) || refuse_used(l, m, m->body.dir.dir))
        return;
    if (!id_ok(m->body.dir.source, "co")) {
        task_start(l, m, work_dir_copy, work_trash);
        return;
    }
    struct work_end end = {0};
    launcher_answer(l, m->id, work_dir_copy(l->host, &m->body, &end), &end.err);
    task_start(l, &nothing, work_trash, NULL);
}

static void on_layer_list(struct launcher *l, struct wire_msg *m)
{
    // Names only: the directory is root's and 0700, so its reader can list but not open.
    own_fd int fd = openat(box_layers_fd(l->host), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct msg_done d = {.code = fd < 0 ? ERR_KERNEL : ERR_NONE};
    launcher_send(l, MSG_DONE, m->id, &d, &fd, fd < 0 ? 0 : 1);
}

static void on_mirror_create(struct launcher *l, struct wire_msg *m)
{
    struct err e = {0};
    launcher_answer(l, m->id, box_mirror_create(l->host, m->body.mirror.mirror, &e), &e);
}

static const struct {
    enum wire_type type;
    void (*handle)(struct launcher *l, struct wire_msg *m);
    task_work work; // in a child
} rows[] = {
    {MSG_BOX_START, on_box_start, NULL},         {MSG_BOX_STOP, on_box_stop, NULL},
    {MSG_BOX_LIST, on_box_list, NULL},           {MSG_BOX_STAT, on_box_stat, NULL},
    {MSG_DIR_CREATE, on_dir_create, NULL},       {MSG_DIR_DELETE, on_dir_delete, NULL},
    {MSG_DIR_COPY, on_dir_copy, NULL},           {MSG_LAYER_COMMIT, NULL, work_layer_commit},
    {MSG_LAYER_DELETE, NULL, work_layer_delete}, {MSG_LAYER_LIST, on_layer_list, NULL},
    {MSG_MIRROR_CREATE, on_mirror_create, NULL}, {MSG_MIRROR_DELETE, NULL, work_mirror_delete},
    {MSG_DISK_USE, NULL, work_disk_use},
};

void launcher_handle(struct launcher *l, struct wire_msg *m)
{
    for (unsigned i = 0; i < N_ELEMS(rows); i++)
        if (rows[i].type == m->row->type) {
            if (rows[i].work)
                task_start(l, m, rows[i].work, NULL);
            else
                rows[i].handle(l, m);
            return;
        }
    log_error("no handler for message %s", m->row->name); // a test walks both tables
}
