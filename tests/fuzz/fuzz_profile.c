// SPDX-License-Identifier: Apache-2.0
// The parser of profiles: no text crashes it, and what it accepts comes back the same.
#include <pinfold/buf.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The text may extend itself: one step, then it is refused.
static const char *lookup(void *arg, const char *name)
{
    (void)name;
    return arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    own_free char *text = xmemdup0(data, size);
    own_free struct profile *p = xcalloc(1, sizeof(*p)), *again = xcalloc(1, sizeof(*again));
    own_buf struct buf first = {0}, second = {0};
    if (profile_parse("fuzz", text, lookup, text, p, NULL))
        return 0;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    if (profile_format(p, &first) || profile_parse("fuzz", first.data, NULL, NULL, again, NULL) ||
        profile_format(again, &second) || strcmp(first.data, second.data))
        abort();
    return 0;
}
