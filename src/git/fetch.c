// SPDX-License-Identifier: Apache-2.0
// Fetching over https, http and git. Only the pack comes from the library's fetch; references are
// ours (refs.c). Credentials go to the server they were given for and to no other: the library may
// only connect there (stream.c), and it asks for them through a callback.
#include "git_int.h"

#include <inttypes.h>
#include <pinfold/own.h>
#include <string.h>

// A line of the advertisement: name, id and framing. Long names are allowed for some.
#define ADVERTISED_BYTES 200

struct fetch {
    struct job *job;
    bool secret;     // this server may have the credentials
    unsigned asked;  // how often the server asked for them
    bool rejected;   // we had none to give, or none other
    struct err over; // a limit that the progress callback saw exceeded
};

static int on_credentials(git_credential **ret, const char *url, const char *user, unsigned allowed,
                          void *arg)
{
    struct fetch *f = arg;
    const struct repo_request *q = &f->job->q;
    (void)url, (void)user;
    f->asked++;
    // Asked again, the server did not like them: the same ones will not do.
    if (!f->secret || !q->password[0] || f->asked > 1 ||
        !(allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT)) {
        f->rejected = true;
        return GIT_EAUTH;
    }
    return git_credential_userpass_plaintext_new(
        ret, q->username[0] ? q->username : "x-access-token", q->password);
}

static int on_progress(const git_indexer_progress *s, void *arg)
{
    struct fetch *f = arg;
    const struct repo_limits *l = &f->job->q.limits;
    if (s->total_objects > l->objects) {
        (void)err_set(&f->over, ERR_LIMIT,
                      "the repository is over its limit: more than %" PRIu64 " objects",
                      l->objects);
        return GIT_EUSER;
    }
    if (s->received_objects < s->total_objects)
        say_progress(REPO_RECEIVING, s->received_objects, s->total_objects, s->received_bytes);
    else
        say_progress(REPO_RESOLVING, s->indexed_deltas, s->total_deltas, s->received_bytes);
    return 0;
}

static int fetch_fail(struct fetch *f, struct err *e)
{
    const char *why = f->secret && f->job->q.password[0]
                          ? "the server refuses the credentials"
                          : "the server asks for credentials, or the repository does not exist";
    if (f->over.code != ERR_NONE)
        return err_set(e, f->over.code, "%s", f->over.text);
    if (f->rejected)
        return err_set(e, ERR_DENIED, "%s", why);
    return lib_fail(f->job, e, "the repository could not be fetched");
}

static int list_refs(struct fetch *f, git_remote *remote, const struct source *s, struct err *e)
{
    const git_remote_head **heads;
    size_t n;
    if (git_remote_ls(&heads, &n, remote) < 0)
        return fetch_fail(f, e);
    f->job->r.refs = n;
    if (n > f->job->q.limits.refs)
        return err_set(e, ERR_LIMIT, "the repository has more than %" PRIu64 " references",
                       f->job->q.limits.refs);
    for (size_t i = 0; i < n; i++) {
        const char *name = heads[i]->name;
        if (strncmp(name, "refs/heads/", 11) && strncmp(name, "refs/tags/", 10) &&
            strcmp(name, s->extra))
            continue;
        if (refs_add(s->refs, name, &heads[i]->oid, f->job->q.limits.refs, e) < 0)
            return -1;
    }
    return 0;
}

static void default_branch(git_remote *remote, char ret[REPO_REF_MAX])
{
    git_buf name = {0};
    enum repo_ref_kind kind;
    if (git_remote_default_branch(&name, remote) == 0 && name.ptr && name.size < REPO_REF_MAX &&
        !strncmp(name.ptr, "refs/heads/", 11) &&
        !repo_ref_check(name.ptr, name.size, &kind, NULL) && kind == REPO_REF_FULL)
        memcpy(ret, name.ptr, name.size + 1);
    git_buf_dispose(&name);
}

static int download(struct fetch *f, git_remote *remote, const struct source *s,
                    const git_remote_connect_options *connect, struct err *e)
{
    char heads[] = "+refs/heads/*:refs/heads/*", tags[] = "+refs/tags/*:refs/tags/*";
    char extra[2 * REPO_REF_MAX + 4], wanted[GIT_OID_HEXSZ + 1] = "";
    char *specs[3] = {heads, tags, extra};
    git_strarray list = {specs, s->extra[0] ? 3 : 2};
    git_fetch_options o;
    (void)git_fetch_options_init(&o, GIT_FETCH_OPTIONS_VERSION); // the version is our header's
    o.callbacks = connect->callbacks;
    o.custom_headers = connect->custom_headers;
    o.follow_redirects = connect->follow_redirects;
    o.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    o.update_fetchhead = 0;
    (void)snprintf(extra, sizeof(extra), "+%s:%s", s->extra, s->extra); // both have room
    if (s->wanted) {
        specs[0] = git_oid_tostr(wanted, sizeof(wanted), s->wanted);
        list.count = 1;
    }
    if (git_remote_download(remote, &list, &o) < 0)
        return fetch_fail(f, e);
    f->job->r.bytes += stream_received();
    f->job->r.objects += git_remote_stats(remote)->received_objects;
    return 0;
}

static int connect_options(struct fetch *f, git_remote_connect_options *o, git_strarray *header)
{
    if (git_remote_connect_options_init(o, GIT_REMOTE_CONNECT_OPTIONS_VERSION) < 0)
        return -1;
    o->callbacks.credentials = on_credentials;
    o->callbacks.transfer_progress = on_progress;
    o->callbacks.payload = f;
    o->proxy_opts.type = GIT_PROXY_NONE;
    o->follow_redirects = f->secret ? GIT_REMOTE_REDIRECT_NONE : GIT_REMOTE_REDIRECT_INITIAL;
    if (f->secret && f->job->q.header[0])
        o->custom_headers = *header;
    return 0;
}

static int talk(struct fetch *f, git_remote *remote, const struct source *s, struct err *e)
{
    char *header[] = {f->job->q.header};
    git_strarray headers = {header, 1};
    git_remote_connect_options o;
    const struct repo_limits *l = &f->job->q.limits;
    if (connect_options(f, &o, &headers) < 0)
        return lib_fail(f->job, e, "prepare the connection");
    stream_limit(l->refs * ADVERTISED_BYTES, "references");
    if (git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &o) < 0)
        return fetch_fail(f, e);
    if (!s->wanted) { // the second time they are known
        if (list_refs(f, remote, s, e) < 0)
            return -1;
        default_branch(remote, s->head);
    }
    stream_limit(l->bytes, "objects");
    return download(f, remote, s, &o, e);
}

int fetch_remote(struct job *j, struct mirror *m, const struct source *s, struct err *e)
{
    const struct repo_request *q = &j->q;
    bool has_secret = q->password[0] || q->header[0];
    struct fetch f = {.job = j, .secret = has_secret && repo_url_same_server(&q->url, s->url)};
    struct stream_rules rules = {.only = f.secret ? s->url : NULL};
    git_remote *remote = NULL;
    stream_set(&rules);
    guard_alloc_max(q->limits.file_bytes);
    (void)git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, (size_t)q->limits.objects);
    j->r.fetched = true;
    say_progress(REPO_CONNECTING, 0, 0, 0);
    if (git_remote_create_anonymous(&remote, m->repo, s->url->canonical) < 0)
        return lib_fail(j, e, "prepare the connection");
    int r = talk(&f, remote, s, e);
    git_remote_free(remote);
    return r;
}
