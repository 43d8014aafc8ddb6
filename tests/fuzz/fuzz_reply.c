// SPDX-License-Identifier: Apache-2.0
// What the git helper says, which may have been taken over by what it fetched; in pieces, as a pipe
// brings them. And its own side: the request.
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <stdint.h>
#include <string.h>

static void on_progress(void *arg, const struct repo_progress *p)
{
    (void)arg;
    if (p->phase >= REPO_PHASE_N)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;
    struct repo_result result;
    if (size < 2)
        return 0;
    if (data[0] & 0x80) {
        struct repo_request q;
        if (!repo_request_parse((const char *)data + 1, size - 1, &q, &e))
            repo_request_wipe(&q);
        return 0;
    }
    struct repo_reply *r = repo_reply_new(on_progress, NULL);
    size_t step = data[0] % 64 + 1u;
    int bad = 0;
    for (size_t at = 1; at < size && !bad; at += step)
        bad = repo_reply_feed(r, data + at, size - at < step ? size - at : step, &e);
    if (!bad && !repo_reply_finish(r, data[0] & 0x40 ? 1 : 0, &result, &e) &&
        (!memchr(result.commit, 0, sizeof(result.commit)) || strpbrk(result.ref, "\r\n ")))
        abort();
    for (const char *c = repo_reply_detail(r); *c; c++)
        if (*c == '\n')
            abort();
    repo_reply_free(r);
    return 0;
}
