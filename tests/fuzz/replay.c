// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over files, as the fuzzer would: what broke it once must not break it again.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "re");
        if (!f || fseek(f, 0, SEEK_END))
            return 1;
        long size = ftell(f);
        rewind(f);
        uint8_t *data = malloc((size_t)size + 1); // exactly as large, so that a sanitizer sees more
        if (size < 0 || !data || fread(data, 1, (size_t)size, f) != (size_t)size)
            return 1;
        data = realloc(data, size ? (size_t)size : 1);
        (void)LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
        (void)fclose(f);
    }
    return 0;
}
