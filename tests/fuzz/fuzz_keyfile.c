// SPDX-License-Identifier: Apache-2.0
// The reader of Key=value files and the cutter of words.
#include <pinfold/keyfile.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyfile k;
    struct keyfile_entry en;
    struct err e;
    unsigned last = 0;
    int r;
    if (keyfile_init(&k, "fuzz", (const char *)data, size, &e))
        return 0;
    while ((r = keyfile_next(&k, &en, &e)) > 0) {
        if (en.line <= last || strlen(en.section) > size ||
            (en.key && strlen(en.key) > KEYFILE_KEY_MAX))
            abort();
        last = en.line;
        char *rest = en.value, *word;
        while (keyfile_word(&rest, &word, &e) > 0)
            if (strlen(word) > size)
                abort();
    }
    keyfile_release(&k);
    return 0;
}
