// SPDX-License-Identifier: Apache-2.0
// Making and ending a core; what belongs to no single thing.
#include "backup_int.h"
#include "build_int.h"
#include "checkout_int.h"
#include "item_int.h"
#include "run_int.h"
#include "snapshot_int.h"
#include "token_int.h"
#include "workspace_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define TIDY_MS 30000
#define EXPIRE_EVERY 20 // of those

void core_conf_init(struct core_conf *conf)
{
    *conf = (struct core_conf){
        .workspaces_max = 1000,
        .snapshots_max = 100,
        .boxes_max = 1000,
        .warm_pool_bytes = 256ull << 20,
        .execs_running_max = 512,
        .execs_per_workspace = 64,
        .execs_queued_max = 1024,
        .execs_kept = 10000,
        .execs_kept_workspace = 1000,
        .builds_running_max = 2,
        .builds_queued_max = 64,
        .builds_kept = 200,
        .checkouts_kept = 64,
        .runs_running_max = 16,
        .runs_per_repository = 8,
        .runs_queued_max = 1000,
        .runs_kept = 1000,
        .run_events_max = 100000,
        .run_timeout_ms = 3600 * 1000,
        .tokens_max = 1000,
        .users_max = 1000,
        .idle_stop_ms = 5 * 60 * 1000,
        .exec_timeout_ms = 10 * 60 * 1000,
        .exec_timeout_max_ms = 24ull * 3600 * 1000,
        .build_timeout_ms = 3600 * 1000,
        .git_timeout_ms = 30 * 60 * 1000,
        .kill_grace_ms = 5000,
        .output_keep_bytes = 16ull << 20,
        .answer_bytes = 1ull << 20,
        .answer_max_bytes = 16ull << 20,
        .command_max_bytes = 1ull << 20,
        .stdin_max_bytes = 64ull << 20,
        .output_total_bytes = 16ull << 30,
        .images_total_bytes = 64ull << 30,
        .mirrors_total_bytes = 64ull << 30,
        .file_max_bytes = 1ull << 30,
        .disk_reserve_bytes = 1ull << 30,
        .checkouts_total_bytes = 8ull << 30,
        .repo_max_bytes = 4ull << 30,
        .repo_max_objects = 10000000,
        .default_image = "host",
        .default_profile = "default",
    };
}

const struct core_conf *core_conf(const struct core *c)
{
    return &c->conf;
}

void core_notice(struct core *c, bool serious, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    if (!c->on_notice)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    c->on_notice(c->notice_arg, serious, text);
}

void disk_push(struct core *c, struct job *j)
{
    c->disk_jobs++;
    worker_push(c->disk, j);
}

// --- the next turn ----------------------------------------------------------------------------

void core_free_graves(struct core *c)
{
    while (!list_empty(&c->graves)) {
        struct sandbox *sb = container_of(c->graves.next, struct sandbox, link);
        list_del(&sb->link);
        free(sb);
    }
}

static void on_post(struct post *p)
{
    struct core *c = container_of(p, struct core, post);
    struct list later;
    c->posted = false;
    core_free_graves(c);
    if (c->closing)
        return;
    list_take(&c->later, &later);
    while (!list_empty(&later)) {
        struct waiter *w = container_of(later.next, struct waiter, link);
        waiter_done(w, w->result);
    }
    runs_flush(c);
    followers_serve_fresh(c);
    fetches_finish(c);
}

void core_wake(struct core *c)
{
    if (c->posted)
        return;
    c->posted = true;
    c->post.on_post = on_post;
    loop_post(c->loop, &c->post);
}

static void on_tidy(struct timer *t)
{
    struct core *c = container_of(t, struct core, tidy_timer);
    ws_save_dirty(c);
    db_tidy(c);
    budget_tidy(c);
    checkouts_tidy(c);
    if (c->n_tidied++ % EXPIRE_EVERY == 0)
        idem_expire(c);
    loop_timer_set(c->loop, &c->tidy_timer, TIDY_MS, on_tidy);
}

// --- making one -------------------------------------------------------------------------------

