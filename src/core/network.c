// SPDX-License-Identifier: Apache-2.0
// From what was asked for to rules: presets are spelt out, the profile's own list cuts, and
// addresses are good only when the operator has listed them.
#include "repo_int.h"
#include "workspace_int.h"

#include <pinfold/buf.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <pinfold/profile.h>

#define PROXY "127.0.0.1:" NET_PROXY_TEXT

// For the many programs that ask for a proxy; those that do not are served by the name server
// inside. The sandbox's own loopback is not to be reached through it.
const char *const network_env[] = {"HTTP_PROXY=http://" PROXY, "HTTPS_PROXY=http://" PROXY,
                                   "ALL_PROXY=http://" PROXY,  "NO_PROXY=localhost,127.0.0.1,::1",
                                   "http_proxy=http://" PROXY, "https_proxy=http://" PROXY,
                                   "all_proxy=http://" PROXY,  "no_proxy=localhost,127.0.0.1,::1",
                                   "NODE_USE_ENV_PROXY=1",     NULL};

int network_check(const struct network_wish *w, const struct profile *profile, enum net_mode *ret,
                  struct err *e)
{
    bool uses = (w->secrets && w->secrets[0]) || w->provider;
    enum net_mode mode = w->given                               ? w->mode
                         : uses && profile->network == NET_NONE ? NET_LIST
                                                                : profile->network;
    if (mode >= NET_HOST)
        return err_set(e, ERR_BAD_REQUEST, "network.mode '%s' is not to be had",
                       net_mode_name(mode));
    if (mode == NET_FULL && profile->network_listed)
        return err_set(e, ERR_DENIED, "profile %s has an allow-list: network.mode cannot be full",
                       profile->name);
    if (w->allow && w->allow[0] && mode != NET_LIST)
        return err_set(e, ERR_BAD_REQUEST, "network.allow is for network.mode allow-list");
    if (uses && mode != NET_LIST)
        return err_set(e, ERR_BAD_REQUEST,
                       "secrets and providers need network.mode allow-list; an empty allow is "
                       "enough");
    *ret = mode;
    return 0;
}

struct strings *network_list(const struct network_wish *w, const struct profile *profile)
{
    if (w->allow || !profile->network_listed)
        return uses_join(w, w->allow);
    own_free char *copy = xstrdup(profile->network_allow);
    const char *words[POLICY_RULES_MAX + 1];
    size_t n = 0;
    char *rest = copy;
    for (char *word; n < POLICY_RULES_MAX && (word = strsep(&rest, " "));)
        if (*word)
            words[n++] = word;
    words[n] = NULL;
    return uses_join(w, words);
}

// --- presets -------------------------------------------------------------------------------------

