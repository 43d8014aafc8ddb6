// SPDX-License-Identifier: Apache-2.0
// pinfold profile: list, check, show, diff, plan; learn is in learn.c.
#include "client_int.h"
#include "commands_int.h"

#include <fcntl.h>
#include <pinfold/box.h>
#include <pinfold/filter.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <string.h>

#define OUT_MAX (4u << 20)

static int load_all(struct profile **ret, unsigned *ret_n, struct err *e)
{
    own_fd int dir = host_profiles_dir(e);
    return dir < 0 ? -1 : profile_load_dir(dir, ret, ret_n, e);
}

struct row {
    const char *name, *description;
};
static const struct json_field row_fields[] = {
    JSON_FIELD(struct row, name, JSON_STRING),
    JSON_FIELD(struct row, description, JSON_STRING),
};
static const struct json_table row_table = {"Profile", row_fields, N_ELEMS(row_fields),
                                            sizeof(struct row), -1};

static void show_row(const void *item, struct buf *out)
{
    const struct row *r = item;
    (void)buf_printf(out, "%-12s %s\n", r->name ? r->name : "",
                     r->description ? r->description : "");
}

static const struct show_list rows = {"/v1/profiles", &row_table, "", show_row};

int cmd_profile_list(struct cli *c)
{
    own_free struct profile *all = NULL;
    unsigned n;
    struct err e;
    struct json_out o;
    own_buf struct buf answer;
    buf_init(&answer, OUT_MAX);
    if (c->client)
        return show_list(c, &rows);
    if (load_all(&all, &n, &e))
        return cli_fail(EXIT_FAILED, &e);
    show_local_begin(&o, &answer);
    for (unsigned i = 0; i < n; i++) {
        if (all[i].internal)
            continue;
        json_begin(&o, NULL);
        json_str(&o, "name", all[i].name);
        json_str(&o, "description", all[i].description);
        json_end(&o);
    }
    return show_local_end(c, &rows, &o);
}

// As the launcher does at its start: read, compile, simulate.
static int check_one(const char *path, int dir, struct err *e)
{
    own_free struct profile *p = NULL;
    struct filter f;
    if (profile_load_file(AT_FDCWD, path, dir, &p, e) || filter_compile(p, true, &f, e))
        return -1;
    int r = filter_verify(p, &f, e);
    if (!r)
        (void)printf("%s: good, %u system calls, %u instructions\n", path, p->n_calls, f.n);
    filter_release(&f);
    return r;
}

int cmd_profile_check(struct cli *c)
{
    struct err e;
    int code = 0;
    own_fd int dir = host_profiles_dir(&e);
    if (dir < 0)
        return cli_fail(EXIT_FAILED, &e);
    for (unsigned i = 0; i < c->n_args; i++)
        if (check_one(c->args[i], dir, &e))
            code = cli_fail(EXIT_FAILED, &e);
    return code;
}

int cmd_profile_show(struct cli *c)
{
    own_free struct profile *p = NULL;
    struct err e;
    own_buf struct buf out;
    buf_init(&out, OUT_MAX);
    if (host_profile(c->args[0], &p, &e))
        return cli_fail(EXIT_FAILED, &e);
    (void)profile_format(p, &out);
    return cli_print(&out);
}

int cmd_profile_diff(struct cli *c)
{
    own_free struct profile *a = NULL, *b = NULL;
    struct err e;
    own_buf struct buf out;
    buf_init(&out, OUT_MAX);
    if (host_profile(c->args[0], &a, &e) || host_profile(c->args[1], &b, &e))
        return cli_fail(EXIT_FAILED, &e);
    (void)profile_diff(a, b, &out);
    return cli_print(&out);
}

int cmd_profile_plan(struct cli *c)
{
    own_free struct profile *p = NULL;
    struct err e;
    own_buf struct buf out;
    buf_init(&out, OUT_MAX);
    const char *image = cli_get(c, "image");
    if (host_profile(c->args[0], &p, &e))
        return cli_fail(EXIT_FAILED, &e);
    struct box_spec s = {.id = "plan_1",
                         .dir = "",
                         .dir_fd = -1,
                         .layers = "",
                         .profile = p->name,
                         .network = p->network,
                         .mirror = "",
                         .hostname = ""};
    s.host_usr = !image || !strcmp(image, "host");
    // A key's place is enough to show where layers are mounted.
    if (!s.host_usr)
        s.layers = "0000000000000000000000000000000000000000000000000000000000000000";
    if (cli_get(c, "net") && net_mode_parse(cli_get(c, "net"), &s.network, &e))
        return cli_fail(EXIT_USAGE, &e);
    if (box_plan_print(&s, p, &out, &e))
        return cli_fail(EXIT_FAILED, &e);
    return cli_print(&out);
}
