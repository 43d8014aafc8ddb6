// SPDX-License-Identifier: Apache-2.0
// Lines to a tool that runs: the part that all tools share.
#include "agent_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

// A UUID, since tools take nothing else, and one that a second try has again.
#define ID_PREFIX "70696e66-6f6c-4d00-8000-"

void agent_message_id(uint32_t turn, uint32_t n, char ret[AGENT_ID_MAX])
{
    (void)snprintf(ret, AGENT_ID_MAX, ID_PREFIX "%06x%06x", turn & 0xffffff, n & 0xffffff);
}

int agent_message_number(const char *id, size_t len, uint32_t *ret_turn, uint32_t *ret_n)
{
    size_t prefix = strlen(ID_PREFIX);
    char digits[13];
    unsigned turn, n;
    int used = 0;
    if (len != prefix + 12 || memcmp(id, ID_PREFIX, prefix))
        return -1;
    memcpy(digits, id + prefix, 12);
    digits[12] = '\0';
    if (strspn(digits, "0123456789abcdef") != 12 ||
        sscanf(digits, "%6x%6x%n", &turn, &n, &used) != 2 || used != 12)
        return -1;
    *ret_turn = turn;
    *ret_n = n;
    return 0;
}

bool agent_talks(const struct agent_adapter *a)
{
    return a->say != NULL;
}

void agent_say(const struct agent_adapter *a, struct buf *ret, const char *id, const char *text)
{
    a->say(ret, id, text);
}

void agent_answer(const struct agent_adapter *a, struct buf *ret, const struct agent_answer *answer)
{
    a->answer(ret, answer);
}

void agent_interrupt(const struct agent_adapter *a, struct buf *ret, const char *id)
{
    a->interrupt(ret, id);
}
