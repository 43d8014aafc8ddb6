// SPDX-License-Identifier: Apache-2.0
// A user in the text of an /etc/passwd, which nobody has checked. Ids to 65535.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct passwd_user {
    uid_t uid;
    gid_t gid;
    char home[256];
};
// The first with this name, or with this id when name is "". *ret is touched when there is one.
bool passwd_find(const char *text, size_t len, const char *name, uint32_t uid,
                 struct passwd_user *ret);
