// SPDX-License-Identifier: Apache-2.0
// Host names: what is accepted has a form that is accepted again and is itself; rules likewise.
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host h, again;
    struct rule r, twice;
    struct err e;
    uint16_t port;
    const char *s = (const char *)data;
    if (!host_parse(s, size, &h, &e)) {
        if (host_parse(h.text, strlen(h.text), &again, &e) || strcmp(h.text, again.text) ||
            h.numeric != again.numeric || memcmp(&h.address, &again.address, sizeof(h.address)))
            abort();
        for (const char *c = h.text; *c; c++)
            if (*c <= ' ' || *c > '~' || strchr("%@/*[]", *c) || (*c >= 'A' && *c <= 'Z'))
                abort();
    }
    if (!host_port_parse(s, size, 80, &h, &port, &e) && !port)
        abort();
    if (!rule_parse(s, size, &r, &e)) {
        char text[RULE_ROOM], other[RULE_ROOM];
        rule_text(&r, text);
        if (rule_parse(text, strlen(text), &twice, &e) || strcmp(text, rule_text(&twice, other)))
            abort();
    }
    return 0;
}
