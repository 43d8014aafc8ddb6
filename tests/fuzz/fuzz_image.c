// SPDX-License-Identifier: Apache-2.0
// The text of an image file.
#include <pinfold/image.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;
    (void)image_check("fuzz", (const char *)data, size, &e); // a refusal is an answer, too
    return 0;
}
