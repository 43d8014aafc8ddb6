// SPDX-License-Identifier: Apache-2.0
// A hash map from strings to pointers. Keys are copied; values are borrowed. Seeded per process,
// so that names chosen by a stranger cannot be made to collide.
#pragma once
#include <stddef.h>

struct map;
struct map *map_new(void);
void map_free(struct map *m); // values are the caller's
void *map_get(const struct map *m, const char *key);
void *map_put(struct map *m, const char *key, void *value); // returns the value it replaced
void *map_del(struct map *m, const char *key);              // returns the value it removed
size_t map_count(const struct map *m);
// Walk in no order: start with *cursor = 0, stop at NULL. The map must not change meanwhile.
void *map_next(const struct map *m, size_t *cursor, const char **ret_key);
