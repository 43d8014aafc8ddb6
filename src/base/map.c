// SPDX-License-Identifier: Apache-2.0
// String map: open addressing would need tombstones, so buckets with chains.
#include <pinfold/map.h>

#include <pinfold/id.h>
#include <pinfold/own.h>
#include <stdint.h>
#include <string.h>

struct entry {
    struct entry *next;
    void *value;
    uint64_t hash;
    char key[];
};
struct map {
    struct entry **buckets;
    size_t n_buckets, count; // n_buckets is a power of two
    uint64_t seed;
};

// FNV-1a over a random start, mixed at the end: enough against made-up collisions, since the
// start is secret and every map is bounded by limits elsewhere.
static uint64_t hash_of(const struct map *m, const char *key)
{
    uint64_t h = m->seed;
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

struct map *map_new(void)
{
    struct map *m = xcalloc(1, sizeof(*m));
    m->n_buckets = 16;
    m->buckets = xcalloc(m->n_buckets, sizeof(*m->buckets));
    id_random_bytes(&m->seed, sizeof(m->seed));
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_buckets; i++)
        for (struct entry *en = m->buckets[i], *next; en; en = next) {
            next = en->next;
            free(en);
        }
    free(m->buckets);
    free(m);
}

static struct entry **place(const struct map *m, const char *key, uint64_t hash)
{
    struct entry **pp = &m->buckets[hash & (m->n_buckets - 1)];
    while (*pp && ((*pp)->hash != hash || strcmp((*pp)->key, key)))
        pp = &(*pp)->next;
    return pp;
}

void *map_get(const struct map *m, const char *key)
{
    struct entry *en = *place(m, key, hash_of(m, key));
    return en ? en->value : NULL;
}

static void grow(struct map *m)
{
    size_t n = m->n_buckets * 2;
    struct entry **b = xcalloc(n, sizeof(*b));
    for (size_t i = 0; i < m->n_buckets; i++)
        for (struct entry *en = m->buckets[i], *next; en; en = next) {
            next = en->next;
            en->next = b[en->hash & (n - 1)];
            b[en->hash & (n - 1)] = en;
        }
    free(m->buckets);
    m->buckets = b;
    m->n_buckets = n;
}

void *map_put(struct map *m, const char *key, void *value)
{
    uint64_t hash = hash_of(m, key);
    struct entry **pp = place(m, key, hash);
    if (*pp) {
        void *old = (*pp)->value;
        (*pp)->value = value;
        return old;
    }
    size_t len = strlen(key);
    struct entry *en = xmalloc(sizeof(*en) + len + 1);
    *en = (struct entry){.value = value, .hash = hash};
    memcpy(en->key, key, len + 1);
    *pp = en;
    if (++m->count > m->n_buckets)
        grow(m);
    return NULL;
}

void *map_del(struct map *m, const char *key)
{
    struct entry **pp = place(m, key, hash_of(m, key)), *en = *pp;
    if (!en)
        return NULL;
    void *value = en->value;
    *pp = en->next;
    free(en);
    m->count--;
    return value;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

void *map_next(const struct map *m, size_t *cursor, const char **ret_key)
{
    // The cursor holds bucket and place in its chain, so no state lives in the map.
    size_t i = *cursor >> 32, skip = *cursor & UINT32_MAX;
    for (; i < m->n_buckets; i++, skip = 0) {
        size_t at = 0;
        for (struct entry *en = m->buckets[i]; en; en = en->next, at++)
            if (at == skip) {
                *cursor = i << 32 | (at + 1);
                if (ret_key)
                    *ret_key = en->key;
                return en->value;
            }
    }
    return NULL;
}
