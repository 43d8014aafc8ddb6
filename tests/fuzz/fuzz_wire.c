// SPDX-License-Identifier: Apache-2.0
// Messages: the first byte says who sends to whom and with how many descriptors; whatever is
// accepted packs to the same bytes again.
#include <pinfold/own.h>
#include <pinfold/wire.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire_msg m;
    static char again[WIRE_MAX];
    struct err e;
    if (size < 1 || size - 1 > WIRE_MAX)
        return 0;
    enum wire_peer from = (enum wire_peer)(1 << (data[0] & 3)),
                   to = (enum wire_peer)(1 << (data[0] >> 2 & 3));
    memcpy(m.raw, data + 1, size - 1);
    m.n_fds = data[0] >> 4;
    if (m.n_fds > WIRE_FDS_MAX || wire_unpack(&m, size - 1, from, to, &e))
        return 0;
    int n = wire_pack(m.row, m.id, &m.body, again, sizeof(again), &e);
    if (n != (int)(size - 1) || memcmp(again, data + 1, size - 1))
        abort();
    return 0;
}
