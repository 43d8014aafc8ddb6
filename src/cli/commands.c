// SPDX-License-Identifier: Apache-2.0
// The table of commands.
#include "commands_int.h"

#include <pinfold/own.h>

#define OPT(name, letter, arg, words, doc)                                                         \
    {                                                                                              \
        name, letter, arg, words, false, doc                                                       \
    }
#define MANY(name, letter, arg, words, doc)                                                        \
    {                                                                                              \
        name, letter, arg, words, true, doc                                                        \
    }
#define SWITCH(name, letter, doc)                                                                  \
    {                                                                                              \
        name, letter, NULL, WORDS_NONE, false, doc                                                 \
    }
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

static const struct cli_opt no_opts[] = {END};

static const struct cli_opt serve_opts[] = {
    OPT("listen", 0, "ADDR:PORT", WORDS_NONE, "where to listen, instead of Listen="),
    OPT("state", 0, "DIR", WORDS_DIR, "the state directory, instead of StateDir="),
    OPT("config", 0, "FILE", WORDS_FILE, "the configuration, instead of /etc/pinfold/pinfold.conf"),
    END,
};

#define LIMIT_OPTS                                                                                 \
    OPT("memory", 0, "SIZE", WORDS_NONE, "memory of all its processes, as 512M"),                  \
        OPT("pids", 0, "N", WORDS_NONE, "processes and threads"),                                  \
        OPT("cpu", 0, "PERCENT", WORDS_NONE, "processor time; 200 is two processors"),             \
        OPT("disk", 0, "SIZE", WORDS_NONE, "bytes it may write")

static const struct cli_opt run_opts[] = {
    OPT("profile", 'p', "PROFILE", WORDS_PROFILE, "what it may do; default"),
    OPT("image", 'i', "IMAGE", WORDS_IMAGE, "its root; host, the machine's own /usr, read-only"),
    OPT("workspace", 'w', "DIR", WORDS_DIR,
        "a directory to show, writable, at /workspace; its owner is the user inside"),
    OPT("net", 'n', "MODE", WORDS_NET_LOCAL, "its network: none or full; else as the profile says"),
    OPT("timeout", 't', "TIME", WORDS_NONE, "end it after this long, with exit code 124"),
    MANY("env", 'e', "NAME=VALUE", WORDS_NONE, "a variable; a bare NAME takes its value from here"),
    OPT("cwd", 'C', "DIR", WORDS_NONE, "where it starts; /workspace"),
    OPT("user", 'u', "USER", WORDS_NONE, "who it runs as inside: a name or a number"),
    SWITCH("tty", 0, "give it a terminal; as when stdin and stdout are one"),
    SWITCH("no-tty", 0, "never give it a terminal"),
    LIMIT_OPTS,
    OPT("state", 0, "DIR", WORDS_DIR, "where the layers of images are; /var/lib/pinfold"),
    END,
};
static const struct cli_opt state_opts[] = {
    OPT("state", 0, "DIR", WORDS_DIR, "where the layers of images are; /var/lib/pinfold"),
    END,
};
static const struct cli_opt image_build_opts[] = {
    OPT("state", 0, "DIR", WORDS_DIR, "where the layers of images are; /var/lib/pinfold"),
    OPT("mirror", 0, "URL", WORDS_NONE, "the archive to build from, as Mirror.IMAGE="),
    END,
};
static const struct cli_opt plan_opts[] = {
    OPT("image", 'i', "IMAGE", WORDS_IMAGE, "its root; host"),
    OPT("net", 'n', "MODE", WORDS_NET, "its network"),
    END,
};
static const struct cli_opt doctor_opts[] = {
    OPT("state", 0, "DIR", WORDS_DIR, "the state directory to look at; /var/lib/pinfold"),
    SWITCH("all", 'a', "show what is in order as well"),
    END,
};

