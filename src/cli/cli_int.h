// SPDX-License-Identifier: Apache-2.0
// The command line. One table (commands.c) of commands with their options; parser, help, man page
// and shell completion are made from it, so a command is its row, its function and its test.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <stdbool.h>
#include <stdint.h>

// Exit codes. A command that ran in a sandbox gives its own; 128 and its number after a signal.
enum {
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_TIMED_OUT = 124,      // as timeout(1)
    EXIT_NOT_STARTED = 125,    // pinfold itself failed
    EXIT_NOT_EXECUTABLE = 126, // as a shell
    EXIT_NO_COMMAND = 127,
};

enum cli_flags {
    CLI_REST = 1,     // what follows the words, or --, is a command with options of its own
    CLI_ROOT = 2,     // needs root
    CLI_SERVER = 4,   // talks to the server
    CLI_JSON = 8,     // has --json
    CLI_NO_REST = 32, // the command of CLI_REST may be missing
    CLI_EITHER = 16,  // talks to the server when --url or $PINFOLD_URL names one
};
// What completes a word.
enum cli_words {
    WORDS_NONE,
    WORDS_FILE,
    WORDS_DIR,
    WORDS_PROFILE,
    WORDS_IMAGE,
    WORDS_NET,
    WORDS_NET_LOCAL
};

struct cli_opt {
    const char *name; // without the dashes
    char letter;      // or 0
    const char *arg;  // what its value is called; NULL: a switch
    enum cli_words words;
    bool repeats;
    const char *doc;
};
struct cli;
struct cli_cmd {
    const char *name; // one or two words
    int (*run)(struct cli *c);
    unsigned flags;
    const struct cli_opt *opts; // ends with a NULL name
    const char *args;           // "WORKSPACE [NAME]"
    unsigned min_args, max_args;
    enum cli_words words; // what its arguments are
    const char *doc;      // one sentence
};
extern const struct cli_cmd cli_commands[];
extern const unsigned n_cli_commands;
// Options of every command with the flag CLI_SERVER or CLI_JSON.
extern const struct cli_opt cli_server_opts[], cli_json_opts[];

#define CLI_OPTS_MAX 64
struct cli {
    const struct cli_cmd *cmd;
    struct cli_given {
        const struct cli_opt *opt;
        const char *value; // "" for a switch
    } given[CLI_OPTS_MAX];
    unsigned n_given;
    char **args;
    unsigned n_args;
    char **rest; // CLI_REST: the command; NULL at the end
    unsigned n_rest;
    bool json, help;
    bool followed;         // a run of the server's, by `pinfold run`
    struct client *client; // CLI_SERVER, once cli_client was called
};

// args.c
int cli_parse(struct cli *c, const struct cli_cmd *cmd, int argc, char **argv, struct err *e);
const char *cli_get(const struct cli *c, const char *opt); // the last one's value, or NULL
// The next value of a repeated option; start with *at = 0.
const char *cli_each(const struct cli *c, const char *opt, unsigned *at);
int cli_size(const struct cli *c, const char *opt, uint64_t *ret, struct err *e); // kept if absent
int cli_duration(const struct cli *c, const char *opt, uint64_t *ret_ms, struct err *e);
int cli_number(const struct cli *c, const char *opt, uint64_t max, uint64_t *ret, struct err *e);
// Walk all options of a command, its own first; NULL at the end. Start with *at = 0.
const struct cli_opt *cli_opt_at(const struct cli_cmd *cmd, unsigned *at);
const struct cli_cmd *cli_find(const char *first, const char *second);

// "pinfold: text" on stderr; returns code.
int cli_fail(int code, const struct err *e);
// A line of progress on stderr; overwritten by the next where stderr is a terminal.
void cli_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_progress_end(void);
// Write all to stdout; 0 or EXIT_FAILED.
int cli_print(const struct buf *b);

// help.c, generate.c
void help_command(const struct cli_cmd *cmd, struct buf *out);
void help_all(struct buf *out);
int generate(const char *kind, struct buf *out, struct err *e);

// host.c: what `run`, `profile` and `image` share
int host_profiles_dir(struct err *e);
int host_images_dir(struct err *e);
int host_state_dir(const struct cli *c, struct err *e); // made when it is not there
// As it is, or the nearest directory above it that is there.
int host_state_look(const struct cli *c, bool *ret_there, struct err *e);
struct box_host;
struct conf;
struct profile;
struct host {
    struct profile *profiles;
    unsigned n_profiles;
    struct conf *conf; // the boxes borrow its strings
    int state_fd;      // and this
    struct box_host *boxes;
};
// One profile, by name, or by path when there is a slash in it; free() it.
int host_profile(const char *name, struct profile **ret, struct err *e);
// only: the one profile that is wanted, so that no other is compiled; NULL: all there are.
int host_open(struct host *h, const struct cli *c, const struct profile *only, struct err *e);
void host_close(struct host *h);
// For box_spec.dir_idmap: the owner of --workspace is who runs inside, the machine's root nobody.
struct box_spec;
int idmap_open(const struct box_spec *s, uint32_t base, struct err *e);
struct image;
// mirror: of the command line, or NULL. image_free() it.
struct image *host_image(const char *name, const char *mirror, struct err *e);

// One command in one box, its stdio relayed (stdio.c): the exit code, or EXIT_NOT_STARTED and
// above with *e filled.
struct box;
struct box_run {
    char *const *argv;
    char *const *env; // NULL at the end
    const char *cwd, *user;
    uint32_t uid, gid; // UINT32_MAX: the profile's
    uint64_t timeout_ms;
    bool tty;
    bool tool; // argv is pinfold-tool's
    int in_fd, out_fd, err_fd;
};
int box_run_command(struct box *b, const struct box_run *r, struct err *e);

// run.c: a fresh sandbox by the options of `run`, a command in it; the exit code.
struct run_how {
    const struct profile *profile;
    char **argv;
    bool tool;  // as in struct box_run, and never with a terminal
    int out_fd; // for its stdout
};
const char *run_profile_name(const struct cli *c);
int run_in_box(const struct cli *c, const struct run_how *how);

// client.c: HTTP to the server
int cli_client(struct cli *c, struct err *e);
bool cli_names_server(const struct cli *c);
