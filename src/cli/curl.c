// SPDX-License-Identifier: Apache-2.0
// Loads libcurl by its name, as the dynamic loader would have.
#include "curl_int.h"

#include <dlfcn.h>
#include <pinfold/own.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at;
} rows[] = {
    {"curl_global_init", offsetof(struct curl_calls, global_init)},
    {"curl_easy_init", offsetof(struct curl_calls, easy_init)},
    {"curl_easy_reset", offsetof(struct curl_calls, easy_reset)},
    {"curl_easy_setopt", offsetof(struct curl_calls, easy_setopt)},
    {"curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo)},
    {"curl_easy_perform", offsetof(struct curl_calls, easy_perform)},
    {"curl_easy_strerror", offsetof(struct curl_calls, easy_strerror)},
    {"curl_easy_send", offsetof(struct curl_calls, easy_send)},
    {"curl_easy_recv", offsetof(struct curl_calls, easy_recv)},
    {"curl_slist_append", offsetof(struct curl_calls, slist_append)},
};

const struct curl_calls *client_curl(struct err *e)
{
    static struct curl_calls calls;
    void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL); // until the process ends
    if (!lib) {
        (void)err_set(e, ERR_INTERNAL, "libcurl is needed to speak to a server: %s", dlerror());
        return NULL;
    }
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        void *f = dlsym(lib, rows[i].name);
        if (!f) {
            (void)err_set(e, ERR_INTERNAL, "this libcurl has no %s", rows[i].name);
            return NULL;
        }
        memcpy((char *)&calls + rows[i].at, &f, sizeof(f));
    }
    return &calls;
}
