// SPDX-License-Identifier: Apache-2.0
// Rows by tables of fields: one put, one delete and one walk serve all things.
#include "store_int.h"

#include <pinfold/own.h>
#include <string.h>

#define FIELD(s, m, k)                                                                             \
    {                                                                                              \
#m, k, offsetof(struct s, m)                                                               \
    }
#define NAMED(s, name, m, k)                                                                       \
    {                                                                                              \
        name, k, offsetof(struct s, m)                                                             \
    }

#define W(m, k) FIELD(store_workspace, m, COL_##k)
#define WL(m, k) NAMED(store_workspace, #m, limits.m, COL_##k)
static const struct store_field workspace_fields[] = {
    W(id, TEXT),          W(name, TEXT),          W(image, TEXT),        W(profile, TEXT),
    W(network, U32),      WL(memory_bytes, U64),  WL(pids, U32),         WL(cpu_percent, U32),
    WL(disk_bytes, U64),  WL(inodes, U64),        WL(output_bytes, U64), WL(open_files, U32),
    WL(wall_ms, U64),     W(repo_url, TEXT),      W(repo_ref, TEXT),     W(repo_commit, TEXT),
    W(mirror, TEXT),      W(submodules, U32),     W(env, BLOB),          W(labels, BLOB),
    W(init_script, TEXT), W(status, U32),         W(created_ms, U64),    W(updated_ms, U64),
    W(status_ms, U64),    W(used_ms, U64),        W(error, TEXT),        W(build, TEXT),
    W(forked_from, TEXT), W(init_exit_code, I32), W(init_ms, U64),       W(built, BOOL),
    W(dir_made, BOOL),    W(run, TEXT),           W(allow, BLOB),        W(learn, BOOL),
};

#define X(m, k) FIELD(store_exec, m, COL_##k)
#define XO(n, name, m, k) NAMED(store_exec, name #n, out[n].m, COL_##k)
static const struct store_field exec_fields[] = {
    X(id, TEXT),
    X(workspace, TEXT),
    X(image, TEXT),
    X(profile, TEXT),
    X(shell, BOOL),
    X(argv, BLOB),
    X(cwd, TEXT),
    X(user, TEXT),
    X(tty, BOOL),
    X(background, BOOL),
    X(status, U32),
    X(created_ms, U64),
    X(started_ms, U64),
    X(ended_ms, U64),
    X(timeout_ms, U64),
    X(reason, U32),
    X(exit_code, I32),
    X(signal, I32),
    X(timed_out, BOOL),
    X(oom_killed, BOOL),
    X(duration_ms, U64),
    X(cpu_us, U64),
    X(max_memory_bytes, U64),
    X(detail, TEXT),
    XO(0, "total", total, U64),
    XO(0, "kept", kept, U64),
    XO(0, "first", first, U64),
    XO(0, "file", in_file, BOOL),
    XO(1, "total", total, U64),
    XO(1, "kept", kept, U64),
    XO(1, "first", first, U64),
    XO(1, "file", in_file, BOOL),
    X(box, TEXT),
};

#define B(m, k) FIELD(store_build, m, COL_##k)
static const struct store_field build_fields[] = {
    B(id, TEXT),        B(workspace, TEXT), B(image, TEXT),    B(rebuild, BOOL), B(status, U32),
    B(n_steps, U32),    B(step, U32),       B(n_cached, U32),  B(doing, TEXT),   B(created_ms, U64),
    B(started_ms, U64), B(ended_ms, U64),   B(log_total, U64), B(log_kept, U64), B(reason, U32),
    B(exit_code, I32),  B(signal, I32),     B(detail, TEXT),   B(error, TEXT),
};

#define R(m, k) FIELD(store_repo, m, COL_##k)
static const struct store_field repo_fields[] = {
    R(id, TEXT),        R(mirror, TEXT),    R(url, TEXT),   R(status, U32),
    R(created_ms, U64), R(fetched_ms, U64), R(bytes, U64),  R(objects, U64),
    R(error, TEXT),     R(listed, BOOL),    R(allow, BLOB),
};

#define T(m, k) FIELD(store_token, m, COL_##k)
static const struct store_field token_fields[] = {
    T(id, TEXT),        T(name, TEXT),      T(hash, BLOB),   T(scopes, U32),
    T(created_ms, U64), T(expires_ms, U64), T(used_ms, U64),
};

#define U(m, k) FIELD(store_user, m, COL_##k)
static const struct store_field user_fields[] = {
    U(id, TEXT), U(name, TEXT), U(hash, TEXT), U(scopes, U32), U(created_ms, U64),
};

