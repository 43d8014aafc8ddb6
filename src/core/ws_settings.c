// SPDX-License-Identifier: Apache-2.0
// Checking what a person asks for, and making settings of it.
#include "repo_int.h"
#include "workspace_int.h"

#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <pinfold/profile.h>

void settings_release(struct ws_settings *s)
{
    free(s->env);
    free(s->labels);
    free(s->allow);
    free(s->init_script);
    s->env = s->labels = s->allow = NULL;
    s->init_script = NULL;
}

// More than the profile gives is refused, not quietly cut.
int limits_within(const struct limits *base, const struct limits *want, const char *who,
                  struct err *e)
{
    if (limits_check(want, e))
        return -1;
    for (unsigned i = 0; i < n_limit_rows; i++) {
        uint64_t b = limit_get(base, &limit_rows[i]), w = limit_get(want, &limit_rows[i]);
        if (b && w > b)
            return err_set(e, ERR_LIMIT, "limits.%s is %llu; the profile %s allows at most %llu",
                           limit_rows[i].name, (unsigned long long)w, who, (unsigned long long)b);
    }
    return 0;
}

static int check_name(struct core *c, const char *name, const char *id, struct err *e)
{
    if (!name_ok(name))
        return err_set(e, ERR_BAD_REQUEST,
                       "name '%.70s' is not 1 to %d of letters, digits, dot, underscore, hyphen",
                       name, NAME_MAX_LEN);
    if (strcmp(name, id) && id_ok(name, "ws"))
        return err_set(e, ERR_BAD_REQUEST, "name '%s' looks like an id", name);
    struct ws *other = map_get(c->ws_by_name, name);
    if (other && strcmp(other->pub.id, id))
        return err_set(e, ERR_CONFLICT, "there is a workspace named '%s' already", name);
    return 0;
}

static int set_texts(struct ws_settings *s, const char *script, const char *const *env,
                     const char *const *labels, struct err *e)
{
    if (env_check(env, "env", WS_ENV_MAX, WS_ENV_BYTES, e) ||
        env_check(labels, "labels", WS_LABELS_MAX, WS_LABELS_BYTES, e))
        return -1;
    if (script && strlen(script) > WS_SCRIPT_BYTES)
        return err_set(e, ERR_LIMIT, "init_script is larger than %d bytes", WS_SCRIPT_BYTES);
    if (env || !s->env) {
        free(s->env);
        s->env = strings_copy(env);
    }
    if (labels || !s->labels) {
        free(s->labels);
        s->labels = strings_copy(labels);
    }
    if (script || !s->init_script) {
        free(s->init_script);
        s->init_script = xstrdup(script ? script : "");
    }
    return 0;
}

static int set_image(struct core *c, struct ws_settings *s, const char *name, struct err *e)
{
    s->image = image_named(c, name);
    TEXT_PUT(s->image_name, name);
    return s->image ? 0 : err_set(e, ERR_BAD_REQUEST, "there is no image '%.64s'", name);
}

static int set_profile(struct core *c, struct ws_settings *s, const char *name, struct err *e)
{
    s->profile = core_profile_find(c, name);
    TEXT_PUT(s->profile_name, name);
    return s->profile ? 0 : err_set(e, ERR_BAD_REQUEST, "there is no profile '%.64s'", name);
}

static int set_network(const struct core *c, struct ws_settings *s, const struct network_wish *wish,
                       const char *repo_url, struct err *e)
{
    own_buf struct buf rules;
    buf_init(&rules, POLICY_TEXT_MAX);
    const struct rep *r = rep_of_url(c, repo_url);
    if (network_check(wish, s->profile, &s->network, e) || uses_check(c, wish, e))
        return -1;
    if (s->network == NET_FULL && r && r->allow)
        return err_set(e, ERR_DENIED,
                       "the repository has an allow-list: network.mode cannot be full");
    struct strings *allow =
        s->network == NET_LIST ? network_list(wish, s->profile) : strings_copy(NULL);
    free(s->allow);
    s->allow = allow;
    return network_rules(c, s->profile, allow->list, repo_url, &rules, e);
}

