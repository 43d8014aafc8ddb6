// SPDX-License-Identifier: Apache-2.0
// The table of settings. A row is all there is to a setting: its reader, its bounds, its
// sentence in the manual and the processes that get it.
#include "conf_int.h"

#include <pinfold/own.h>
#include <stddef.h>

#define K (1ull << 10)
#define M (1ull << 20)
#define G (1ull << 30)
#define T (1ull << 40)
#define SECOND 1000ull
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define AT(member) offsetof(struct conf, member), sizeof(((struct conf *)0)->member)
#define NUM(key, type, who, member, def, lo, hi, text)                                             \
    {                                                                                              \
        key, CONF_##type, who, AT(member), def, lo, hi, NULL, NULL, text                           \
    }
#define WORD(key, who, member, def, words, text)                                                   \
    {                                                                                              \
        key, CONF_WORD, who, AT(member), def, 0, 0, words, NULL, text                              \
    }
#define TEXT(key, who, member, def, check, text)                                                   \
    {                                                                                              \
        key, CONF_TEXT, who, AT(member), def, 0, 0, NULL, check, text                              \
    }
#define FILE_(key, who, member, text)                                                              \
    {                                                                                              \
        key, CONF_FILE, who, AT(member), "", 0, 64 * K, NULL, conf_check_directory, text           \
    }

#define SUP FOR_PINFOLDD
#define SRV FOR_SERVER
#define LAU FOR_LAUNCHER
#define EGR FOR_EGRESS

static const char *const log_words[] = {"error", "warn", "info", "debug", NULL};

