// SPDX-License-Identifier: Apache-2.0
// The table of adapters, and what they share when a call is planned.
#include "agent_int.h"

#include <assert.h>
#include <pinfold/id.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

static const struct agent_adapter *const adapters[] = {
    &agent_claude, &agent_codex, &agent_opencode, &agent_cursor,
    &agent_gemini, &agent_qwen,  &agent_command,  &agent_shell,
};

unsigned agent_count(void)
{
    return N_ELEMS(adapters);
}

const struct agent_adapter *agent_at(unsigned i)
{
    return adapters[i];
}

const struct agent_adapter *agent_find(const char *name)
{
    for (unsigned i = 0; i < N_ELEMS(adapters); i++)
        if (!strcmp(adapters[i]->name, name))
            return adapters[i];
    return NULL;
}

const char *agent_name(const struct agent_adapter *a)
{
    return a->name;
}

const char *agent_doc(const struct agent_adapter *a)
{
    return a->doc;
}

const char *agent_program(const struct agent_adapter *a)
{
    return a->program;
}

const char *agent_state_dir(const struct agent_adapter *a)
{
    return a->state_dir;
}

const char *agent_ignores(const struct agent_adapter *a)
{
    return a->ignores;
}

bool agent_needs_provider(const struct agent_adapter *a)
{
    return a->needs_provider;
}

bool agent_resumes(const struct agent_adapter *a)
{
    return a->resumes;
}

bool agent_counts_turns(const struct agent_adapter *a)
{
    return a->counts_turns;
}

bool agent_counts_cost(const struct agent_adapter *a)
{
    return a->counts_cost;
}

// --- plans ------------------------------------------------------------------------------------

void plan_arg(struct planner *p, const char *word)
{
    assert(p->n_argv + 1 < PLAN_WORDS); // adapters have a fixed number of words
    p->argv[p->n_argv++] = word;
}

void plan_args(struct planner *p, const char *const *words)
{
    for (; *words; words++)
        plan_arg(p, *words);
}

static const char *format(struct planner *p, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    size_t room = n < 0 ? 1 : (size_t)n + 1;
    char *text = json_pool_alloc(p->pool, room);
    text[0] = '\0';
    (void)vsnprintf(text, room, fmt, ap);
    return text;
}

const char *plan_text(struct planner *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = format(p, fmt, ap);
    va_end(ap);
    return text;
}

void plan_env(struct planner *p, const char *fmt, ...)
{
    va_list ap;
    assert(p->n_env + 1 < PLAN_WORDS); // as above
    va_start(ap, fmt);
    p->env[p->n_env++] = format(p, fmt, ap);
    va_end(ap);
}

// Text goes by a variable, which the tool does not see.
void plan_file(struct planner *p, const char *path, const char *text)
{
    assert(p->n_files < PLAN_FILES); // as above
    plan_env(p, "PINFOLD_FILE_%u=%s\n%s", p->n_files++, path, text);
}

static const char write_files[] = "old=$(umask)\numask 077\n"
                                  "nl='\n'\n"
                                  "put() {\n"
                                  "    file=$HOME/${1%%\"$nl\"*}\n"
                                  "    mkdir -p \"${file%/*}\" && rm -f \"$file\" &&\n"
                                  "        printf %s \"${1#*\"$nl\"}\" >\"$file\" && return\n"
                                  "    echo \"pinfold: $file cannot be written\" >&2\n"
                                  "    exit 1\n"
                                  "}\n";

const char *plan_json(struct planner *p, const char *s)
{
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 1024 * 1024);
    json_out_init(&o, &b);
    json_str(&o, NULL, s);
    return plan_text(p, "%s", b.data);
}

static const char *const *list_of(struct planner *p, const char *const *words, unsigned n)
{
    const char **list = json_pool_alloc(p->pool, (n + 1) * sizeof(*list));
    if (n)
        memcpy(list, words, n * sizeof(*list));
    list[n] = NULL;
    return list;
}

// The command, behind the files that it is to find.
static const char *const *with_files(struct planner *p)
{
    own_buf struct buf script;
    const char *words[PLAN_WORDS + 4] = {"sh", "-c", NULL, "sh"};
    unsigned n = 4;
    buf_init(&script, 4096);
    (void)buf_puts(&script, write_files);
    for (unsigned i = 0; i < p->n_files; i++)
        (void)buf_printf(&script, "put \"$PINFOLD_FILE_%u\"\nunset PINFOLD_FILE_%u\n", i, i);
    (void)buf_puts(&script, "umask \"$old\"\nexec \"$@\"\n");
    words[2] = plan_text(p, "%s", script.data);
    for (unsigned i = 0; i < p->n_argv; i++)
        words[n++] = p->argv[i];
    return list_of(p, words, n);
}