#define N(m, k) FIELD(store_run, m, COL_##k)
#define NL(m, k) NAMED(store_run, #m, limits.m, COL_##k)
#define NT(m, k) NAMED(store_run, "total_" #m, totals.m, COL_##k)
static const struct store_field run_fields[] = {
    N(id, TEXT),
    N(agent, TEXT),
    N(state, U32),
    N(reason, U32),
    N(priority, U32),
    N(prompt, TEXT),
    N(command, TEXT),
    N(argv, BLOB),
    N(env, BLOB),
    N(provider, TEXT),
    N(model, TEXT),
    N(effort, TEXT),
    N(repo_url, TEXT),
    N(repo_ref, TEXT),
    N(repo_commit, TEXT),
    N(submodules, U32),
    N(image, TEXT),
    N(profile, TEXT),
    N(network, U32),
    NL(memory_bytes, U64),
    NL(pids, U32),
    NL(cpu_percent, U32),
    NL(disk_bytes, U64),
    NL(inodes, U64),
    NL(output_bytes, U64),
    NL(open_files, U32),
    NL(wall_ms, U64),
    N(timeout_ms, U64),
    N(silence_ms, U64),
    N(workspace, TEXT),
    N(exec, TEXT),
    N(session, TEXT),
    N(resumed_from, TEXT),
    N(result, BLOB),
    N(result_cut, BOOL),
    N(error, TEXT),
    N(exit_code, I32),
    N(signal, I32),
    N(input_tokens, U64),
    N(output_tokens, U64),
    N(cached_tokens, U64),
    N(reasoning_tokens, U64),
    N(cost_microusd, U64),
    N(usage_known, BOOL),
    N(cost_known, BOOL),
    N(created_ms, U64),
    N(started_ms, U64),
    N(ended_ms, U64),
    N(n_events, U64),
    N(allow, BLOB),
    N(mode, U32),
    N(turn, U32),
    N(turns, BLOB),
    N(messages, BLOB),
    N(message, TEXT),
    N(repos, BLOB),
    N(terminal, U32),
    N(webhook_url, TEXT),
    N(notify, BOOL),
    N(keep_workspace, BOOL),
    N(guest, BOOL),
    N(hook_style, TEXT),
    N(project, TEXT),
    N(definition, TEXT),
    N(task, TEXT),
    NT(input_tokens, U64),
    NT(output_tokens, U64),
    NT(cached_tokens, U64),
    NT(reasoning_tokens, U64),
    NT(cost_microusd, U64),
    NT(known, BOOL),
    NT(cost_known, BOOL),
    N(changes, BLOB),
    N(n_changes, U64),
    N(approvals, BLOB),
    N(approval_ms, U64),
    N(max_turns, U32),
    N(max_millusd, U64),
    N(wishes, U32),
    N(skills, BLOB),
    N(agents, BLOB),
    N(commands, BLOB),
    N(tools, BLOB),
};

#define S(m, k) FIELD(store_snapshot, m, COL_##k)
static const struct store_field snapshot_fields[] = {
    S(id, TEXT),    S(workspace, TEXT), S(name, TEXT),
    S(image, TEXT), S(created_ms, U64), S(made, BOOL),
};

#define D(m, k) FIELD(store_delivery, m, COL_##k)
static const struct store_field delivery_fields[] = {
    D(id, TEXT),        D(run, TEXT),    D(body, TEXT),    D(error, TEXT),
    D(event, U32),      D(status, U32),  D(attempts, U32), D(http_status, U32),
    D(created_ms, U64), D(next_ms, U64), D(ended_ms, U64),
};

#define C(m, k) FIELD(store_secret, m, COL_##k)
static const struct store_field secret_fields[] = {
    C(id, TEXT),    C(kind, U32),    C(base_url, TEXT), C(header, TEXT),    C(format, TEXT),
    C(hosts, BLOB), C(models, BLOB), C(sealed, BLOB),   C(created_ms, U64), C(updated_ms, U64),
};

#define O(m, k) FIELD(store_checkout, m, COL_##k)
static const struct store_field checkout_fields[] = {
    O(id, TEXT),   O(mirror, TEXT), O(repo_commit, TEXT), O(branch, TEXT),
    O(bytes, U64), O(used_ms, U64), O(depth, U32),        O(made, BOOL),
};

#define I(m, k) FIELD(store_item, m, COL_##k)
static const struct store_field item_fields[] = {
    I(id, TEXT),    I(kind, U32),       I(project, TEXT),   I(name, TEXT),
    I(text, TEXT),  I(agent, TEXT),     I(agents, BLOB),    I(labels, BLOB),
    I(status, U32), I(created_ms, U64), I(updated_ms, U64),
};

#define TABLE(name)                                                                                \
    {                                                                                              \
#name, name##_fields, N_ELEMS(name##_fields), sizeof(struct store_##name)                  \
    }
