// SPDX-License-Identifier: Apache-2.0
// Settings: whatever is accepted survives the trip to a child.
#include <pinfold/conf.h>
#include <pinfold/own.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf c, back;
    struct err e;
    conf_init(&c);
    if (conf_parse(&c, "fuzz", (const char *)data, size, &e))
        return 0;
    (void)conf_check(&c, &e);
    own_buf struct buf first, second;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    conf_init(&back);
    if (conf_format(&c, FOR_SERVER, &first) || conf_parse_start(&back, first.data, first.len, &e) ||
        conf_format(&back, FOR_SERVER, &second) || strcmp(first.data, second.data))
        abort();
    conf_release(&back);
    return 0;
}
