// SPDX-License-Identifier: Apache-2.0
// Lists of strings that end in NULL, as exec takes them.
#include "image_int.h"

#include <pinfold/own.h>
#include <string.h>

void strings_add(struct strings *l, const char *s)
{
    l->v = xrealloc(l->v, (l->n + 2) * sizeof(*l->v));
    l->v[l->n++] = xstrdup(s);
    l->v[l->n] = NULL;
}

void strings_set_env(struct strings *l, const char *assignment)
{
    size_t name = strcspn(assignment, "=") + 1;
    for (unsigned i = 0; i < l->n; i++)
        if (!strncmp(l->v[i], assignment, name)) {
            free(l->v[i]);
            l->v[i] = xstrdup(assignment);
            return;
        }
    strings_add(l, assignment);
}

void strings_free(char **v)
{
    for (char **at = v; at && *at; at++)
        free(*at);
    free(v);
}