static int check(const struct agent_adapter *a, const struct agent_wish *w, struct err *e)
{
    if (a->needs_prompt && (!w->prompt || !*w->prompt))
        return err_set(e, ERR_BAD_REQUEST, "prompt is missing: agent %s needs one", a->name);
    if (a->needs_provider && (!w->base_url || !w->model))
        return err_set(e, ERR_BAD_REQUEST, "%s is missing: agent %s needs one",
                       w->base_url ? "model" : "provider", a->name);
    if (w->session && !a->resumes)
        return err_set(e, ERR_BAD_REQUEST, "agent %s has no session to go on with", a->name);
    // A tool that is given a session it does not know may begin another one without saying so;
    // one that begins with a hyphen would be an option.
    if (w->session && (strlen(w->session) >= AGENT_SESSION_MAX || !name_ok(w->session)))
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a session's id", w->session);
    if (w->ask && (!a->say || !w->talk) && (!a->hooks || !w->token))
        return err_set(e, ERR_BAD_REQUEST,
                       a->hooks ? "permissions are asked for on a terminal with a provider only"
                                : "agent %s cannot ask for permissions",
                       a->name);
    if (w->tools && !agent_serves(a, w->talk, w->token))
        return err_set(e, ERR_BAD_REQUEST,
                       a->mcp   ? "tools are served to agent %s with a provider only"
                       : a->say ? "tools are served without a terminal only"
                                : "agent %s cannot be served tools",
                       a->name);
    if (a->needs_provider && w->model[0] == '-')
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a model's name", w->model);
    return 0;
}

struct shelf {
    const struct agent_adapter *a;
    const char *what, *where;
};

static int put_shelf(struct planner *p, const struct shelf *s, const char *const *items,
                     struct err *e)
{
    unsigned n = 0;
    for (; items && items[0] && items[1]; items += 2, n++) {
        const char *at = s->where ? strstr(s->where, "%s") : NULL;
        if (!at)
            return err_set(e, ERR_BAD_REQUEST, "agent %s looks for no %s", s->a->name, s->what);
        if (n == AGENT_LIBRARY_MAX)
            return err_set(e, ERR_LIMIT, "there are more than %d %s", AGENT_LIBRARY_MAX, s->what);
        if (!name_ok(items[0])) // it becomes a part of a path
            return err_set(e, ERR_BAD_REQUEST, "%s: '%.64s' is not a name", s->what, items[0]);
        plan_file(p, plan_text(p, "%.*s%s%s", (int)(at - s->where), s->where, items[0], at + 2),
                  items[1]);
    }
    return 0;
}

// That nothing can be written is the sandbox's doing; this keeps the tool from trying.
static const char plan_words[] =
    "Make a plan and change nothing: the working directory is read-only. Look at what you need to "
    "see, then answer with the plan alone: what is to be changed, where, in which order, and how "
    "it is to be checked.\n\n";

int agent_plan_make(const struct agent_adapter *a, const struct agent_wish *w,
                    struct agent_plan *ret, struct err *e)
{
    if (check(a, w, e))
        return -1;
    struct agent_plan plan = {.pool = xmalloc(sizeof(*plan.pool))};
    struct agent_wish wish = *w;
    struct planner p = {.wish = &wish, .pool = plan.pool, .plan = &plan};
    json_pool_init(plan.pool);
    if (w->plan && a->on_line)
        wish.prompt = plan_text(&p, "%s%s", plan_words, w->prompt);
    const struct shelf skills = {a, "skills", a->skills}, commands = {a, "commands", a->commands};
    if (a->plan(&p, e) || put_shelf(&p, &skills, w->skills, e) ||
        put_shelf(&p, &commands, w->commands, e) || plan_subagents(&p, a, e)) {
        agent_plan_release(&plan);
        return -1;
    }
    if (!plan.command && !plan.argv)
        plan.argv = p.n_files ? with_files(&p) : list_of(&p, p.argv, p.n_argv);
    plan.env = list_of(&p, p.env, p.n_env);
    *ret = plan;
    return 0;
}

void agent_plan_release(struct agent_plan *p)
{
    if (p->pool)
        json_pool_release(p->pool);
    free(p->pool);
    *p = (struct agent_plan){0};
}
