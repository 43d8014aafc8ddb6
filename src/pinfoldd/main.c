// SPDX-License-Identifier: Apache-2.0
// pinfoldd: starts the server and the launcher, and starts them again.
//
// Theory of operation. It reads the configuration, which nobody but root can write, makes the state
// directory, opens the listening sockets and every directory that a child needs, and makes the one
// socket pair over which server and launcher talk. Each child is a fresh program with exactly its
// descriptors (conf.h says which). After that pinfoldd reads nothing but signals, one byte of
// readiness from each child and their log lines, bounded in length and rate.
#include "pinfoldd_int.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pinfold/confine.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONFIG_DEFAULT "/etc/pinfold/pinfold.conf"
#define CONFIG_MAX (256u << 10)

enum { OPT_LISTEN = 256, OPT_STATE, OPT_CONFIG, OPT_CHECK, OPT_SETTINGS, OPT_HELP };
struct options {
    const char *listen, *state, *config;
    bool check, settings, help;
};

static const char usage[] =
    "usage: pinfoldd [--listen ADDR:PORT] [--state DIR] [--config FILE]\n"
    "       pinfoldd --check [--config FILE]   read the configuration and say what is wrong\n"
    "       pinfoldd --settings                print every setting with its default\n"
    "The configuration is " CONFIG_DEFAULT " where there is one.\n";

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"listen", required_argument, NULL, OPT_LISTEN},
        {"state", required_argument, NULL, OPT_STATE},
        {"config", required_argument, NULL, OPT_CONFIG},
        {"check", no_argument, NULL, OPT_CHECK},
        {"settings", no_argument, NULL, OPT_SETTINGS},
        {"help", no_argument, NULL, OPT_HELP},
        {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case OPT_LISTEN:
            o->listen = optarg;
            break;
        case OPT_STATE:
            o->state = optarg;
            break;
        case OPT_CONFIG:
            o->config = optarg;
            break;
        case OPT_CHECK:
            o->check = true;
            break;
        case OPT_SETTINGS:
            o->settings = true;
            break;
        case OPT_HELP:
            o->help = true;
            break;
        default:
            return -1;
        }
    }
    return optind == argc ? 0 : -1;
}

static int read_config(struct conf *c, const struct options *o, struct err *e)
{
    const char *path = o->config ? o->config : CONFIG_DEFAULT;
    own_buf struct buf text;
    buf_init(&text, CONFIG_MAX);
    conf_init(c);
    if (io_read_file(AT_FDCWD, path, &text, e)) {
        if (o->config || e->code != ERR_NOT_FOUND)
            return -1;
    } else if (conf_parse(c, path, text.data, text.len, e)) {
        return -1;
    }
    // A relative --state is meant from where the command was typed.
    own_free char *here = o->state && *o->state != '/' ? getcwd(NULL, 0) : NULL;
    own_free char *state = here ? xasprintf("%s/%s", here, o->state) : NULL;
    if ((o->listen && conf_set(c, "Listen", o->listen, e)) ||
        (o->state && conf_set(c, "StateDir", state ? state : o->state, e)))
        return -1;
    const char *strict = getenv("PINFOLD_STRICT"); // for tests: the same as Strict=yes
    if (strict && !strcmp(strict, "1"))
        c->strict = 1;
    return conf_check(c, e) || conf_load_files(c, e) ? -1 : 0;
}

static int open_data(const char *setting, const char *name, struct err *e)
{
    if (!*setting)
        return conf_data_dir(name, e);
    int fd = open(setting, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_sys(e, "open the directory of %s, %.120s", name, setting) : fd;
}

static int make_pair(struct super *s, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return err_sys(e, "make the socket between server and launcher");
    s->children[SERVER].peer_fd = pair[0];
    s->children[LAUNCHER].peer_fd = pair[1];
    return 0;
}

static int open_all(struct super *s, struct err *e)
{
    s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (s->null_fd < 0)
        return err_sys(e, "open /dev/null");
    s->bin_fd = conf_bin_dir(e);
    s->profiles_fd = open_data(s->conf.profiles_dir, "profiles", e);
    s->images_fd = s->profiles_fd < 0 ? -1 : open_data(s->conf.images_dir, "images", e);
    if (s->bin_fd < 0 || s->images_fd < 0)
        return -1;
    if (state_server_user(&s->conf, e) || state_open(s, e) || listen_open(s, e) || make_pair(s, e))
        return -1;
    for (int i = 0; i < N_CHILDREN; i++)
        if (child_settings(&s->children[i], &s->conf, e))
            return -1;
    explicit_bzero(s->conf.admin_token, sizeof(s->conf.admin_token));
    return 0;
}

static void init_super(struct super *s)
{
    s->lock_fd = s->signal_fd = s->state_fd = s->bin_fd = -1;
    s->children[LAUNCHER] = (struct child){
        .super = s,
        .role = "launcher",
        .binary = "pinfold-launcher",
        .who = FOR_LAUNCHER,
        .settings_fd = -1,
        .log_fd = -1,
    };
    s->children[SERVER] = (struct child){
        .super = s,
        .role = "server",
        .binary = "pinfold-server",
        .who = FOR_SERVER,
        .settings_fd = -1,
        .log_fd = -1,
        .listens = true,
    };
}

static int serve(struct super *s, struct err *e)
{
    const struct confine how = {
        .uid = CONFINE_KEEP_ID, .gid = CONFINE_KEEP_ID, .strict = s->conf.strict};
    s->loop = loop_new(e);
    if (!s->loop || open_all(s, e) || confine_self(CONFINE_PINFOLDD, &how, e) || super_start(s, e))
        return -1;
    if (loop_run(s->loop))
        return err_sys(e, "wait for events");
    return 0;
}

static int stop_with(const struct err *e)
{
    log_error("%s", e->text);
    return 1;
}

int main(int argc, char **argv)
{
    static struct super s; // large, and there is one
    struct options o = {0};
    struct err e;
    log_init("pinfoldd", LOG_INFO);
    if (parse_options(argc, argv, &o)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (o.help || o.settings) {
        own_buf struct buf text;
        buf_init(&text, 1 << 20);
        (void)buf_puts(&text, o.help ? usage : "");
        if (o.settings)
            conf_document(&text);
        return fputs(text.data, stdout) < 0;
    }
    init_super(&s);
    if (read_config(&s.conf, &o, &e))
        return stop_with(&e);
    log_init("pinfoldd", (enum log_level)s.conf.log_level);
    if (o.check)
        return puts("the configuration is good") < 0;
    if (geteuid() != 0) {
        log_error("pinfoldd must be started by root: it makes namespaces, mounts and cgroups");
        return 1;
    }
    if (serve(&s, &e))
        return stop_with(&e);
    conf_release(&s.conf);
    return s.exit_code;
}