int settings_make(struct core *c, const struct ws_wish *wish, const char *id,
                  struct ws_settings *ret, struct err *e)
{
    struct ws_settings s = {.limits = wish->limits, .learn = wish->learn};
    const char *name = wish->name ? wish->name : id;
    TEXT_PUT(s.name, name);
    if (check_name(c, name, id, e) ||
        set_image(c, &s, wish->image ? wish->image : c->conf.default_image, e) ||
        set_profile(c, &s, wish->profile ? wish->profile : c->conf.default_profile, e) ||
        set_network(c, &s, &wish->network, wish->repo_url, e) ||
        limits_within(&s.profile->limits, &s.limits, s.profile_name, e) ||
        set_texts(&s, wish->init_script, wish->env, wish->labels, e)) {
        settings_release(&s);
        return -1;
    }
    *ret = s;
    return 0;
}

bool ws_wants_disk(const struct ws_settings *s)
{
    return s->limits.disk_bytes || s->limits.inodes;
}

void settings_default_disk(struct ws_settings *s, uint64_t bytes)
{
    uint64_t most = s->profile->limits.disk_bytes;
    if (!ws_wants_disk(s))
        s->limits.disk_bytes = most && bytes > most ? most : bytes;
}

// The disk is made with the directory.
static int check_disk(const struct ws_settings *s, const struct limits *want, struct err *e)
{
    if ((want->disk_bytes && want->disk_bytes != s->limits.disk_bytes) ||
        (want->inodes && want->inodes != s->limits.inodes))
        return err_set(e, ERR_CONFLICT,
                       "limits.disk_bytes and limits.inodes are set when a workspace is made");
    return 0;
}

static int change(struct ws *ws, const struct workspace_patch *p, struct ws_settings *s,
                  struct err *e)
{
    struct core *c = ws->core;
    if (p->name && check_name(c, p->name, ws->pub.id, e))
        return -1;
    if (p->name)
        TEXT_PUT(s->name, p->name);
    if (p->image && set_image(c, s, p->image, e))
        return -1;
    if (p->profile && set_profile(c, s, p->profile, e))
        return -1;
    if (p->learn_given)
        s->learn = p->learn;
    const struct network_wish wish = {
        .given = true,
        .mode = p->network_given ? p->network : s->network,
        .allow = p->allow                 ? p->allow
                 : s->network == NET_LIST ? s->allow->list
                                          : NULL,
        .secrets = p->secrets,
        .keep = s->allow->list,
    };
    if ((p->network_given || p->allow || p->secrets || p->profile) && s->profile &&
        set_network(c, s, &wish, ws->repo_url, e))
        return -1;
    if (p->limits_given && check_disk(s, &p->limits, e))
        return -1;
    for (unsigned i = 0; p->limits_given && i < n_limit_rows; i++) {
        uint64_t v = limit_get(&p->limits, &limit_rows[i]);
        if (v)
            limit_put(&s->limits, &limit_rows[i], v);
    }
    if (s->profile && limits_within(&s->profile->limits, &s->limits, s->profile_name, e))
        return -1;
    return set_texts(s, p->init_script, p->env, p->labels, e);
}

int settings_change(struct ws *ws, const struct workspace_patch *p, struct ws_settings *ret,
                    struct err *e)
{
    struct ws_settings s = ws->set;
    s.env = strings_copy(ws->set.env->list);
    s.labels = strings_copy(ws->set.labels->list);
    s.allow = strings_copy(ws->set.allow->list);
    s.init_script = xstrdup(ws->set.init_script);
    if (change(ws, p, &s, e)) {
        settings_release(&s);
        return -1;
    }
    *ret = s;
    return 0;
}
