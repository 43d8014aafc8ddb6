// SPDX-License-Identifier: Apache-2.0
// Answers of models' services as they pass: however the bytes come in pieces, the same is counted.
#include <pinfold/peek_answer.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peek_answer whole = {0}, pieces = {0};
    struct peek_usage a = {0}, b = {0};
    if (!size)
        return 0;
    size_t step = data[0] % 61 + 1, n = size - 1;
    const char *p = (const char *)data + 1;
    peek_answer(&whole, p, n);
    for (size_t at = 0; at < n; at += step)
        peek_answer(&pieces, p + at, n - at < step ? n - at : step);
    peek_answer_usage(&whole, &a);
    peek_answer_usage(&pieces, &b);
    if (whole.status != pieces.status || a.known != b.known || a.input != b.input ||
        a.output != b.output || a.cached != b.cached || whole.json.depth != pieces.json.depth)
        abort();
    return 0;
}