// https://user@host:port/path to host:port.
static int add_url(struct policy *p, const char *url, struct err *e)
{
    const char *at = strstr(url, "://");
    if (!at || strncmp(url, "http", 4))
        return 0; // a path, or git's own protocol, which knows no proxy
    at += 3;
    size_t n = strcspn(at, "/?#");
    const char *user = memrchr(at, '@', n);
    if (user) {
        n -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    own_free char *rule = xmemdup0(at, n);
    return policy_parse(p, rule, e);
}

static int add_providers(const struct core *c, struct policy *p, struct err *e)
{
    list_for (it, &c->secrets.all)
        if (add_url(p, container_of(it, struct sec, all)->base_url, e))
            return -1;
    return 0;
}

static int add_preset(const struct core *c, struct policy *p, const char *name,
                      const char *repo_url, struct err *e)
{
    bool git = !strcmp(name, "@git"), models = !strcmp(name, "@models");
    if (models && add_providers(c, p, e))
        return -1;
    if (git && ((c->conf.repo_base_url && add_url(p, c->conf.repo_base_url, e)) ||
                (repo_url && add_url(p, repo_url, e))))
        return -1;
    for (unsigned i = 0; i < c->conf.n_presets; i++)
        if (!strcmp(c->conf.presets[i].name, name + 1)) {
            if (!*c->conf.presets[i].rules && !git && !(models && p->n))
                return err_set(e, ERR_BAD_REQUEST,
                               "preset %s is empty: nothing on this machine is configured for it; "
                               "name the hosts, or give it some with Presets= in pinfold.conf",
                               name);
            return policy_parse(p, c->conf.presets[i].rules, e);
        }
    return git ? 0 : err_set(e, ERR_BAD_REQUEST, "there is no preset '%.32s'", name);
}

// --- rules ---------------------------------------------------------------------------------------

static int check_addresses(const struct core *c, const struct policy *p, struct err *e)
{
    struct policy list = {0};
    char text[RULE_ROOM];
    int bad = policy_parse(&list, c->conf.allow_private ? c->conf.allow_private : "", e);
    for (unsigned i = 0; i < p->n && !bad; i++) {
        const struct rule *r = &p->rules[i];
        struct host h;
        if (r->kind == RULE_ADDRESS && !host_parse(r->host, strlen(r->host), &h, NULL) &&
            !policy_match(&list, &h, r->port))
            bad = err_set(e, ERR_DENIED, "%.80s is an address that AllowPrivate= does not list",
                          rule_text(r, text));
    }
    policy_release(&list);
    return bad;
}

static int read_list(const struct core *c, const char *const *allow, const char *repo_url,
                     struct policy *p, struct err *e)
{
    for (; *allow; allow++) {
        if (is_use(*allow) && secret_id_ok(*allow))
            continue;
        own_free char *rule = xstrdup(*allow);
        char *blank = strstr(rule, "://") ? strchr(rule, ' ') : NULL;
        if (blank) // "GET,HEAD https://...", as a person writes it
            *blank = '+';
        if (strchr(rule, ' ') || !*rule)
            return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not one rule", rule);
        if (preset_name_ok(rule, strlen(rule)) ? add_preset(c, p, rule, repo_url, e)
                                               : policy_parse(p, rule, e))
            return -1;
    }
    return policy_ports(p, c->conf.egress_ports ? c->conf.egress_ports : "80 443", e);
}

// Only what `by` allows as well.
static int cut(struct policy *p, const struct policy *by, struct err *e)
{
    struct policy both = {0};
    if (policy_intersect(p, by, &both, e))
        return -1;
    policy_release(p);
    *p = both;
    return 0;
}

// What was asked for, cut to the profile's list and to the repository's.
static int make(const struct core *c, const struct profile *profile, const char *const *allow,
                const char *repo_url, struct policy *ret, struct err *e)
{
    struct policy by[2] = {0};
    const struct rep *r = rep_of_url(c, repo_url);
    static const char *const nothing[] = {NULL};
    int bad = read_list(c, allow, repo_url, ret, e) || check_addresses(c, ret, e);
    if (!bad && profile->network_listed)
        bad = policy_parse(&by[0], profile->network_allow, e) ||
              read_list(c, nothing, NULL, &by[0], e) || cut(ret, &by[0], e);
    if (!bad && r && r->allow)
        bad = read_list(c, r->allow->list, repo_url, &by[1], e) || cut(ret, &by[1], e);
    policy_release(&by[0]);
    policy_release(&by[1]);
    return bad;
}

// The egress process knows them by their slash.
static int add_uses(const char *const *allow, struct buf *out)
{
    for (; *allow; allow++)
        if (is_use(*allow) && (buf_puts(out, out->len ? " " : "") || buf_puts(out, *allow)))
            return -1;
    return 0;
}

int network_rules(const struct core *c, const struct profile *profile, const char *const *allow,
                  const char *repo_url, struct buf *out, struct err *e)
{
    struct policy p = {0};
    int bad = make(c, profile, allow, repo_url, &p, e);
    if (bad)
        err_wrap(e, "network.allow");
    else if (policy_format(&p, out) || add_uses(allow, out))
        bad = err_set(e, ERR_LIMIT, "network.allow: the rules are larger than %d bytes",
                      POLICY_TEXT_MAX);
    policy_release(&p);
    return bad;
}

// Secrets are for commands: git has no use for them, nor for an authority of the sandbox's own.
static struct strings *without_uses(const char *const *allow)
{
    const char *words[POLICY_RULES_MAX + 1];
    size_t n = 0;
    for (; *allow && n < POLICY_RULES_MAX; allow++)
        if (!is_use(*allow) && !strstr(*allow, "://"))
            words[n++] = *allow;
    words[n] = NULL;
    return strings_copy(words);
}

// The repository's own server is a rule of its own: whoever named the one named the other.
static int add_repository(const struct core *c, const char *repo_url, struct buf *out,
                          struct err *e)
{
    struct repo_rules rules;
    struct repo_url url;
    git_rules(c, &rules);
    if (repo_url_parse(repo_url, strlen(repo_url), &rules, &url, e))
        return -1;
    if (url.scheme == REPO_FILE)
        return 0;
    bool six = strchr(url.host, ':') != NULL;
    if (buf_printf(out, "%s%s%s%s:%u", out->len ? " " : "", six ? "[" : "", url.host,
                   six ? "]" : "", url.port))
        return err_set(e, ERR_LIMIT, "network.allow: the rules are larger than %d bytes",
                       POLICY_TEXT_MAX);
    return 0;
}

static int list_for_it(struct sandbox *sb, const struct ws *ws, struct buf *rules, struct err *e)
{
    own_free struct strings *allow =
        sb->net_repo ? without_uses(ws->set.allow->list) : strings_copy(ws->set.allow->list);
    return network_rules(sb->core, ws->set.profile, allow->list, ws->repo_url, rules, e);
}

static int profile_rules(const struct core *c, const struct profile *profile, struct buf *rules,
                         struct err *e)
{
    const struct network_wish none = {0};
    own_free struct strings *allow = network_list(&none, profile);
    return network_rules(c, profile, allow->list, NULL, rules, e);
}

// An init script of another mode has the network of the profile build.
static int build_rules(struct sandbox *sb, struct buf *rules, struct err *e)
{
    const struct core *c = sb->core;
    const struct profile *build = profile_find(c->profiles, c->n_profiles, "build");
    sb->net_anywhere = build && build->network == NET_FULL;
    return build && build->network == NET_LIST ? profile_rules(c, build, rules, e) : 0;
}

static int make_rules(struct sandbox *sb, const struct ws *ws, struct buf *rules, struct err *e)
{
    struct buf named;
    bool listed = ws && ws->set.network == NET_LIST && ws->set.profile;
    free(ptr_steal(&sb->net_named));
    if (!listed && !sb->net_repo)
        return build_rules(sb, rules, e);
    // Beside the repository, which a person named, what is in it is anybody's.
    sb->net_anywhere = !listed;
    if (listed && list_for_it(sb, ws, rules, e))
        return -1;
    if (!sb->net_repo)
        return 0;
    buf_init(&named, HOST_ROOM + 16);
    int bad = add_repository(sb->core, sb->net_repo, rules, e) ||
              (!listed && add_repository(sb->core, sb->net_repo, &named, e));
    if (!bad && !listed)
        sb->net_named = xstrdup(named.data);
    buf_release(&named);
    return bad;
}

int network_for(struct sandbox *sb, const struct ws *ws, const char *repo_url, struct err *e)
{
    own_buf struct buf rules;
    buf_init(&rules, POLICY_TEXT_MAX);
    if (repo_url && !sb->net_repo)
        sb->net_repo = xstrdup(repo_url);
    if (make_rules(sb, ws, &rules, e))
        return -1;
    free(sb->net_rules);
    sb->net_rules = xstrdup(rules.data);
    TEXT_PUT(sb->net_of, ws ? ws->pub.id : "");
    return 0;
}

int network_of_profile(struct sandbox *sb, const struct profile *profile, struct err *e)
{
    own_buf struct buf rules;
    buf_init(&rules, POLICY_TEXT_MAX);
    if (profile_rules(sb->core, profile, &rules, e))
        return -1;
    free(sb->net_rules);
    sb->net_rules = xstrdup(rules.data);
    return 0;
}

void network_again(const struct ws *ws)
{
    list_for (it, &ws->core->boxes) {
        struct sandbox *sb = container_of(it, struct sandbox, link);
        struct err e;
        if (!sb->net_rules || strcmp(sb->net_of, ws->pub.id))
            continue;
        if (network_for(sb, ws, sb->net_repo, &e)) { // rules that cannot be made allow nothing
            core_notice(ws->core, true, "%s: %s", sb->id, e.text);
            *sb->net_rules = '\0';
        }
        egress_tell(sb, false);
    }
}
