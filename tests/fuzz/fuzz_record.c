// SPDX-License-Identifier: Apache-2.0
// What pinfold-tool prints, beside which a stranger's processes run: records that are read are
// written to the same bytes again.
#include <pinfold/own.h>
#include <pinfold/tool.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;
    struct tool_record rec;
    own_buf struct buf out;
    buf_init(&out, TOOL_RECORD_MAX);
    if (size)
        (void)tool_result(data[0], (const char *)data + 1, size - 1, &e);
    for (size_t at = 0; at < size;) {
        int n = tool_record_get(data + at, size - at, &rec, &e);
        if (n <= 0)
            return 0;
        if ((size_t)n > size - at)
            abort();
        buf_clear(&out);
        if (tool_record_put(&out, &rec) || out.len != (size_t)n ||
            memcmp(out.data, data + at, out.len))
            abort();
        if (rec.type == TOOL_REC_ENTRY &&
            (memchr(rec.entry.path, 0, rec.entry.path_len) || !tool_type_name(rec.entry.type)))
            abort();
        at += (size_t)n;
    }
    return 0;
}