static const struct cli_opt ws_create_opts[] = {
    OPT("name", 0, "NAME", WORDS_NONE, "what to call it"),
    OPT("image", 'i', "IMAGE", WORDS_IMAGE, "its root"),
    OPT("profile", 'p', "PROFILE", WORDS_PROFILE, "what may be done in it"),
    OPT("repository", 'r', "URL", WORDS_NONE, "a repository for /workspace: a URL or OWNER/REPO"),
    OPT("ref", 0, "REF", WORDS_NONE, "its branch, tag or commit"),
    OPT("net", 'n', "MODE", WORDS_NET, "its network: none, full or allow-list"),
    MANY("allow", 0, "RULE", WORDS_NONE, "a host that an allow-list has: HOST, *.HOST, @PRESET"),
    MANY("env", 'e', "NAME=VALUE", WORDS_NONE, "a variable for everything that runs in it"),
    MANY("secret", 0, "NAME", WORDS_NONE, "a secret that it may use without seeing it"),
    OPT("provider", 0, "NAME", WORDS_NONE, "where its model is, whose key stays outside"),
    OPT("init-script", 0, "FILE", WORDS_FILE, "a script that root runs once in it"),
    LIMIT_OPTS,
    SWITCH("build", 'b', "build it, and wait until it is ready"),
    END,
};
static const struct cli_opt ws_build_opts[] = {
    SWITCH("rebuild", 0, "throw away what is there and build again"),
    END,
};
static const struct cli_opt fork_opts[] = {
    OPT("name", 0, "NAME", WORDS_NONE, "what to call the copy"),
    OPT("snapshot", 0, "SNAPSHOT", WORDS_NONE, "copy this one of it"),
    END,
};
static const struct cli_opt snapshot_opts[] = {
    OPT("name", 0, "NAME", WORDS_NONE, "what to call the snapshot"),
    SWITCH("list", 'l', "list the snapshots there are instead"),
    OPT("delete", 0, "SNAPSHOT", WORDS_NONE, "delete this one instead"),
    END,
};
static const struct cli_opt ws_restore_opts[] = {
    SWITCH("force", 'f', "end the commands that run"),
    END,
};
static const struct cli_opt exec_opts[] = {
    OPT("cwd", 'C', "DIR", WORDS_NONE, "where it starts; /workspace"),
    MANY("env", 'e', "NAME=VALUE", WORDS_NONE, "a variable; a bare NAME takes its value from here"),
    OPT("timeout", 't', "TIME", WORDS_NONE, "end it after this long"),
    OPT("user", 'u', "USER", WORDS_NONE, "who it runs as inside"),
    SWITCH("stdin", 0, "send it what comes on stdin"),
    SWITCH("background", 'd', "print its id and let it run"),
    END,
};
static const struct cli_opt runs_create_opts[] = {
    OPT("agent", 'a', "AGENT", WORDS_NONE, "who does it; command"),
    OPT("prompt", 0, "TEXT", WORDS_NONE, "what an agent is to do"),
    OPT("model", 0, "MODEL", WORDS_NONE, "an agent's model"),
    OPT("effort", 0, "EFFORT", WORDS_NONE, "how hard its model is to think"),
    OPT("mode", 0, "MODE", WORDS_NONE, "execute, or plan: /workspace is read-only"),
    MANY("repository", 'r', "URL[#REF]", WORDS_NONE,
         "a repository for /workspace: a URL or OWNER/REPO; of several each for /workspace/NAME"),
    OPT("ref", 0, "REF", WORDS_NONE, "branch, tag or commit of those that name none"),
    SWITCH("submodules", 0, "with their submodules"),
    OPT("workspace", 'w', "WORKSPACE", WORDS_NONE, "a workspace to run in, which stays"),
    OPT("task", 0, "TASK", WORDS_NONE, "the task that it carries out"),
    OPT("body", 0, "FILE", WORDS_FILE,
        "more of POST /v1/runs, as a JSON object: tools, agents, skills, commands ..."),
    OPT("priority", 0, "N", WORDS_NONE, "-100 to 100; the greater goes first"),
    OPT("max-turns", 0, "N", WORDS_NONE,
        "turns that its model may have, where the agent counts them"),
    OPT("max-cost", 0, "USD", WORDS_NONE, "dollars that it may cost, as 1.50; the same"),
    OPT("image", 'i', "IMAGE", WORDS_IMAGE, "its root"),
    OPT("profile", 'p', "PROFILE", WORDS_PROFILE, "what it may do"),
    OPT("net", 'n', "MODE", WORDS_NET, "its network: none, full or allow-list"),
    MANY("allow", 0, "RULE", WORDS_NONE, "a host that an allow-list has: HOST, *.HOST, @PRESET"),
    MANY("secret", 0, "NAME", WORDS_NONE, "a secret that it may use without seeing it"),
    OPT("provider", 0, "NAME", WORDS_NONE, "where its model is, whose key stays outside"),
    MANY("env", 'e', "NAME=VALUE", WORDS_NONE, "a variable; a bare NAME takes its value from here"),
    OPT("timeout", 't', "TIME", WORDS_NONE, "end it after this long"),
    OPT("silence", 0, "TIME", WORDS_NONE, "end it when it prints nothing for this long"),
    OPT("permissions", 0, "HOW", WORDS_NONE, "ask: what an agent wants to do waits for an answer"),
    OPT("webhook", 0, "URL", WORDS_NONE, "who is told of its end, its pauses and its questions"),
    SWITCH("notify", 0, "tell the webhook of its turns' beginnings and messages too"),
    SWITCH("terminal", 0, "it runs on a terminal, which is recorded"),
    LIMIT_OPTS,
    SWITCH("follow", 'f', "print its events until it has ended, and exit as it did"),
    END,
};
static const struct cli_opt runs_list_opts[] = {
    OPT("status", 0, "STATUS", WORDS_NONE, "only those in this state"),
    END,
};
static const struct cli_opt runs_continue_opts[] = {
    OPT("mode", 0, "MODE", WORDS_NONE, "execute or plan, from now on"),
    SWITCH("follow", 'f', "print what happens from then on, and exit as it ended"),
    END,
};
static const struct cli_opt runs_terminal_opts[] = {
    SWITCH("view", 0, "only look"),
    END,
};
static const struct cli_opt runs_events_opts[] = {
    OPT("types", 0, "TYPE,...", WORDS_NONE, "only these: agent.message, run.completed ..."),
    END,
};
static const struct cli_opt runs_contains_opts[] = {
    OPT("contains", 0, "TEXT", WORDS_NONE, "only the parts that have it"),
    END,
};
static const struct cli_opt runs_turn_opts[] = {
    OPT("turn", 0, "N", WORDS_NONE, "of this turn instead of the last"),
    END,
};
static const struct cli_opt approval_opts[] = {
    OPT("message", 'm', "TEXT", WORDS_NONE, "words for the agent"),
    END,
};
static const struct cli_opt runs_logs_opts[] = {
    SWITCH("stderr", 0, "its errors instead of its output"),
    OPT("contains", 0, "TEXT", WORDS_NONE, "only the lines that have it, each behind its offset"),
    END,
};
static const struct cli_opt build_opts[] = {
    SWITCH("rebuild", 0, "build every step again"),
    END,
};
static const struct cli_opt token_create_opts[] = {
    OPT("name", 0, "NAME", WORDS_NONE, "what it is for"),
    OPT("scope", 0, "SCOPE", WORDS_NONE, "read, exec or admin; exec"),
    OPT("expires", 0, "TIME", WORDS_NONE, "how long it is good for; for ever"),
    OPT("prefix", 0, "WORD", WORDS_NONE,
        "what it begins with, as a dialect's clients know it; pft"),
    END,
};
static const struct cli_opt secret_put_opts[] = {
    MANY("host", 0, "HOST", WORDS_NONE, "where it may go: HOST, *.HOST, with :PORT or 443"),
    OPT("header", 0, "HEADER", WORDS_NONE, "that carries it; Authorization"),
    OPT("format", 0, "TEXT", WORDS_NONE, "of the header's value, {} for the secret; Bearer {}"),
    END,
};
static const struct cli_opt provider_put_opts[] = {
    OPT("kind", 0, "KIND", WORDS_NONE, "anthropic, openai, openai-compatible or gemini"),
    OPT("base-url", 0, "URL", WORDS_NONE, "where its API is"),
    MANY("model", 0, "MODEL", WORDS_NONE, "a model that it has"),
    SWITCH("no-key", 0, "it wants none: nothing is read from stdin"),
    END,
};
static const struct cli_opt backup_opts[] = {
    SWITCH("check", 0, "read FILE, which must be a backup, and say whether it is whole"),
    OPT("state", 0, "DIR", WORDS_DIR, "with --files: the state directory; /var/lib/pinfold"),
    SWITCH("files", 0, "add files of workspaces, layers and mirrors, as root on the server's host"),
    END,
};
static const struct cli_opt restore_opts[] = {
    OPT("state", 0, "DIR", WORDS_DIR, "the state directory; /var/lib/pinfold"),
    SWITCH("files", 0, "unpack files of workspaces, layers and mirrors too"),
    END,
};
static const struct cli_opt upgrade_opts[] = {
    OPT("state", 0, "DIR", WORDS_DIR, "the state directory; /var/lib/pinfold"),
    END,
};
static const struct cli_opt generate_opts[] = {
    OPT("generate", 0, "FILE", WORDS_NONE, "a man page, or the completion of a shell"),
    END,
};