static void init_lists(struct core *c)
{
    struct list *heads[] = {&c->waiting,     &c->later,      &c->fresh,         &c->fetched,
                            &c->graves,      &c->boxes,      &c->pool.boxes,    &c->workspaces,
                            &c->exec_list,   &c->exec_queue, &c->unsaved,       &c->build_list,
                            &c->build_queue, &c->repos,      &c->checkouts,     &c->tokens,
                            &c->users,       &c->logins,     &c->run_list,      &c->run_queue,
                            &c->run_placed,  &c->run_dirty,  &c->approval_list, &c->run_watches};
    struct map **maps[] = {
        &c->sandboxes,    &c->ws_by_id,       &c->ws_by_name,    &c->execs, &c->builds,
        &c->layers,       &c->making,         &c->repos_by_id,   &c->idem,  &c->repos_by_mirror,
        &c->tokens_by_id, &c->tokens_by_hash, &c->users_by_name, &c->runs,  &c->items,
        &c->approvals};
    for (unsigned i = 0; i < N_ELEMS(heads); i++)
        list_init(heads[i]);
    for (unsigned i = 0; i < N_ELEMS(c->item_lists); i++)
        list_init(&c->item_lists[i]);
    for (unsigned i = 0; i < N_ELEMS(maps); i++)
        *maps[i] = map_new();
    secrets_init(c);
}

static int open_files(struct core *c, struct err *e)
{
    if (mkdirat(c->state_fd, "output", 0700) && errno != EEXIST)
        return err_sys(e, "make the directory of output files");
    c->output_fd = openat(c->state_fd, "output", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (c->output_fd < 0)
        return err_sys(e, "open the directory of output files");
    if (io_remove_tree(c->state_fd, BACKUP_DIR, e)) // of an earlier server that was killed
        return -1;
    c->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return c->null_fd < 0 ? err_sys(e, "open /dev/null") : 0;
}

static int load_secret(struct core *c, struct err *e)
{
    own_buf struct buf b;
    buf_init(&b, sizeof(c->secret));
    int found = store_meta_get(c->db.store, "secret", &b, e);
    if (found < 0)
        return -1;
    if (found && b.len == sizeof(c->secret)) {
        memcpy(c->secret, b.data, b.len);
        return 0;
    }
    crypt_random(c->secret, sizeof(c->secret));
    return store_meta_put(c->db.store, "secret", (struct store_blob){c->secret, sizeof(c->secret)},
                          e);
}

// Has the machine been started anew since the last server? Then nothing that ran can be found.
static int load_boot(struct core *c, struct err *e)
{
    own_buf struct buf now, then;
    buf_init(&now, 64);
    buf_init(&then, 64);
    if (io_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &now, NULL))
        return 0; // not known, so nothing is said about it
    int found = store_meta_get(c->db.store, "boot", &then, e);
    if (found < 0)
        return -1;
    c->rebooted = found && then.len && strcmp(now.data, then.data) != 0;
    // Only when it changes; and a full disk does not keep us from starting.
    if (!found || c->rebooted || !then.len)
        (void)store_meta_put(c->db.store, "boot", (struct store_blob){now.data, now.len}, NULL);
    return 0;
}

const char *core_lost_word(const struct core *c, const char *otherwise)
{
    return c->rebooted ? "the machine restarted while it ran" : otherwise;
}

// All of it before the worker has its first job, so that this thread may use the database.
static int load(struct core *c, const struct core_parts *parts, struct err *e)
{
    return load_secret(c, e) || load_boot(c, e) || tokens_load(c, parts->admin_token, e) ||
                   users_load(c, parts->password, parts->users, e) || repos_load(c, e) ||
                   secrets_load(c, e) || workspaces_load(c, e) || snapshots_load(c, e) ||
                   budget_load(c, e) || checkouts_load(c, e) || builds_load(c, e) ||
                   execs_load(c, e) || items_load(c, e) || runs_load(c, e)
               ? -1
               : 0;
}