const struct conf_row conf_rows[] = {
    WORD("LogLevel", FOR_ALL, log_level, "info", log_words,
         "the least important lines that are logged: error, warn, info or debug"),
    NUM("Strict", BOOL, FOR_ALL, strict, "no", 0, 1,
        "a system call that pinfold's own filters refuse kills the process instead of failing"),
    TEXT("Listen", SUP | SRV, listen, "127.0.0.1:7070", conf_check_listen,
         "where to listen: ADDR:PORT or [ADDR6]:PORT, several separated by blanks"),
    TEXT("StateDir", SUP, state_dir, "/var/lib/pinfold", conf_check_directory,
         "where everything that outlives a process is kept"),
    TEXT("ProfilesDir", SUP | FOR_CLI, profiles_dir, "", conf_check_directory,
         "the directory of profiles; empty: the ones pinfold came with"),
    TEXT("ImagesDir", SUP | FOR_CLI, images_dir, "", conf_check_directory,
         "the directory of image files; empty: the ones pinfold came with"),
    TEXT("ServerUser", SUP, server_user, "pinfold", conf_check_user,
         "the user that the server runs as: a name, or a number above 0"),
    TEXT("EgressUser", SUP, egress_user, "pinfold-egress", conf_check_user,
         "the user that the egress process runs as: another one than the server's"),
    NUM("StopTimeout", DURATION, SUP | SRV | LAU, stop_timeout_ms, "10s", SECOND, 10 * MINUTE,
        "how long a process may take to stop before it is killed"),
    NUM("RestartPauseMax", DURATION, SUP, restart_pause_max_ms, "10s", 100, 10 * MINUTE,
        "longest pause before a process that keeps dying is started again"),
    NUM("UpgradeGrace", DURATION, SUP | SRV | LAU, upgrade_grace_ms, "3s", 100, 10 * MINUTE,
        "how long requests may go on when the server is replaced by the one now installed"),

    FILE_("TLSCertificate", SUP | SRV, tls_certificate,
          "file with the certificate chain in PEM; with TLSKey= the server speaks https"),
    FILE_("TLSKey", SUP | SRV, tls_key, "file with the certificate's key in PEM, for root only"),
    NUM("HTTP2", BOOL, SRV, http2, "no", 0, 1, "offer HTTP/2 where TLS is configured"),
    FILE_("PasswordFile", SUP | SRV, password,
          "file with the one password of dialects that log in by password alone, for root only"),
    FILE_("UsersFile", SUP | SRV, users,
          "file with a line NAME:PASSWORD for each user who may log in, for root only"),
    NUM("SessionTime", DURATION, SRV, session_ms, "30d", MINUTE, 365 * DAY,
        "how long a login by password is good for"),
    TEXT("DialectHosts", SRV, dialect_hosts, "", conf_check_dialect_hosts,
         "HOST=DIALECT or HOST:PORT=DIALECT, several separated by blanks: where two dialects have "
         "the "
         "same path, which one a request for that is meant for"),
    TEXT("OpenDialects", SRV, open_dialects, "", NULL,
         "dialects whose clients have no tokens (abbado), separated by blanks, that whoever is on "
         "this machine may use without one, by a loopback address"),
    NUM("WebhookProgress", BOOL, SRV, webhook_progress, "no", 0, 1,
        "dialects' webhooks tell what an agent says and does while it goes on"),

    NUM("ServerUid", NUMBER, SRV | FOR_START, server_uid, "0", 0, UINT32_MAX - 1,
        "the server's user"),
    NUM("ServerGid", NUMBER, SRV | FOR_START, server_gid, "0", 0, UINT32_MAX - 1, "its group"),
    NUM("EgressUid", NUMBER, EGR | FOR_START, egress_uid, "0", 0, UINT32_MAX - 1,
        "the egress process's user"),
    NUM("EgressGid", NUMBER, EGR | FOR_START, egress_gid, "0", 0, UINT32_MAX - 1, "its group"),
    NUM("ListenSockets", NUMBER, SRV | FOR_START, listen_sockets, "0", 0, 16,
        "how many listening sockets were handed over"),
    NUM("TakeOver", BOOL, SRV | LAU | FOR_START, take_over, "no", 0, 1,
        "the predecessor left in order"),
    TEXT("AdminToken", SRV | FOR_START, admin_token, "", NULL, "what DIR/admin.token holds"),

    NUM("IdBase", NUMBER, LAU | FOR_CLI, id_base, "1879048192", 65536, 0x7fff0000u,
        "first user and group id of sandboxes on the host; a multiple of 65536"),
    NUM("IdRanges", NUMBER, LAU | FOR_CLI, id_ranges, "4095", 1, 32767,
        "how many ranges of 65536 ids there are; one for each live sandbox"),
    TEXT(
        "NetworkRange", LAU | FOR_CLI, network_range, "10.213.0.0/16", conf_check_network,
        "private IPv4 range, A.B.0.0/16, that sandboxes with network mode full get addresses from"),
    TEXT("NameServers", LAU | EGR | FOR_CLI, name_servers, "", conf_check_name_servers,
         "name servers of sandboxes with network mode full, and of the egress process for those "
         "with an allow-list; empty: the host's own"),
    TEXT(
        "AllowPrivate", SRV | EGR, allow_private, "", conf_check_private,
        "ADDR:PORT, [ADDR6]:PORT or HOST:PORT, several separated by blanks: what an allow-list may "
        "open although it lies at a private address"),
    TEXT("Presets", SRV, presets, "", conf_check_presets,
         "NAME=HOST,HOST, several separated by blanks: what @NAME stands for in allow-lists; @apt, "
         "@npm "
         "and @pip are this machine's own configuration otherwise"),
    TEXT("SecretKeyFile", SUP | EGR, secret_key_file, "/etc/pinfold/secret.key",
         conf_check_directory,
         "file of the keys that secrets are sealed with, outside StateDir=; made at the first "
         "start"),
    TEXT("CAFile", EGR, ca_file, "/etc/ssl/certs/ca-certificates.crt", conf_check_directory,
         "file of the certificates, in PEM, that hosts of secrets and providers are trusted by"),
    TEXT("EgressPorts", SRV | EGR, egress_ports, "80 443", conf_check_ports,
         "ports that a rule of an allow-list opens when it names none"),
    NUM("EgressIdle", DURATION, EGR, egress_idle_ms, "10min", SECOND, DAY,
        "how long a connection of a sandbox with an allow-list may carry nothing"),
    NUM("MaxEgressConnections", NUMBER, EGR, max_egress_connections, "4096", 1, 16384,
        "connections of all sandboxes with an allow-list; more wait"),
    NUM("MaxSandboxConnections", NUMBER, EGR, max_sandbox_connections, "256", 1, 4096,
        "connections of one of them; more wait"),

    TEXT("RepositoryBase", SRV | EGR, repository_base, "https://github.com/", conf_check_url,
         "what stands before owner/repo when a repository is named that way"),
    TEXT("RepositoryRoots", SRV | LAU, repository_roots, "/srv /tmp", conf_check_directories,
         "directories whose repositories may be cloned by path or file URL, separated by blanks"),
    NUM("RepositoryMaxSize", SIZE, SRV, repository_bytes, "4G", M, T,
        "bytes of one repository's mirror"),
    NUM("RepositoryMaxObjects", NUMBER, SRV, repository_objects, "20000000", 100, 1000000000,
        "git objects of one repository"),
    NUM("RepositoryTimeout", DURATION, SRV, repository_timeout_ms, "15min", SECOND, DAY,
        "wall time of one clone or fetch"),
    {"Mirror", CONF_MIRRORS, SRV, AT(mirrors), "", 0, 0, NULL, conf_check_url,
     "Mirror.IMAGE=URL: the archive that image is built from, instead of the builder's own choice"},
    NUM("BuildTimeout", DURATION, SRV, build_timeout_ms, "1h", MINUTE, DAY,
        "wall time of one step of an image's build"),
    NUM("InitScriptTimeout", DURATION, SRV, init_script_timeout_ms, "30min", SECOND, DAY,
        "wall time of a workspace's init script"),

    TEXT("DefaultImage", SRV, default_image, "host", conf_check_name,
         "image of a workspace whose request names none"),
    TEXT("DefaultProfile", SRV, default_profile, "default", conf_check_name,
         "profile of a workspace whose request names none"),

    NUM("MaxBody", SIZE, SRV, max_body, "16M", 4 * K, G, "bytes of one request body"),
    NUM("MaxConnections", NUMBER, SRV, max_connections, "1024", 8, 65536,
        "open connections of clients; when there are so many, idle ones give way to new ones"),
    NUM("MaxConnectionsPerAddress", NUMBER, SRV, max_connections_per_address, "0", 0, 65536,
        "of one address (of a /64 with IPv6); 0: no limit of its own, as behind a proxy"),
    NUM("MaxStreams", NUMBER, SRV, max_streams, "1000", 1, 65536,
        "answers that stream or wait at one time"),
    NUM("RequestTimeout", DURATION, SRV, request_timeout_ms, "60s", 10 * SECOND, HOUR,
        "how long a connection may be idle or a request may take to arrive"),
    NUM("MaxWait", DURATION, SRV, max_wait_ms, "10min", SECOND, DAY,
        "the longest ?wait= that is honoured"),
    NUM("RequestsPerSecond", NUMBER, SRV, requests_per_second, "0", 0, 1000000,
        "requests of one token in a second; 0: no limit"),

    NUM("MaxWorkspaces", NUMBER, SRV, max_workspaces, "1000", 1, 100000, "workspaces there can be"),
    NUM("MaxSandboxes", NUMBER, SRV | LAU, max_sandboxes, "1000", 1, 32767,
        "sandboxes alive at one time"),
    NUM("WarmPool", NUMBER, SRV, warm_pool, "2", 0, 64,
        "of them, started before they are wanted, for commands without a workspace as they came "
        "lately; 0: none"),
    NUM("WarmPoolMemory", SIZE, SRV, warm_pool_memory, "256M", M, T,
        "memory that those may hold together, by what each had used when it was ready"),
    NUM("MaxSnapshots", NUMBER, SRV, max_snapshots, "100", 0, 10000, "snapshots of one workspace"),
    NUM("MaxExecs", NUMBER, SRV, max_execs, "512", 1, 10000, "commands running at one time"),
    NUM("MaxExecsPerWorkspace", NUMBER, SRV, max_execs_per_workspace, "64", 1, 1024,
        "commands running at one time in one workspace"),
    NUM("MaxExecsQueued", NUMBER, SRV, max_execs_queued, "1024", 0, 100000,
        "commands waiting for their turn"),
    NUM("MaxBuilds", NUMBER, SRV, max_builds, "2", 1, 64, "builds running at one time"),
    NUM("MaxBuildsQueued", NUMBER, SRV, max_builds_queued, "64", 0, 10000,
        "builds waiting for their turn"),
    NUM("MaxTokens", NUMBER, SRV, max_tokens, "1000", 1, 100000, "API tokens there can be"),
    NUM("MaxUsers", NUMBER, SRV, max_users, "1000", 1, 100000, "users there can be"),
    NUM("ExecsKept", NUMBER, SRV, execs_kept, "10000", 1, 1000000,
        "ended commands remembered, of all workspaces"),
    NUM("ExecsKeptPerWorkspace", NUMBER, SRV, execs_kept_per_workspace, "1000", 1, 1000000,
        "ended commands remembered of one workspace"),
    NUM("BuildsKept", NUMBER, SRV, builds_kept, "200", 1, 100000,
        "ended builds remembered, with their logs"),
    NUM("CheckoutsKept", NUMBER, SRV, checkouts_kept, "64", 0, 1000,
        "checkouts kept, of different commits, to make runs from; 0: each has files of its own"),
    NUM("WorkspaceCheckouts", BOOL, SRV, workspace_checkouts, "no", 0, 1,
        "make workspaces from them too: at once, but then no directory of the commit can be "
        "renamed "
        "in place (EXDEV)"),
    NUM("CheckoutsTotal", SIZE, SRV, checkouts_total, "8G", M, 64 * T,
        "bytes of all of them together; those used longest ago go first"),
    NUM("MaxRuns", NUMBER, SRV, max_runs, "16", 1, 1000, "runs going on at one time"),
    NUM("MaxRunsPerRepository", NUMBER, SRV, max_runs_per_repository, "8", 1, 1000,
        "of them, those over one repository"),
    NUM("MaxRunsQueued", NUMBER, SRV, max_runs_queued, "1000", 1, 100000,
        "runs waiting for their turn"),
    NUM("RunsKept", NUMBER, SRV, runs_kept, "1000", 1, 100000,
        "ended runs remembered, with their events, output and workspaces"),
    NUM("RunEvents", NUMBER, SRV, run_events, "100000", 100, 10000000,
        "events kept of one run; what comes after them is in its output alone"),
    NUM("RunTimeout", DURATION, SRV, run_timeout_ms, "1h", SECOND, 30 * DAY,
        "wall time of a run whose request says nothing; at most ExecTimeoutMax="),
    NUM("ExecTimeout", DURATION, SRV, exec_timeout_ms, "10min", SECOND, 30 * DAY,
        "wall time of a command whose request says nothing"),
    NUM("ExecTimeoutMax", DURATION, SRV, exec_timeout_max_ms, "1d", SECOND, 30 * DAY,
        "the longest timeout that a request may ask for; what background commands get"),
    NUM("IdleStop", DURATION, SRV, idle_stop_ms, "5min", SECOND, 30 * DAY,
        "how long a workspace's sandbox stays up with nothing running in it"),
    NUM("KillGrace", DURATION, SRV, kill_grace_ms, "5s", SECOND, 5 * MINUTE,
        "how long a sandbox may take to report the end of what was killed in it"),
    NUM("CommandMax", SIZE, SRV, command_bytes, "1M", 4 * K, 2 * M,
        "bytes of one command's arguments and environment"),
    NUM("StdinMax", SIZE, SRV, stdin_bytes, "64M", 4 * K, G,
        "bytes of standard input given with a request"),
    NUM("FileMax", SIZE, SRV, file_bytes, "1G", 4 * K, T,
        "bytes written by one request for a file or archive"),
    NUM("AnswerOutput", SIZE, SRV, answer_bytes, "1M", K, 64 * M,
        "bytes of each output stream in a collected answer whose request says nothing"),
    NUM("AnswerOutputMax", SIZE, SRV, answer_max_bytes, "16M", K, 64 * M,
        "the most a request may ask for there"),
    NUM("OutputKeep", SIZE, SRV, output_keep, "16M", 64 * K, T,
        "bytes kept of each output stream of a command"),
    NUM("OutputTotal", SIZE, SRV, output_total, "16G", M, 64 * T,
        "bytes kept of all commands together; the oldest go first"),
    NUM("ImagesTotal", SIZE, SRV, images_total, "64G", 0, 64 * T,
        "bytes that layers of images take; over it those that nothing stands on go, the least "
        "recently used first; 0: no limit"),
    NUM("MirrorsTotal", SIZE, SRV, mirrors_total, "64G", 0, 64 * T,
        "bytes that mirrors of repositories take; over it those that no workspace uses go, "
        "likewise; 0: no limit"),
    NUM("WorkspaceDisk", SIZE, SRV, workspace_disk, "0", 0, 64 * T,
        "limits.disk_bytes of a workspace whose request names none, as far as its profile allows; "
        "0: it shares the state directory's disk"),
    NUM("RunDisk", SIZE, SRV, run_disk, "0", 0, 64 * T, "the same of a run"),
    NUM("DiskReserve", SIZE, SRV, disk_reserve, "512M", 0, T,
        "bytes of the state directory's disk below which new work is refused"),
};
const unsigned n_conf_rows = N_ELEMS(conf_rows);
