// SPDX-License-Identifier: Apache-2.0
// What pinfold-git answers: lines of progress, then one block, then nothing.
//
//   progress receiving 120 400 53211
//   result ok
//   commit=...
//   end
#include "fields.h"

#include <inttypes.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

#define R_TEXT(name) TEXT_FIELD(repo_result, #name, name)
#define R_U64(name) U64_FIELD(repo_result, #name, name)
static const struct field ok_rows[] = {
    R_TEXT(commit),         R_TEXT(ref),         R_TEXT(branch),
    R_TEXT(default_branch), R_TEXT(refs_digest), BOOL_FIELD(repo_result, "fetched", fetched),
    R_U64(bytes),           R_U64(objects),      R_U64(refs),
    R_U64(files),           R_U64(tree_bytes),   R_U64(submodules),
    R_U64(duration_ms),
};
static const struct field_table ok_table = {ok_rows, N_ELEMS(ok_rows)};

struct failure {
    char code[32];
    char text[sizeof(((struct err *)0)->text)];
    char detail[256];
};
static const struct field failure_rows[] = {
    TEXT_FIELD(failure, "code", code),
    TEXT_FIELD(failure, "text", text),
    TEXT_FIELD(failure, "detail", detail),
};
static const struct field_table failure_table = {failure_rows, N_ELEMS(failure_rows)};

struct repo_reply {
    void (*on_progress)(void *arg, const struct repo_progress *p);
    void *arg;
    struct buf line;
    enum { IN_PROGRESS, IN_OK, IN_ERROR, AT_END, BROKEN } state;
    bool failed; // the block was an error's
    uint64_t seen;
    struct repo_result result;
    struct failure failure;
    struct buf changes;
};

int repo_change_format(char status, const char *path, struct buf *out)
{
    if (strlen(path) > REPO_CHANGE_PATH_MAX)
        return -1;
    (void)buf_printf(out, "change %c ", status); // an overflow is remembered in *out
    for (; *path; path++)
        (void)buf_putc(out, (unsigned char)*path < 0x20 || *path == 0x7f ? '?' : *path);
    (void)buf_putc(out, '\n');
    return 0;
}

