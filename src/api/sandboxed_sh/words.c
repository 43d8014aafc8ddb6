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