#define CMD(name, run, flags, opts, args, min, max, words, doc)                                    \
    {                                                                                              \
        name, run, flags, opts, args, min, max, words, doc                                         \
    }
#define ALL 1000 // more words than fit on a command line

const struct cli_cmd cli_commands[] = {
    CMD("serve", cmd_serve, 0, serve_opts, "", 0, 0, WORDS_NONE,
        "run the server in the foreground"),
    CMD("run", cmd_run, CLI_REST | CLI_ROOT, run_opts, "[--] COMMAND...", 0, 0, WORDS_NONE,
        "run one command in a fresh sandbox, without a server; with --agent or --repository as its "
        "first word it is runs create --follow"),
    CMD("doctor", cmd_doctor, CLI_JSON, doctor_opts, "", 0, 0, WORDS_NONE,
        "look for what this machine lacks, and say how to cure it"),
    CMD("profile list", cmd_profile_list, CLI_EITHER | CLI_JSON, no_opts, "", 0, 0, WORDS_NONE,
        "list the profiles"),
    CMD("profile check", cmd_profile_check, 0, no_opts, "FILE...", 1, ALL, WORDS_FILE,
        "read profiles, compile their filters, try them in simulation"),
    CMD("profile show", cmd_profile_show, 0, no_opts, "PROFILE", 1, 1, WORDS_PROFILE,
        "print a profile in full, with what it extends"),
    CMD("profile diff", cmd_profile_diff, 0, no_opts, "PROFILE PROFILE", 2, 2, WORDS_PROFILE,
        "print what the second allows and forbids that the first does not"),
    CMD("profile plan", cmd_profile_plan, 0, plan_opts, "PROFILE", 1, 1, WORDS_PROFILE,
        "print the steps that would make a sandbox"),
    CMD("profile learn", cmd_profile_learn, CLI_REST | CLI_ROOT, run_opts, "[--] COMMAND...", 0, 0,
        WORDS_NONE, "run a command, print the smallest profile that it works in"),
    CMD("image list", cmd_image_list, CLI_EITHER | CLI_JSON, state_opts, "", 0, 0, WORDS_NONE,
        "list the images, and which of their layers are built"),
    CMD("image check", cmd_image_check, 0, no_opts, "FILE...", 1, ALL, WORDS_FILE,
        "read image files"),
    CMD("image show", cmd_image_show, 0, no_opts, "IMAGE", 1, 1, WORDS_IMAGE,
        "print an image's steps and their keys"),
    CMD("image build", cmd_image_build, CLI_ROOT, image_build_opts, "IMAGE", 1, 1, WORDS_IMAGE,
        "build an image's layers here, without a server"),
    CMD("ws list", cmd_ws_list, CLI_SERVER | CLI_JSON, no_opts, "", 0, 0, WORDS_NONE,
        "list workspaces"),
    CMD("ws create", cmd_ws_create, CLI_SERVER | CLI_JSON, ws_create_opts, "", 0, 0, WORDS_NONE,
        "make a workspace; prints its id"),
    CMD("ws get", cmd_ws_get, CLI_SERVER | CLI_JSON, no_opts, "WORKSPACE", 1, 1, WORDS_NONE,
        "print one workspace"),
    CMD("ws build", cmd_ws_build, CLI_SERVER | CLI_JSON, ws_build_opts, "WORKSPACE", 1, 1,
        WORDS_NONE, "build a workspace and follow the log"),
    CMD("ws debug", cmd_ws_debug, CLI_SERVER | CLI_JSON, no_opts, "WORKSPACE", 1, 1, WORDS_NONE,
        "print what is known about a workspace and its sandbox"),
    CMD("ws fork", cmd_ws_fork, CLI_SERVER | CLI_JSON, fork_opts, "WORKSPACE", 1, 1, WORDS_NONE,
        "copy a workspace; prints the copy's id"),
    CMD("ws snapshot", cmd_ws_snapshot, CLI_SERVER | CLI_JSON, snapshot_opts, "WORKSPACE", 1, 1,
        WORDS_NONE, "keep a workspace as it is now; prints the snapshot's id"),
    CMD("ws restore", cmd_ws_restore, CLI_SERVER | CLI_JSON, ws_restore_opts, "WORKSPACE SNAPSHOT",
        2, 2, WORDS_NONE, "go back to a snapshot"),
    CMD("ws terminal", cmd_ws_terminal, CLI_SERVER | CLI_REST | CLI_NO_REST, no_opts,
        "WORKSPACE [[--] COMMAND...]", 1, 1, WORDS_NONE,
        "a shell, or a command, on a terminal in a workspace; Ctrl-] ends it"),
    CMD("ws delete", cmd_ws_delete, CLI_SERVER | CLI_JSON, no_opts, "WORKSPACE...", 1, ALL,
        WORDS_NONE, "delete workspaces and everything in them"),
    CMD("exec", cmd_exec, CLI_SERVER | CLI_JSON | CLI_REST, exec_opts, "WORKSPACE [--] COMMAND...",
        1, 1, WORDS_NONE, "run a command in a workspace"),
    CMD("runs create", cmd_runs_create, CLI_SERVER | CLI_JSON | CLI_REST | CLI_NO_REST,
        runs_create_opts, "[[--] COMMAND...]", 0, 0, WORDS_NONE,
        "have the server run an agent or a command in a fresh sandbox; prints its id"),
    CMD("runs list", cmd_runs_list, CLI_SERVER | CLI_JSON, runs_list_opts, "", 0, 0, WORDS_NONE,
        "list runs, newest first"),
    CMD("runs get", cmd_runs_get, CLI_SERVER | CLI_JSON, no_opts, "RUN", 1, 1, WORDS_NONE,
        "print one run"),
    CMD("runs events", cmd_runs_events, CLI_SERVER | CLI_JSON, runs_events_opts, "RUN", 1, 1,
        WORDS_NONE, "print a run's events, those to come as well; exits as it did"),
    CMD("runs logs", cmd_runs_logs, CLI_SERVER, runs_logs_opts, "RUN", 1, 1, WORDS_NONE,
        "print what a run printed"),
    CMD("runs cancel", cmd_runs_cancel, CLI_SERVER, no_opts, "RUN...", 1, ALL, WORDS_NONE,
        "end runs"),
    CMD("runs pause", cmd_runs_pause, CLI_SERVER, no_opts, "RUN...", 1, ALL, WORDS_NONE,
        "stop runs so that they can be continued"),
    CMD("runs continue", cmd_runs_continue, CLI_SERVER, runs_continue_opts, "RUN [MESSAGE]", 1, 2,
        WORDS_NONE, "have a run that ended or paused go on, in the same session and workspace"),
    CMD("runs say", cmd_runs_say, CLI_SERVER, no_opts, "RUN MESSAGE", 2, 2, WORDS_NONE,
        "tell a run something: it is the next turn"),
    CMD("runs interrupt", cmd_runs_interrupt, CLI_SERVER, no_opts, "RUN [MESSAGE]", 1, 2,
        WORDS_NONE, "end the turn that goes on; with a message it goes on with that"),
    CMD("runs transcript", cmd_runs_transcript, CLI_SERVER, runs_contains_opts, "RUN", 1, 1,
        WORDS_NONE, "print what was said and done in a run, as Markdown"),
    CMD("runs recording", cmd_runs_recording, CLI_SERVER, runs_turn_opts, "RUN", 1, 1, WORDS_NONE,
        "print what a run's terminal showed, as an asciicast"),
    CMD("runs terminal", cmd_runs_terminal, CLI_SERVER, runs_terminal_opts, "RUN", 1, 1, WORDS_NONE,
        "look at a run's terminal and type into it; Ctrl-] leaves it"),
    CMD("runs approvals", cmd_runs_approvals, CLI_SERVER | CLI_JSON, no_opts, "[RUN]", 0, 1,
        WORDS_NONE, "list what runs ask and nobody has answered"),
    CMD("runs allow", cmd_runs_allow, CLI_SERVER, approval_opts, "APPROVAL...", 1, ALL, WORDS_NONE,
        "allow what a run asks"),
    CMD("runs deny", cmd_runs_deny, CLI_SERVER, approval_opts, "APPROVAL...", 1, ALL, WORDS_NONE,
        "do not allow it"),
    CMD("runs delete", cmd_runs_delete, CLI_SERVER, no_opts, "RUN...", 1, ALL, WORDS_NONE,
        "delete runs that have ended, with their events, output and workspaces"),
    CMD("agent list", cmd_agent_list, CLI_SERVER | CLI_JSON, no_opts, "", 0, 0, WORDS_NONE,
        "list the agents, and where the tool of each comes from"),
    CMD("agent show", cmd_agent_show, CLI_SERVER | CLI_JSON, no_opts, "AGENT", 1, 1, WORDS_NONE,
        "show an agent"),
    CMD("build", cmd_build, CLI_SERVER | CLI_JSON, build_opts, "IMAGE", 1, 1, WORDS_IMAGE,
        "have the server build an image and follow the log"),
    CMD("token list", cmd_token_list, CLI_SERVER | CLI_JSON, no_opts, "", 0, 0, WORDS_NONE,
        "list the tokens, without their secrets"),
    CMD("token create", cmd_token_create, CLI_SERVER | CLI_JSON, token_create_opts, "", 0, 0,
        WORDS_NONE, "make a token; prints it once"),
    CMD("token delete", cmd_token_delete, CLI_SERVER | CLI_JSON, no_opts, "TOKEN", 1, 1, WORDS_NONE,
        "delete a token by its id"),
    CMD("secret list", cmd_secret_list, CLI_SERVER | CLI_JSON, no_opts, "", 0, 0, WORDS_NONE,
        "list the secrets, without their values"),
    CMD("secret put", cmd_secret_put, CLI_SERVER, secret_put_opts, "NAME", 1, 1, WORDS_NONE,
        "make or replace a secret; its value is a line on stdin"),
    CMD("secret delete", cmd_secret_delete, CLI_SERVER, no_opts, "NAME...", 1, ALL, WORDS_NONE,
        "delete secrets"),
    CMD("secret rotate", cmd_secret_rotate, CLI_SERVER, no_opts, "", 0, 0, WORDS_NONE,
        "make another key and seal all secrets and providers with it"),
    CMD("provider list", cmd_provider_list, CLI_SERVER | CLI_JSON, no_opts, "", 0, 0, WORDS_NONE,
        "list the providers of models, without their keys"),
    CMD("provider put", cmd_provider_put, CLI_SERVER, provider_put_opts, "NAME", 1, 1, WORDS_NONE,
        "make or replace a provider of models; its key is a line on stdin"),
    CMD("provider delete", cmd_provider_delete, CLI_SERVER, no_opts, "NAME...", 1, ALL, WORDS_NONE,
        "delete providers"),
    CMD("backup", cmd_backup, CLI_SERVER, backup_opts, "FILE", 1, 1, WORDS_FILE,
        "have the running server write its records and kept output into FILE"),
    CMD("restore", cmd_restore, CLI_ROOT, restore_opts, "FILE", 1, 1, WORDS_FILE,
        "put a backup's records in place of those in a state directory that nobody uses"),
    CMD("upgrade", cmd_upgrade, CLI_ROOT, upgrade_opts, "", 0, 0, WORDS_NONE,
        "have the running pinfoldd replace server and launcher by those installed, losing nothing"),
    CMD("help", cmd_help, 0, generate_opts, "[COMMAND [COMMAND]]", 0, 2, WORDS_NONE,
        "print help for one command or all"),
};
const unsigned n_cli_commands = N_ELEMS(cli_commands);