static int open_all(struct core *c, const struct core_parts *parts, struct err *e)
{
    // A command that closes its input early, or a client's pipe, must not end the server.
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); // a valid signal: cannot fail
    if (open_files(c, e) || db_open(c, c->state_fd, e))
        return -1;
    c->disk = worker_new(c->loop, NULL, NULL, NULL, e);
    c->hasher = c->disk ? worker_new(c->loop, NULL, NULL, NULL, e) : NULL;
    c->packer = c->hasher ? worker_new(c->loop, NULL, NULL, NULL, e) : NULL;
    if (!c->packer || launcher_open(c, parts->launcher_fd, e) ||
        egress_open(c, parts->egress_fd, e))
        return -1;
    return load(c, parts, e);
}

struct core *core_new(const struct core_conf *conf, const struct core_parts *parts, struct err *e)
{
    struct core *c = xcalloc(1, sizeof(*c));
    c->conf = *conf;
    c->loop = parts->loop;
    c->profiles = parts->profiles;
    c->n_profiles = parts->n_profiles;
    c->images = parts->images;
    c->n_images = parts->n_images;
    c->on_notice = parts->on_notice;
    c->notice_arg = parts->arg;
    c->on_door = parts->on_door;
    c->state_fd = parts->state_dir_fd;
    c->output_fd = c->null_fd = c->launcher.fd = c->egress.fd = -1;
    c->read_buf = xmalloc(READ_BUF);
    c->stats.started_ms = clock_wall_ms();
    // Commands of an earlier server may run on: their numbers must not come again.
    id_random_bytes(&c->next_exec, sizeof(c->next_exec));
    c->next_exec >>= 1;
    init_lists(c);
    if (open_all(c, parts, e)) {
        core_free(c);
        return NULL;
    }
    layers_ask(c);
    workspaces_resume(c);
    checkouts_resume(c);
    builds_resume(c);
    runs_resume(c);
    items_resume(c);
    execs_save(c);
    loop_timer_set(c->loop, &c->tidy_timer, TIDY_MS, on_tidy);
    return c;
}

// --- numbers ----------------------------------------------------------------------------------

const struct core_stats *core_stats(struct core *c)
{
    struct core_stats *s = &c->stats;
    s->workspaces = map_count(c->ws_by_id);
    s->workspaces_ready = 0;
    list_for (it, &c->workspaces)
        s->workspaces_ready += container_of(it, struct ws, all)->pub.status == WS_READY;
    s->boxes = c->n_boxes - c->pool.n;
    s->boxes_warm = pool_ready(c);
    s->boxes_warm_bytes = c->pool.bytes;
    s->boxes_starting = c->n_starting;
    s->builds_running = c->builds_running;
    s->runs_running = c->n_runs_placed;
    s->runs_queued = c->n_runs_queued;
    budget_stats(c, s);
    checkouts_stats(c, s);
    return s;
}

static uint64_t disk_free(const struct core *c, uint64_t *ret_total)
{
    struct statvfs fs = {0};
    (void)fstatvfs(c->state_fd, &fs); // of an open directory; nothing free when it cannot be told
    *ret_total = (uint64_t)fs.f_blocks * fs.f_frsize;
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

int core_disk_room(const struct core *c, struct err *e)
{
    uint64_t total;
    if (disk_free(c, &total) > c->conf.disk_reserve_bytes)
        return 0;
    return err_set(e, ERR_FULL, "the state's disk has less than its reserve of %llu bytes free",
                   (unsigned long long)c->conf.disk_reserve_bytes);
}

void core_health(struct core *c, struct core_health *ret)
{
    *ret = (struct core_health){.launcher = launcher_ok(c), .database = !c->db.failing};
    ret->disk_free_bytes = disk_free(c, &ret->disk_total_bytes);
    ret->disk = ret->disk_free_bytes > c->conf.disk_reserve_bytes;
    ret->ok = ret->launcher && ret->database && ret->disk;
    TEXT_PUT(ret->text, ret->ok          ? ""
                        : !ret->launcher ? "the launcher does not answer"
                        : !ret->database ? "the database cannot be written"
                                         : "less of the disk is free than its reserve");
}
