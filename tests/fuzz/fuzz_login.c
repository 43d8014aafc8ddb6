// SPDX-License-Identifier: Apache-2.0
// What strangers hand over as who they are: signed tokens of the dialect, and the /etc/passwd of an
// image.
#include "../../src/api/sandboxed_sh/sandboxed_sh_int.h"

#include <pinfold/own.h>
#include <pinfold/passwd.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[32] = "a key that nobody should know...";
    if (!size)
        return 0;
    own_free char *text = xmemdup0(data + 1, size - 1);
    if (data[0] & 1) {
        struct passwd_user user;
        if (passwd_find(text, size - 1, "user", 0, &user) && user.uid > 65535)
            abort();
        (void)passwd_find(text, size - 1, "", data[0], &user);
        return 0;
    }
    struct jwt claims;
    if (jwt_looks_like(text) && jwt_read(key, text, &claims)) {
        char again[JWT_MAX]; // only what was made with the key is read
        if (strcmp(jwt_make(key, &claims, again), text))
            abort();
    }
    return 0;
}