const struct store_table store_tables[T_N] = {
    [T_WORKSPACE] = TABLE(workspace),
    [T_EXEC] = TABLE(exec),
    [T_BUILD] = TABLE(build),
    [T_REPO] = TABLE(repo),
    [T_TOKEN] = TABLE(token),
    [T_USER] = TABLE(user),
    [T_RUN] = TABLE(run),
    [T_SNAPSHOT] = TABLE(snapshot),
    [T_DELIVERY] = TABLE(delivery),
    [T_SECRET] = TABLE(secret),
    [T_CHECKOUT] = TABLE(checkout),
    [T_ITEM] = TABLE(item),
};

// INSERT ... ON CONFLICT (id) DO UPDATE keeps seq, and with it the order of creation.
static sqlite3_stmt *prepare_put(struct store *s, const struct store_table *t, struct err *e)
{
    own_buf struct buf sql;
    buf_init(&sql, 8192);
    (void)buf_printf(&sql, "INSERT INTO %s (", t->name);
    for (unsigned i = 0; i < t->n_fields; i++)
        (void)buf_printf(&sql, "%s%s", i ? ", " : "", t->fields[i].column);
    (void)buf_puts(&sql, ") VALUES (");
    for (unsigned i = 0; i < t->n_fields; i++)
        (void)buf_puts(&sql, i ? ", ?" : "?");
    (void)buf_puts(&sql, ") ON CONFLICT (id) DO UPDATE SET ");
    for (unsigned i = 1; i < t->n_fields; i++)
        (void)buf_printf(&sql, "%s%s = excluded.%s", i > 1 ? ", " : "", t->fields[i].column,
                         t->fields[i].column);
    return store_prepare(s, sql.data, e);
}

static sqlite3_stmt *prepare_each(struct store *s, const struct store_table *t, struct err *e)
{
    own_buf struct buf sql;
    buf_init(&sql, 8192);
    (void)buf_puts(&sql, "SELECT ");
    for (unsigned i = 0; i < t->n_fields; i++)
        (void)buf_printf(&sql, "%s%s", i ? ", " : "", t->fields[i].column);
    (void)buf_printf(&sql, " FROM %s ORDER BY seq", t->name);
    return store_prepare(s, sql.data, e);
}

int store_prepare_tables(struct store *s, struct err *e)
{
    for (unsigned i = 0; i < T_N; i++) {
        const struct store_table *t = &store_tables[i];
        own_free char *del = xasprintf("DELETE FROM %s WHERE id = ?1", t->name);
        if (!(s->put[i] = prepare_put(s, t, e)) || !(s->each[i] = prepare_each(s, t, e)) ||
            !(s->del[i] = store_prepare(s, del, e)))
            return -1;
    }
    return 0;
}

size_t store_kind_size(enum store_kind k)
{
    static const size_t sizes[] = {[COL_U64] = sizeof(uint64_t),
                                   [COL_U32] = sizeof(uint32_t),
                                   [COL_I32] = sizeof(int32_t),
                                   [COL_BOOL] = sizeof(bool)};
    return sizes[k];
}

static void bind_field(sqlite3_stmt *stmt, int i, const struct store_field *f, const char *row)
{
    const void *at = row + f->offset;
    switch (f->kind) {
    case COL_TEXT:
        store_bind_text(stmt, i, *(const char *const *)at);
        return;
    case COL_BLOB:
        store_bind_blob(stmt, i, *(const struct store_blob *)at);
        return;
    case COL_U64: // numbers over 2^63 would come back negative: none is, by the limits of room run
        (void)sqlite3_bind_int64(stmt, i, (sqlite3_int64) * (const uint64_t *)at);
        return;
    case COL_U32:
        (void)sqlite3_bind_int64(stmt, i, *(const uint32_t *)at);
        return;
    case COL_I32:
        (void)sqlite3_bind_int64(stmt, i, *(const int32_t *)at);
        return;
    case COL_BOOL:
        (void)sqlite3_bind_int64(stmt, i, *(const bool *)at);
        return;
    }
}

static void read_field(sqlite3_stmt *stmt, int i, const struct store_field *f, char *row)
{
    void *at = row + f->offset;
    switch (f->kind) {
    case COL_TEXT: {
        const char *text = (const char *)sqlite3_column_text(stmt, i);
        *(const char **)at = text ? text : "";
        return;
    }
    case COL_BLOB: {
        const void *p = sqlite3_column_blob(stmt, i);
        *(struct store_blob *)at =
            (struct store_blob){p ? p : "", (size_t)sqlite3_column_bytes(stmt, i)};
        return;
    }
    case COL_U64:
        *(uint64_t *)at = (uint64_t)sqlite3_column_int64(stmt, i);
        return;
    case COL_U32:
        *(uint32_t *)at = (uint32_t)sqlite3_column_int64(stmt, i);
        return;
    case COL_I32:
        *(int32_t *)at = (int32_t)sqlite3_column_int64(stmt, i);
        return;
    case COL_BOOL:
        *(bool *)at = sqlite3_column_int64(stmt, i) != 0;
        return;
    }
}

