// SPDX-License-Identifier: Apache-2.0
// Tokens and users as core keeps them.
#pragma once
#include "core_int.h"

#include <pinfold/core_token.h>
#include <pinfold/crypt.h>

#define FILE_TOKEN "admin.token" // the name of the one that lies in the state directory

// Requests of one: refilled all the time, holds one second's worth.
struct rate {
    uint64_t level_us, at_us;
};
bool rate_take(const struct core *c, struct rate *r);

struct tok {
    struct token pub;
    struct core *core;
    struct list all;
    unsigned char hash[SHA256_LEN];
    struct list waiters; // of its making or deletion
    struct rate rate;
    bool recorded, deleting;
};
struct usr {
    struct user pub;
    struct core *core;
    struct list all;
    struct rate rate;
    char *hash;  // argon2id; NULL when it is only known in plain
    char *plain; // of a configured user; NULL
};
int tokens_load(struct core *c, const char *admin_token, struct err *e);
unsigned scopes_close(unsigned scopes); // what each has besides itself
int users_load(struct core *c, const char *password, const char *lines, struct err *e);
void accounts_free(struct core *c);
