// SPDX-License-Identifier: Apache-2.0
// The schema, as numbered steps from an empty database: steps are added, never changed. The
// number of the last one done is the database's user_version.
#include "store_int.h"

#include <pinfold/own.h>
#include <stdio.h>

static const char *const steps[] = {
    // 1
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"

    "CREATE TABLE workspace (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL UNIQUE, image TEXT NOT NULL, profile TEXT NOT NULL,"
    " network INTEGER NOT NULL, memory_bytes INTEGER NOT NULL, pids INTEGER NOT NULL,"
    " cpu_percent INTEGER NOT NULL, disk_bytes INTEGER NOT NULL, inodes INTEGER NOT NULL,"
    " output_bytes INTEGER NOT NULL, open_files INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
    " repo_url TEXT NOT NULL, repo_ref TEXT NOT NULL, repo_commit TEXT NOT NULL,"
    " mirror TEXT NOT NULL, submodules INTEGER NOT NULL, env BLOB NOT NULL, labels BLOB NOT NULL,"
    " init_script TEXT NOT NULL, status INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL, status_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL,"
    " error TEXT NOT NULL, build TEXT NOT NULL, forked_from TEXT NOT NULL,"
    " init_exit_code INTEGER NOT NULL, init_ms INTEGER NOT NULL, built INTEGER NOT NULL,"
    " dir_made INTEGER NOT NULL) STRICT;"

    "CREATE TABLE exec (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " workspace TEXT NOT NULL, image TEXT NOT NULL, profile TEXT NOT NULL,"
    " shell INTEGER NOT NULL, argv BLOB NOT NULL, cwd TEXT NOT NULL, user TEXT NOT NULL,"
    " tty INTEGER NOT NULL, background INTEGER NOT NULL, status INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " timeout_ms INTEGER NOT NULL, reason INTEGER NOT NULL, exit_code INTEGER NOT NULL,"
    " signal INTEGER NOT NULL, timed_out INTEGER NOT NULL, oom_killed INTEGER NOT NULL,"
    " duration_ms INTEGER NOT NULL, cpu_us INTEGER NOT NULL, max_memory_bytes INTEGER NOT NULL,"
    " detail TEXT NOT NULL, total0 INTEGER NOT NULL, kept0 INTEGER NOT NULL,"
    " first0 INTEGER NOT NULL, file0 INTEGER NOT NULL, total1 INTEGER NOT NULL,"
    " kept1 INTEGER NOT NULL, first1 INTEGER NOT NULL, file1 INTEGER NOT NULL) STRICT;"
    "CREATE INDEX exec_workspace ON exec (workspace);"

    "CREATE TABLE output (exec TEXT NOT NULL, stream INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY (exec, stream)) STRICT;"

    "CREATE TABLE build (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " workspace TEXT NOT NULL, image TEXT NOT NULL, rebuild INTEGER NOT NULL,"
    " status INTEGER NOT NULL, n_steps INTEGER NOT NULL, step INTEGER NOT NULL,"
    " n_cached INTEGER NOT NULL, doing TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    " started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, log_total INTEGER NOT NULL,"
    " log_kept INTEGER NOT NULL, reason INTEGER NOT NULL, exit_code INTEGER NOT NULL,"
    " signal INTEGER NOT NULL, detail TEXT NOT NULL, error TEXT NOT NULL) STRICT;"
    "CREATE INDEX build_workspace ON build (workspace);"

    "CREATE TABLE repo (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, mirror TEXT NOT NULL,"
    " url TEXT NOT NULL, status INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " fetched_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, objects INTEGER NOT NULL,"
    " error TEXT NOT NULL) STRICT;"

    "CREATE TABLE token (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " hash BLOB NOT NULL UNIQUE, scopes INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT;"

    "CREATE TABLE user (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, scopes INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL) STRICT;"

    "CREATE TABLE idem (key TEXT PRIMARY KEY, digest BLOB NOT NULL, status INTEGER NOT NULL,"
    " head TEXT NOT NULL, body BLOB NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX idem_created ON idem (created_ms)",
    // runs
    "CREATE TABLE run (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, agent TEXT NOT NULL,"
    " state INTEGER NOT NULL, reason INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " prompt TEXT NOT NULL, command TEXT NOT NULL, argv BLOB NOT NULL, env BLOB NOT NULL,"
    " provider TEXT NOT NULL, model TEXT NOT NULL, effort TEXT NOT NULL, repo_url TEXT NOT NULL,"
    " repo_ref TEXT NOT NULL, repo_commit TEXT NOT NULL, submodules INTEGER NOT NULL,"
    " image TEXT NOT NULL, profile TEXT NOT NULL, network INTEGER NOT NULL,"
    " memory_bytes INTEGER NOT NULL, pids INTEGER NOT NULL, cpu_percent INTEGER NOT NULL,"
    " disk_bytes INTEGER NOT NULL, inodes INTEGER NOT NULL, output_bytes INTEGER NOT NULL,"
    " open_files INTEGER NOT NULL, wall_ms INTEGER NOT NULL, timeout_ms INTEGER NOT NULL,"
    " silence_ms INTEGER NOT NULL, workspace TEXT NOT NULL, exec TEXT NOT NULL,"
    " session TEXT NOT NULL, resumed_from TEXT NOT NULL, result BLOB NOT NULL,"
    " result_cut INTEGER NOT NULL, error TEXT NOT NULL, exit_code INTEGER NOT NULL,"
    " signal INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,"
    " cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,"
    " cost_microusd INTEGER NOT NULL, usage_known INTEGER NOT NULL, cost_known INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " n_events INTEGER NOT NULL) STRICT;"
    "CREATE TABLE event (id INTEGER PRIMARY KEY, run TEXT NOT NULL, seq INTEGER NOT NULL,"
    " type INTEGER NOT NULL, payload TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX event_run ON event (run, seq);"
    "ALTER TABLE workspace ADD COLUMN run TEXT NOT NULL DEFAULT ''",
    // allow-lists
    ("ALTER TABLE workspace ADD COLUMN allow BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE workspace ADD COLUMN learn INTEGER NOT NULL DEFAULT 0"),
    "ALTER TABLE run ADD COLUMN allow BLOB NOT NULL DEFAULT x''",
    // snapshots
    "CREATE TABLE snapshot (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " workspace TEXT NOT NULL, name TEXT NOT NULL, image TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, made INTEGER NOT NULL) STRICT",
    // turns of runs
    ("ALTER TABLE run ADD COLUMN mode INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN turn INTEGER NOT NULL DEFAULT 1;"
     "ALTER TABLE run ADD COLUMN turns BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE run ADD COLUMN messages BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE run ADD COLUMN message TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE run ADD COLUMN repos BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE run ADD COLUMN terminal INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN webhook_url TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE run ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN keep_workspace INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN total_input_tokens INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN total_output_tokens INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN total_cached_tokens INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN total_reasoning_tokens INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN total_cost_microusd INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN total_known INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN total_cost_known INTEGER NOT NULL DEFAULT 0"),
    // webhooks of runs
    "CREATE TABLE delivery (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL,"
    " body TEXT NOT NULL, error TEXT NOT NULL, event INTEGER NOT NULL, status INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, http_status INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " next_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL) STRICT",
    // secrets
    "CREATE TABLE secret (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " kind INTEGER NOT NULL, base_url TEXT NOT NULL, header TEXT NOT NULL, format TEXT NOT NULL,"
    " hosts BLOB NOT NULL, models BLOB NOT NULL, sealed BLOB NOT NULL,"
    " created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT",
    // one-shots in sandboxes of the warm pool
    "ALTER TABLE exec ADD COLUMN box TEXT NOT NULL DEFAULT ''",
    // how webhooks of runs look
    "ALTER TABLE run ADD COLUMN hook_style TEXT NOT NULL DEFAULT ''",
    // what runs changed
    ("ALTER TABLE run ADD COLUMN changes BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE run ADD COLUMN n_changes INTEGER NOT NULL DEFAULT 0"),
    // checkouts that are kept
    "CREATE TABLE checkout (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " mirror TEXT NOT NULL, repo_commit TEXT NOT NULL, branch TEXT NOT NULL,"
    " bytes INTEGER NOT NULL, used_ms INTEGER NOT NULL, depth INTEGER NOT NULL,"
    " made INTEGER NOT NULL) STRICT",
    // projects, agents, tasks
    ("CREATE TABLE item (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL,"
     " project TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, agent TEXT NOT NULL,"
     " labels BLOB NOT NULL, status INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
     " updated_ms INTEGER NOT NULL) STRICT;"
     "ALTER TABLE run ADD COLUMN project TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE run ADD COLUMN definition TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE run ADD COLUMN task TEXT NOT NULL DEFAULT ''"),
    // what runs ask
    ("ALTER TABLE run ADD COLUMN approvals BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE run ADD COLUMN approval_ms INTEGER NOT NULL DEFAULT 0"),
    // allow-lists of repositories
    ("ALTER TABLE repo ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE repo ADD COLUMN allow BLOB NOT NULL DEFAULT x''"),
    // what persons want of a run that goes on
    "ALTER TABLE run ADD COLUMN wishes INTEGER NOT NULL DEFAULT 0",
    // skills and commands of runs
    "ALTER TABLE run ADD COLUMN skills BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE run ADD COLUMN commands BLOB NOT NULL DEFAULT x''",
    // tools of runs
    "ALTER TABLE run ADD COLUMN tools BLOB NOT NULL DEFAULT x''",
    // sub-agents of runs and of definitions
    ("ALTER TABLE run ADD COLUMN agents BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE item ADD COLUMN agents BLOB NOT NULL DEFAULT x''"),
    // runs in workspaces of others
    "ALTER TABLE run ADD COLUMN guest INTEGER NOT NULL DEFAULT 0",
    // limits of what runs' agents take and cost
    ("ALTER TABLE run ADD COLUMN max_turns INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE run ADD COLUMN max_millusd INTEGER NOT NULL DEFAULT 0"),
};

unsigned store_n_steps(void)
{
    return N_ELEMS(steps);
}

const char *store_step(unsigned n)
{
    return steps[n - 1];
}

static int step_up(struct store *s, unsigned to, struct err *e)
{
    own_free char *sql =
        xasprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %u; COMMIT", steps[to - 1], to);
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    char doing[48];
    (void)snprintf(doing, sizeof(doing), "bring the database to version %u", to);
    store_fail(s, e, doing);
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); // none open is fine
    return -1;
}

int store_version_ok(int64_t version, struct err *e)
{
    if (version >= 0 && version <= (int64_t)N_ELEMS(steps))
        return 0;
    return err_set(e, ERR_CONFLICT,
                   "the database has version %lld, made by a newer pinfold; this one knows %zu: "
                   "install that pinfold, or restore an older backup",
                   (long long)version, N_ELEMS(steps));
}

int store_migrate(struct store *s, struct err *e)
{
    int64_t version;
    if (store_number(s, "PRAGMA user_version", &version, e) || store_version_ok(version, e))
        return -1;
    for (; version < (int64_t)N_ELEMS(steps); version++)
        if (step_up(s, (unsigned)version + 1, e))
            return -1;
    return 0;
}
