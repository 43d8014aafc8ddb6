// SPDX-License-Identifier: Apache-2.0
// The dialect's words and what they are here.
#include "sandboxed_sh_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <string.h>

const char *time_text(uint64_t wall_ms, char out[TIME_MAX])
{
    char whole[CLOCK_TEXT_MAX];
    clock_format(wall_ms, whole);
    size_t n = strcspn(whole, ".");
    if (n > TIME_MAX - 2)
        n = TIME_MAX - 2;
    memcpy(out, whole, n);
    memcpy(out + n, "Z", 2);
    return out;
}

static const struct distro {
    const char *name, *image;
} distros[] = {
    {"ubuntu-noble", "ubuntu-noble"},
    {"noble", "ubuntu-noble"},
    {"ubuntu-jammy", "ubuntu-jammy"},
    {"jammy", "ubuntu-jammy"},
    {"debian-bookworm", "debian-bookworm"},
    {"bookworm", "debian-bookworm"},
    {"arch-linux", "arch-linux"},
    {"archlinux", "arch-linux"},
    {"arch", "arch-linux"},
};
const char distro_default[] = "ubuntu-noble";
const char distro_list[] = "ubuntu-noble, ubuntu-jammy, debian-bookworm, arch-linux";

const char *distro_image(const char *name)
{
    for (size_t i = 0; i < N_ELEMS(distros); i++)
        if (!strcmp(distros[i].name, name))
            return distros[i].image;
    return NULL;
}

bool image_is_distro(const char *image)
{
    const char *found = distro_image(image);
    return found && !strcmp(found, image);
}

static const struct status {
    const char *word, *title;
} statuses[WS_N] = {
    [WS_PENDING] = {"pending", "Pending"}, [WS_BUILDING] = {"building", "Building"},
    [WS_READY] = {"ready", "Ready"},       [WS_ERROR] = {"error", "Error"},
    [WS_DELETING] = {"error", "Error"}, // not listed any more
};

const char *status_word(enum workspace_status s)
{
    return (unsigned)s < WS_N ? statuses[s].word : "error";
}

const char *status_title(enum workspace_status s)
{
    return (unsigned)s < WS_N ? statuses[s].title : "Error";
}

const char *name_fault(const char *name)
{
    if (!*name)
        return "Name cannot be empty";
    if (strstr(name, "..") || strpbrk(name, "/\\"))
        return "Name contains invalid characters";
    if (*name == '.')
        return "Name cannot start with a dot";
    return NULL;
}

bool env_name_ok(const char *name)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return *name && name[strspn(name, ok)] == '\0' && !(*name >= '0' && *name <= '9');
}

bool blank(const char *s)
{
    return s[strspn(s, " \t\r\n\v\f")] == '\0';
}

// --- missions -------------------------------------------------------------------------------------

static const char *const mission_words[TASK_STATES] = {
    [TASK_TODO] = "pending",
    [TASK_DOING] = "active",
    [TASK_DONE] = "completed",
    [TASK_FAILED] = "failed",
    [TASK_INTERRUPTED] = "interrupted",
    [TASK_CANCELLED] = "interrupted",
};
const char *const mission_states[] = {"pending", "active",      "completed",
                                      "failed",  "interrupted", NULL};
const enum task_status mission_statuses[] = {TASK_TODO, TASK_DOING, TASK_DONE, TASK_FAILED,
                                             TASK_INTERRUPTED};

const char *mission_status(enum task_status s)
{
    return s < TASK_STATES ? mission_words[s] : "failed";
}

const char *backend_tool(const char *backend)
{
    const char *name = !strcmp(backend, "claudecode") ? "claude-code" : backend;
    return agent_find(name) ? name : NULL;
}

static const char *const event_words[EV_N] = {
    [EV_RUN_CREATED] = "user_message",        [EV_USER_MESSAGE] = "user_message",
    [EV_AGENT_MESSAGE] = "assistant_message", [EV_RUN_RESULT] = "assistant_message",
    [EV_AGENT_THINKING] = "thinking",         [EV_AGENT_TOOL_CALL] = "tool_call",
    [EV_AGENT_TOOL_RESULT] = "tool_result",   [EV_RUN_FAILED] = "error",
};
#define BIT(t) (UINT64_C(1) << (t))
const uint64_t mission_events = BIT(EV_RUN_CREATED) | BIT(EV_USER_MESSAGE) | BIT(EV_AGENT_MESSAGE) |
                                BIT(EV_RUN_RESULT) | BIT(EV_AGENT_THINKING) |
                                BIT(EV_AGENT_TOOL_CALL) | BIT(EV_AGENT_TOOL_RESULT) |
                                BIT(EV_RUN_FAILED);

const char *mission_event(enum event_type t)
{
    return t < EV_N ? event_words[t] : NULL;
}

bool mission_types(const char *list, uint64_t *ret)
{
    *ret = 0;
    for (const char *p = list; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        for (unsigned t = 0; t < EV_N; t++)
            if (event_words[t] && strlen(event_words[t]) == n && !strncmp(event_words[t], p, n))
                *ret |= BIT(t);
        p += n;
    }
    return *ret;
}
