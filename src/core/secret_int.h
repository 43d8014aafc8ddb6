// SPDX-License-Identifier: Apache-2.0
// Secrets as core keeps them: sealed.
#pragma once
#include <pinfold/core_secret.h>
#include <pinfold/list.h>
#include <pinfold/secret.h>
#include <string.h>

struct packed;
struct ws;
struct runrec;

struct secrets {
    struct map *by_id;
    struct list all, rotators;
    char current[SEAL_TEXT]; // the key to seal with; "" when egress has not told one
    char why[200];           // why not
    char *key_names;         // of all it has; NULL before it told
    char resealing[SECRET_ID_MAX];
    uint64_t next_version;
    bool rotating; // a new key was asked for
};
struct sec {
    struct secret_info pub;
    struct core *core;
    struct list all;
    char id[SECRET_ID_MAX];
    enum secret_kind kind;
    char *base_url, *header, *format;
    struct strings *hosts, *models;
    void *sealed;
    size_t len;
    uint64_t version; // of what is sealed, also while that is being replaced
    bool told;        // egress has it
    bool stuck;       // could not be sealed anew
};
void secrets_init(struct core *c);
int secrets_load(struct core *c, struct err *e);
void secrets_free(struct core *c);
// What egress says, and what it is to be told: false when there was no room.
void secrets_keys(struct core *c, const struct msg_egress_keys *m);
void secrets_resealed(struct core *c, const struct msg_egress_secret *m);
void secrets_forgotten(struct core *c); // egress is a new one
bool secrets_tell(struct core *c);
void secret_count(struct core *c, const struct msg_egress_count *m);
// The record (secret_save.c).
void secret_save(struct core *c, struct sec *s, struct waiter *w); // s: what is to be; taken
void secret_erase(struct core *c, const char *id, struct waiter *w);
void secret_arrived(struct core *c, struct sec *s); // it is recorded
void secret_gone(struct core *c, const char *id);
void sec_free(struct sec *s);
void reseal_next(struct core *c);

// --- their use (secret_use.c) -----------------------------------------------------------------

// Words of an allow-list that name one.
static inline bool is_use(const char *word)
{
    return strchr(word, '/') && !strstr(word, "://");
}
struct network_wish;
// Do those that are newly named exist?
int uses_check(const struct core *c, const struct network_wish *w, struct err *e);
struct strings *uses_join(const struct network_wish *w, const char *const *rules);
// What commands find in their environment.
int uses_env(const struct core *c, const char *const *allow, struct packed *k, struct err *e);
void run_tools_seal_old(
    struct core *c); // run_tools.c: of an older record, as soon as there is a key
#define SERVICE_URL_MAX (SECRET_ID_MAX + 40)
const char *service_url(const char *id, char ret[SERVICE_URL_MAX]);