void repo_progress_format(const struct repo_progress *p, struct buf *out)
{
    (void)buf_printf(out, "progress %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                     repo_phase_name(p->phase), p->done, p->total, p->bytes);
}

void repo_result_format(const struct repo_result *r, struct buf *out)
{
    (void)buf_puts(out, "result ok\n"); // an overflow is remembered in *out
    (void)fields_format(&ok_table, r, '\n', out);
    (void)buf_puts(out, "end\n");
}

// Text of a library or a server, made fit for one line.
static void put_line(char *to, size_t room, const char *s)
{
    size_t n = 0;
    for (; s && *s && n + 1 < room; s++)
        to[n++] = (unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f ? '?' : *s;
    to[n] = '\0';
}

void repo_error_format(const struct err *e, const char *detail, struct buf *out)
{
    struct failure f;
    put_line(f.code, sizeof(f.code), err_code_name(e->code));
    put_line(f.text, sizeof(f.text), e->text);
    put_line(f.detail, sizeof(f.detail), detail);
    (void)buf_puts(out, "result error\n");
    (void)fields_format(&failure_table, &f, '\n', out);
    (void)buf_puts(out, "end\n");
}

struct repo_reply *repo_reply_new(void (*on_progress)(void *arg, const struct repo_progress *p),
                                  void *arg)
{
    struct repo_reply *r = xcalloc(1, sizeof(*r));
    r->on_progress = on_progress;
    r->arg = arg;
    buf_init(&r->line, LINE_MAX_BYTES);
    buf_init(&r->changes, REPO_CHANGES_BYTES);
    return r;
}

void repo_reply_free(struct repo_reply *r)
{
    if (!r)
        return;
    buf_release(&r->line);
    buf_release(&r->changes);
    free(r);
}

static int phase_parse(const char *name, enum repo_phase *ret)
{
    for (unsigned i = 0; i < REPO_PHASE_N; i++) {
        if (strcmp(name, repo_phase_name((enum repo_phase)i)) != 0)
            continue;
        *ret = (enum repo_phase)i;
        return 0;
    }
    return -1;
}

static int take_progress(struct repo_reply *r, char *line)
{
    struct repo_progress p = {0};
    uint64_t *const numbers[] = {&p.done, &p.total, &p.bytes};
    char *rest = line, *word = strsep(&rest, " ");
    if (strcmp(word, "progress") != 0 || !rest)
        return -1;
    if (phase_parse(strsep(&rest, " "), &p.phase) < 0)
        return -1;
    for (size_t i = 0; i < N_ELEMS(numbers); i++)
        if (!rest || num_parse_u64(strsep(&rest, " "), 0, UINT64_MAX, numbers[i], NULL) < 0)
            return -1;
    if (rest)
        return -1;
    if (r->on_progress)
        r->on_progress(r->arg, &p);
    return 0;
}

static int take_change(struct repo_reply *r, const char *line, size_t len)
{
    const char *path = line + 9;
    if (len < 10 || !strchr("AMDT", line[7]) || line[8] != ' ')
        return -1;
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return -1;
    if (r->changes.len + len > REPO_CHANGES_BYTES)
        return 0;                         // counted at the end all the same
    (void)buf_putc(&r->changes, line[7]); // there is room
    (void)buf_append(&r->changes, path, strlen(path) + 1);
    return 0;
}

// Names as git writes them, or nothing.
static bool is_ref(const char *s, const char *prefix)
{
    char full[REPO_REF_MAX + 16];
    if (!s[0])
        return true;
    (void)snprintf(full, sizeof(full), "%s%s", prefix, s); // both have room
    return strlen(full) < REPO_REF_MAX && !repo_ref_check(full, strlen(full), NULL, NULL) &&
           !strncmp(full, "refs/", 5);
}

static int check_result(const struct repo_result *r)
{
    // An empty repository has no commit, and then no reference either.
    if ((!repo_is_oid(r->commit) && (r->commit[0] || r->files)) ||
        (!repo_is_oid(r->refs_digest) && r->refs_digest[0]))
        return -1;
    if (!is_ref(r->ref, "") || !is_ref(r->branch, "refs/heads/") ||
        !is_ref(r->default_branch, "refs/heads/"))
        return -1;
    return 0;
}

static int take_end(struct repo_reply *r)
{
    bool ok = r->state == IN_OK;
    if (fields_complete(ok ? &ok_table : &failure_table, r->seen, NULL) < 0)
        return -1;
    if (ok && check_result(&r->result) < 0)
        return -1;
    return 0;
}

static int take_line(struct repo_reply *r, char *line, size_t len)
{
    switch (r->state) {
    case IN_PROGRESS:
        if (!strcmp(line, "result ok"))
            r->state = IN_OK;
        else if (!strcmp(line, "result error"))
            r->state = IN_ERROR;
        else if (!strncmp(line, "change ", 7))
            return take_change(r, line, len);
        else
            return take_progress(r, line);
        return 0;
    case IN_OK:
    case IN_ERROR:
        if (!strcmp(line, "end")) {
            if (take_end(r) < 0)
                return -1;
            r->failed = r->state == IN_ERROR;
            r->state = AT_END;
            return 0;
        }
        return r->state == IN_OK
                   ? fields_take(&ok_table, line, len, &r->seen, &r->result, NULL)
                   : fields_take(&failure_table, line, len, &r->seen, &r->failure, NULL);
    default:
        return -1;
    }
}

static int broken(struct repo_reply *r, struct err *e)
{
    r->state = BROKEN;
    return err_set(e, ERR_INTERNAL, "the git helper broke its protocol");
}

int repo_reply_feed(struct repo_reply *r, const void *p, size_t len, struct err *e)
{
    const char *at = p, *end = at + len;
    if (r->state == BROKEN)
        return broken(r, e);
    while (at < end) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        const char *stop = nl ? nl : end;
        if (buf_append(&r->line, at, (size_t)(stop - at)) < 0)
            return broken(r, e);
        if (!nl)
            return 0;
        if (memchr(r->line.data, '\0', r->line.len) || take_line(r, r->line.data, r->line.len) < 0)
            return broken(r, e);
        buf_clear(&r->line);
        at = nl + 1;
    }
    return 0;
}

static enum err_code code_parse(const char *name)
{
    for (unsigned i = ERR_NONE + 1; i < ERR_N_CODES; i++)
        if (!strcmp(err_code_name((enum err_code)i), name))
            return (enum err_code)i;
    return ERR_INTERNAL;
}

int repo_reply_finish(struct repo_reply *r, int exit_code, struct repo_result *ret, struct err *e)
{
    if (r->state == BROKEN || (r->state == AT_END && r->line.len))
        return broken(r, e);
    if (r->state != AT_END)
        return err_set(e, ERR_LOST, "the git helper ended without a result");
    if (r->failed)
        return err_set(e, code_parse(r->failure.code), "%s", r->failure.text);
    if (exit_code != REPO_EXIT_OK)
        return err_set(e, ERR_LOST, "the git helper failed after its result");
    *ret = r->result;
    return 0;
}

const char *repo_reply_detail(const struct repo_reply *r)
{
    return r->failure.detail;
}

const struct buf *repo_reply_changes(const struct repo_reply *r)
{
    return &r->changes;
}