static int put(struct store *s, enum store_thing thing, const void *row, struct err *e)
{
    const struct store_table *t = &store_tables[thing];
    for (unsigned i = 0; i < t->n_fields; i++)
        bind_field(s->put[thing], (int)i + 1, &t->fields[i], row);
    return store_run(s, s->put[thing], t->name, e);
}

static int del(struct store *s, enum store_thing thing, const char *id, struct err *e)
{
    store_bind_text(s->del[thing], 1, id);
    return store_run(s, s->del[thing], store_tables[thing].name, e);
}

static int each(struct store *s, enum store_thing thing, int (*on_row)(void *, const void *),
                void *arg, struct err *e)
{
    const struct store_table *t = &store_tables[thing];
    sqlite3_stmt *stmt = s->each[thing];
    _Alignas(8) char row[sizeof(struct store_exec) + sizeof(struct store_run)];
    int rc, stop = 0;
    while (!stop && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        memset(row, 0, t->size);
        for (unsigned i = 0; i < t->n_fields; i++)
            read_field(stmt, (int)i, &t->fields[i], row);
        stop = on_row(arg, row);
    }
    int ret = stop || rc == SQLITE_DONE ? 0 : store_fail(s, e, t->name);
    (void)sqlite3_reset(stmt); // repeats the error of the step
    return ret;
}

// A callback for rows of one type, behind the generic walk.
#define VERBS(thing, T)                                                                            \
    struct thing##_walk {                                                                          \
        int (*on_row)(void *, const struct store_##thing *);                                       \
        void *arg;                                                                                 \
    };                                                                                             \
    static int on_##thing##_row(void *arg, const void *row)                                        \
    {                                                                                              \
        struct thing##_walk *w = arg;                                                              \
        return w->on_row(w->arg, row);                                                             \
    }                                                                                              \
    int store_##thing##_put(struct store *s, const struct store_##thing *row, struct err *e)       \
    {                                                                                              \
        return put(s, T, row, e);                                                                  \
    }                                                                                              \
    int store_##thing##_each(struct store *s, int (*on_row)(void *, const struct store_##thing *), \
                             void *arg, struct err *e)                                             \
    {                                                                                              \
        struct thing##_walk w = {on_row, arg};                                                     \
        return each(s, T, on_##thing##_row, &w, e);                                                \
    }
VERBS(workspace, T_WORKSPACE)
VERBS(exec, T_EXEC)
VERBS(build, T_BUILD)
VERBS(repo, T_REPO)
VERBS(token, T_TOKEN)
VERBS(user, T_USER)
VERBS(run, T_RUN)
VERBS(snapshot, T_SNAPSHOT)
VERBS(delivery, T_DELIVERY)
VERBS(secret, T_SECRET)
VERBS(checkout, T_CHECKOUT)
VERBS(item, T_ITEM)

static int run_with(struct store *s, enum store_stmt stmt, const char *key, struct err *e)
{
    store_bind_text(s->stmts[stmt], 1, key);
    return store_run(s, s->stmts[stmt], "delete", e);
}

int store_workspace_delete(struct store *s, const char *id, struct err *e)
{
    if (run_with(s, STMT_WORKSPACE_OUTPUTS, id, e) || run_with(s, STMT_WORKSPACE_EXECS, id, e) ||
        run_with(s, STMT_WORKSPACE_BUILDS, id, e))
        return -1;
    return del(s, T_WORKSPACE, id, e);
}

int store_exec_delete(struct store *s, const char *id, struct err *e)
{
    return run_with(s, STMT_EXEC_OUTPUTS, id, e) ? -1 : del(s, T_EXEC, id, e);
}

int store_build_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_BUILD, id, e);
}

int store_repo_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_REPO, id, e);
}

int store_snapshot_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_SNAPSHOT, id, e);
}

int store_delivery_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_DELIVERY, id, e);
}

int store_token_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_TOKEN, id, e);
}

int store_user_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_USER, id, e);
}

int store_checkout_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_CHECKOUT, id, e);
}

int store_secret_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_SECRET, id, e);
}

int store_item_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_ITEM, id, e);
}

int store_run_delete(struct store *s, const char *id, struct err *e)
{
    return del(s, T_RUN, id, e);
}
