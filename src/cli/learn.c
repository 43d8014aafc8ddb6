// SPDX-License-Identifier: Apache-2.0
// pinfold profile learn: run a command under a profile that allows all that any may, have
// pinfold-tool trace it there, and print the smallest profile under which it works.
#include "commands_int.h"

#include <fcntl.h>
#include <pinfold/filter.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REPORT_MAX (2u << 20) // the tool stops at 4096 lines
#define SEEN_MAX 4096

struct lesson {
    struct profile *wide, *learned;
    struct profile_seen *seen;
    unsigned n;
    uint64_t lost;
    bool whole; // the report's last line was there
};

// What the tool is to tell calls apart by: "NR:MASK,...".
static void put_looks(const struct profile *wide, struct buf *out)
{
    for (int nr = 0; nr <= PROFILE_NR_MAX; nr++)
        if (profile_looks_at(wide, nr))
            (void)buf_printf(out, "%s%d:%u", out->len ? "," : "", nr, profile_looks_at(wide, nr));
    if (!out->len)
        (void)buf_puts(out, "-");
}

// One line of the report (tool.h). It was written by a process of the sandbox: a bad line is
// dropped, and what it says can only name calls that the wide profile has a row for.
static void take_line(struct lesson *l, char *line)
{
    struct profile_seen s = {0};
    char *save = NULL, *w = strtok_r(line, " ", &save);
    uint64_t v[8];
    if (w && !strcmp(w, "end")) {
        w = strtok_r(NULL, " ", &save);
        l->whole = w && !num_parse_u64(w, 0, UINT64_MAX, &l->lost, NULL);
        return;
    }
    for (unsigned i = 0; i < 8; i++, w = strtok_r(NULL, " ", &save))
        if (!w || num_parse_u64(w, 0, i ? UINT64_MAX : PROFILE_NR_MAX, &v[i], NULL))
            return;
    if (!w || strlen(w) >= sizeof(s.comm) || l->n == SEEN_MAX)
        return;
    s.nr = (int)v[0];
    s.count = v[1];
    memcpy(s.args, v + 2, sizeof(s.args));
    (void)snprintf(s.comm, sizeof(s.comm), "%s", w);
    l->seen[l->n++] = s;
}

static int read_report(struct lesson *l, int fd, struct err *e)
{
    own_buf struct buf text;
    char path[40], *save = NULL;
    buf_init(&text, REPORT_MAX);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (io_read_file(AT_FDCWD, path, &text, e))
        return err_wrap(e, "the report");
    for (char *line = text.len ? strtok_r(text.data, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        take_line(l, line);
    return l->whole ? 0 : err_set(e, ERR_LOST, "the command was not traced to its end");
}

// The comment at the head of the profile: what it was learned from.
static void put_head(const struct cli *c, const struct lesson *l, struct buf *out)
{
    (void)buf_printf(out, "# Learned with profile %s from:", l->wide->name);
    for (unsigned i = 0; i < c->n_rest && out->len < 2000; i++) {
        own_free char *word = xstrdup(c->rest[i]);
        for (char *at = word; *at; at++)
            if ((unsigned char)*at < ' ' || *at == 127)
                *at = '?'; // one line, whatever was in it
        (void)buf_printf(out, " %.200s", word);
    }
    (void)buf_puts(out, "\n# Another input may need more: read it, and try it with pinfold run "
                        "--profile ./FILE.\n");
}

static int print_profile(const struct cli *c, struct lesson *l, struct err *e)
{
    own_buf struct buf text, out;
    struct filter f;
    buf_init(&text, 1u << 20);
    buf_init(&out, 1u << 20);
    (void)snprintf(l->learned->description, sizeof(l->learned->description),
                   "what %.100s was seen to need", c->rest[0]);
    for (char *at = l->learned->description; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    if (filter_compile(l->learned, true, &f, e))
        return -1;
    int bad = filter_verify(l->learned, &f, e);
    filter_release(&f);
    if (bad || profile_format_short(l->learned, &text))
        return bad ? -1 : err_set(e, ERR_LIMIT, "the profile is too long to print");
    char *rest = strchr(text.data, '\n') + 1; // the first line is format=1
    (void)buf_append(&out, text.data, (size_t)(rest - text.data));
    put_head(c, l, &out);
    (void)buf_puts(&out, rest);
    return cli_print(&out) ? err_set(e, ERR_KERNEL, "the profile could not be printed") : 0;
}

// What no profile of this kind would allow: told once, with who tried.
static void tell_refused(const struct lesson *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        const struct profile_seen *s = &l->seen[i];
        const char *why = "", *name = profile_call_name(s->nr);
        enum profile_call_kind kind = profile_call_kind(s->nr, &why);
        if (profile_allows(l->wide, s->nr, s->args) || kind == CALL_ABSENT || kind == CALL_UNKNOWN)
            continue; // allowed, or as on a kernel without it
        (void)fprintf(stderr, "pinfold: refused %llu times, to %s: %s",
                      (unsigned long long)s->count, s->comm, name ? name : "?");
        uint8_t looks = profile_looks_at(l->wide, s->nr);
        for (unsigned a = 0; a < 6; a++)
            if (looks >> a & 1)
                (void)fprintf(stderr, " arg%u=0x%llx", a, (unsigned long long)s->args[a]);
        (void)fprintf(stderr, "%s%s\n", *why ? ": " : "", why);
    }
    if (l->lost)
        (void)fprintf(stderr, "pinfold: %llu calls could not be told apart and are not in it\n",
                      (unsigned long long)l->lost);
}

static int learn(const struct cli *c, struct lesson *l, int *ret_code, struct err *e)
{
    own_fd int report = memfd_create("report", MFD_CLOEXEC);
    own_buf struct buf looks;
    own_free char **argv = xcalloc(c->n_rest + 4, sizeof(*argv));
    static char name[] = "pinfold-tool", op[] = "trace";
    buf_init(&looks, 16u << 10);
    if (report < 0)
        return err_sys(e, "make a file for the report");
    if (host_profile(run_profile_name(c), &l->wide, e) || profile_widen(l->wide, e))
        return -1;
    put_looks(l->wide, &looks);
    argv[0] = name;
    argv[1] = op;
    argv[2] = looks.data;
    memcpy(argv + 3, c->rest, c->n_rest * sizeof(*argv));
    struct run_how how = {.profile = l->wide, .argv = argv, .tool = true, .out_fd = report};
    *ret_code = run_in_box(c, &how);
    if (*ret_code == EXIT_NOT_STARTED)
        return err_set(e, ERR_LOST, "nothing was learned");
    return read_report(l, report, e) || profile_learn(l->wide, l->seen, l->n, l->learned, e) ||
                   print_profile(c, l, e)
               ? -1
               : 0;
}

int cmd_profile_learn(struct cli *c)
{
    struct err e;
    int code = EXIT_FAILED;
    struct lesson l = {.learned = xcalloc(1, sizeof(*l.learned)),
                       .seen = xcalloc(SEEN_MAX, sizeof(*l.seen))};
    if (learn(c, &l, &code, &e)) {
        code = cli_fail(code ? code : EXIT_FAILED, &e);
    } else {
        tell_refused(&l);
        if (code)
            (void)fprintf(stderr,
                          "pinfold: the command ended with %d; what it would have done "
                          "after that is not in the profile\n",
                          code);
    }
    free(l.wide);
    free(l.learned);
    free(l.seen);
    return code;
}
