// SPDX-License-Identifier: Apache-2.0
// Settings, profiles and images, as core wants them.
#include "server_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/agent.h>
#include <pinfold/own.h>
#include <string.h>

static const char *mirror_of(void *arg, const char *image)
{
    const struct conf *c = arg;
    for (uint64_t i = 0; i < c->n_mirrors; i++)
        if (!strcmp(c->mirrors[i].image, image))
            return c->mirrors[i].url;
    return NULL;
}

static int load_image(struct stock *s, const struct conf *conf, const char *file, struct err *e)
{
    static const char suffix[] = ".image";
    char name[NAME_MAX_LEN + 1];
    size_t n = strlen(file), cut = sizeof(suffix) - 1;
    if (n <= cut || n - cut > NAME_MAX_LEN || strcmp(file + n - cut, suffix))
        return 0;
    memcpy(name, file, n - cut);
    name[n - cut] = '\0';
    if (s->n_images == IMAGES_MAX)
        return err_set(e, ERR_LIMIT, "there are more than %d images", IMAGES_MAX);
    union { // the callback's argument predates const; it only reads
        const struct conf *in;
        void *out;
    } arg = {.in = conf};
    struct image_settings settings = {
        .mirror = mirror_of, .arg = arg.out, .salt = "", .arch = "", .profiles_fd = START_PROFILES};
    struct image *im = image_load(START_IMAGES, name, &settings, e);
    if (!im)
        return -1;
    s->images[s->n_images++] = im;
    return 0;
}

// Of the adapters; one without a file has to be put into images by other means.
static int load_agents(struct stock *s, struct err *e)
{
    for (unsigned i = 0; i < agent_count() && s->n_agents < AGENTS_MAX; i++) {
        struct err why = {0};
        if (!agent_source_load(START_PROFILES, agent_name(agent_at(i)), &s->agents[s->n_agents],
                               &why))
            s->n_agents++;
        else if (why.code != ERR_NOT_FOUND)
            return err_set(e, why.code, "%s", why.text);
    }
    return 0;
}

int stock_load(struct stock *s, const struct conf *conf, struct err *e)
{
    if (profile_load_dir(START_PROFILES, &s->profiles, &s->n_profiles, e) || load_agents(s, e))
        return -1;
    int fd = openat(START_IMAGES, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_sys(e, "list the images");
    for (struct dirent *de; (de = readdir(d));)
        if (load_image(s, conf, de->d_name, e))
            return -1;
    return presets_load(s, conf, e);
}

void stock_release(struct stock *s)
{
    for (unsigned i = 0; i < s->n_images; i++)
        image_free(s->images[i]);
    for (unsigned i = 0; i < s->n_presets; i++)
        free(s->presets[i].rules);
    free(s->profiles);
    *s = (struct stock){0};
}

void core_conf_from(struct core_conf *ret, const struct conf *c, const struct stock *stock)
{
    core_conf_init(ret);
    ret->workspaces_max = (uint32_t)c->max_workspaces;
    ret->snapshots_max = (uint32_t)c->max_snapshots;
    ret->boxes_max = (uint32_t)c->max_sandboxes;
    ret->warm_pool = (uint32_t)c->warm_pool;
    ret->warm_pool_bytes = c->warm_pool_memory;
    ret->execs_running_max = (uint32_t)c->max_execs;
    ret->execs_per_workspace = (uint32_t)c->max_execs_per_workspace;
    ret->execs_queued_max = (uint32_t)c->max_execs_queued;
    ret->execs_kept = (uint32_t)c->execs_kept;
    ret->execs_kept_workspace = (uint32_t)c->execs_kept_per_workspace;
    ret->builds_running_max = (uint32_t)c->max_builds;
    ret->builds_queued_max = (uint32_t)c->max_builds_queued;
    ret->builds_kept = (uint32_t)c->builds_kept;
    ret->checkouts_kept = (uint32_t)c->checkouts_kept;
    ret->workspace_checkouts = c->workspace_checkouts;
    ret->checkouts_total_bytes = c->checkouts_total;
    ret->runs_running_max = (uint32_t)c->max_runs;
    ret->runs_per_repository = (uint32_t)c->max_runs_per_repository;
    ret->runs_queued_max = (uint32_t)c->max_runs_queued;
    ret->runs_kept = (uint32_t)c->runs_kept;
    ret->run_events_max = (uint32_t)c->run_events;
    ret->run_timeout_ms = c->run_timeout_ms;
    ret->tokens_max = (uint32_t)c->max_tokens;
    ret->users_max = (uint32_t)c->max_users;
    ret->requests_per_second = (uint32_t)c->requests_per_second;
    ret->idle_stop_ms = c->idle_stop_ms;
    ret->exec_timeout_ms = c->exec_timeout_ms;
    ret->exec_timeout_max_ms = c->exec_timeout_max_ms;
    ret->build_timeout_ms = c->build_timeout_ms;
    ret->git_timeout_ms = c->repository_timeout_ms;
    ret->kill_grace_ms = c->kill_grace_ms;
    ret->output_keep_bytes = c->output_keep;
    ret->answer_bytes = c->answer_bytes;
    ret->answer_max_bytes = c->answer_max_bytes;
    ret->command_max_bytes = c->command_bytes;
    ret->stdin_max_bytes = c->stdin_bytes;
    ret->output_total_bytes = c->output_total;
    ret->images_total_bytes = c->images_total;
    ret->mirrors_total_bytes = c->mirrors_total;
    ret->workspace_disk_bytes = c->workspace_disk;
    ret->run_disk_bytes = c->run_disk;
    ret->file_max_bytes = c->file_bytes;
    ret->disk_reserve_bytes = c->disk_reserve;
    ret->repo_max_bytes = c->repository_bytes;
    ret->repo_max_objects = c->repository_objects;
    ret->repo_base_url = c->repository_base;
    ret->repo_roots = c->repository_roots;
    ret->allow_private = c->allow_private;
    ret->egress_ports = c->egress_ports;
    ret->presets = stock->presets;
    ret->n_presets = stock->n_presets;
    ret->agents = stock->agents;
    ret->n_agents = stock->n_agents;
    ret->default_image = c->default_image;
    ret->default_profile = c->default_profile;
}
