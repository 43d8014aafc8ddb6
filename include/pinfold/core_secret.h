// SPDX-License-Identifier: Apache-2.0
// Secrets and providers of models: given once, never shown again, used by the egress process for the
// sandboxes that were given their names. A value is sealed as soon as it arrives and cannot be opened
// by this process.
#pragma once
#include <pinfold/core.h>

#define SECRETS_MAX 1000   // both kinds together
#define SECRET_LIST_MAX 64 // hosts of a secret, models of a provider, secrets of a sandbox

struct secret_info {
    char name[NAME_MAX_LEN + 1];
    bool provider;
    const char *kind; // "secret", "anthropic" ...
    const char *base_url, *header, *format;
    const char *const *hosts, *const *models;
    char sealed_with[20]; // name of the key
    bool usable;          // that key is in the key file
    uint64_t created_ms, updated_ms;
    // since this process started
    uint64_t requests, failures, input_tokens, output_tokens, cached_tokens;
};

// Everything is borrowed for the call; the caller wipes value.
struct secret_spec {
    bool provider;
    const char *name, *value;
    const char *kind; // of a provider
    const char *base_url;
    const char *const *models;
    const char *const *hosts;    // of a secret
    const char *header, *format; // NULL: as its kind has them
};
// Make or replace one. result: struct secret_info *.
int core_secret_put(struct core *c, const struct secret_spec *spec, struct waiter *w,
                    struct err *e);
struct secret_info *core_secret_find(struct core *c, bool provider, const char *name,
                                     struct err *e);
// All of them, oldest first.
size_t core_secret_list(struct core *c, bool provider, struct secret_info *ret[SECRETS_MAX]);
int core_secret_delete(struct core *c, struct secret_info *s, struct waiter *w, struct err *e);
// Another key for the egress process, then everything sealed with it. on_done when it is; what a
// restart cuts off goes on after it. result: NULL.
int core_secret_rotate(struct core *c, struct waiter *w, struct err *e);
