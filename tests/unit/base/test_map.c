// SPDX-License-Identifier: Apache-2.0
#include <pinfold/map.h>
#include <stdint.h>
#include <tap.h>

#define N 5000

static void many(struct map *m)
{
    static char seen[N];
    char key[16];
    int wrong = 0;
    for (intptr_t i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", (int)i);
        wrong += map_put(m, key, (void *)(i + 1)) != NULL;
    }
    is_int(wrong, 0, "%d new keys replace nothing", N);
    is_int(map_count(m), N, "and are counted");
    size_t cursor = 0;
    const char *k;
    int walked = 0;
    for (intptr_t v; (v = (intptr_t)map_next(m, &cursor, &k)); walked++) {
        wrong += seen[v - 1]++;
        wrong += atoi(k + 1) != v - 1;
    }
    ok(walked == N && !wrong, "a walk meets each once, under its key");
    for (intptr_t i = 0; i < N; i += 2) {
        snprintf(key, sizeof(key), "k%d", (int)i);
        wrong += map_del(m, key) != (void *)(i + 1);
    }
    for (intptr_t i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "k%d", (int)i);
        wrong += map_get(m, key) != (i % 2 ? (void *)(i + 1) : NULL);
    }
    is_int(wrong, 0, "half of them deleted, the other half is still found");
    is_int(map_count(m), N / 2, "and counted");
}

int main(void)
{
    struct map *m = map_new();
    int a, b;
    ok(!map_get(m, "x"), "an empty map has nothing");
    char key[] = "x";
    ok(!map_put(m, key, &a), "a new key replaces nothing");
    key[0] = 'y';
    ok(map_get(m, "x") == &a, "keys are copied");
    ok(map_put(m, "x", &b) == &a, "a known key gives back what it replaces");
    is_int(map_count(m), 1, "and is counted once");
    ok(map_del(m, "x") == &b && !map_del(m, "x"), "deleted once, it is gone");
    ok(!map_put(m, "", &a) && map_get(m, "") == &a, "the empty key is a key");
    (void)map_del(m, "");
    many(m);
    map_free(m);
    map_free(NULL);
    return done_testing();
}
