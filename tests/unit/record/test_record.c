// SPDX-License-Identifier: Apache-2.0
// Records survive a round trip, and the reader refuses everything else: it reads what a process
// printed that a stranger's processes run beside.
#include <pinfold/tool.h>
#include <tap.h>

static struct tool_record entry(const char *path, const char *target)
{
    return (struct tool_record){
        .type = TOOL_REC_ENTRY,
        .entry = {.type = *target ? TOOL_SYMLINK : TOOL_FILE,
                  .mode = 0644,
                  .uid = 1000,
                  .gid = 1001,
                  .size = 1ull << 40,
                  .ino = 77,
                  .mtime_ns = -5,
                  .ctime_ns = 1700000000123456789,
                  .path = path,
                  .path_len = (uint32_t)strlen(path),
                  .target = target,
                  .target_len = (uint32_t)strlen(target)},
    };
}

static void round_trips(void)
{
    own_buf struct buf b;
    struct tool_record out;
    struct err e;
    buf_init(&b, 65536);
    struct tool_record in = entry("a\nb\xff/c d", "../x");
    ok(!tool_record_put(&b, &in), "an entry is written");
    is_int(tool_record_get(b.data, b.len, &out, &e), (long long)b.len, "and read whole");
    is_int(out.entry.type, TOOL_SYMLINK, "type");
    is_int(out.entry.mode, 0644, "mode");
    is_int(out.entry.uid, 1000, "uid");
    is_int(out.entry.gid, 1001, "gid");
    is_int(out.entry.size, 1ll << 40, "size");
    is_int(out.entry.ino, 77, "inode");
    is_int(out.entry.mtime_ns, -5, "a time before 1970");
    is_int(out.entry.ctime_ns, 1700000000123456789, "nanoseconds");
    ok(out.entry.path_len == 8 && !memcmp(out.entry.path, "a\nb\xff/c d", 8),
       "a name with a newline and a byte that is no UTF-8");
    ok(out.entry.target_len == 4 && !memcmp(out.entry.target, "../x", 4), "target");

    buf_clear(&b);
    in = (struct tool_record){.type = TOOL_REC_PROCESS,
                              .process = {.pid = 12,
                                          .ppid = 1,
                                          .uid = 1000,
                                          .threads = 3,
                                          .state = 'S',
                                          .rss_bytes = 4096,
                                          .cpu_us = 15,
                                          .age_ms = 99,
                                          .comm = "a (b) c",
                                          .cmdline = "x\0y",
                                          .cmdline_len = 4,
                                          .cmdline_cut = true}};
    ok(!tool_record_put(&b, &in), "a process is written");
    is_int(tool_record_get(b.data, b.len, &out, &e), (long long)b.len, "and read whole");
    is_str(out.process.comm, "a (b) c", "comm");
    ok(out.process.cmdline_len == 4 && !memcmp(out.process.cmdline, "x\0y", 4), "cmdline");
    ok(out.process.cmdline_cut && out.process.pid == 12 && out.process.threads == 3 &&
           out.process.rss_bytes == 4096 && out.process.cpu_us == 15 && out.process.age_ms == 99 &&
           out.process.state == 'S' && out.process.ppid == 1 && out.process.uid == 1000,
       "the other fields");

    buf_clear(&b);
    in =
        (struct tool_record){.type = TOOL_REC_END, .end = {.entries = 3, .bytes = 9, .more = true}};
    ok(!tool_record_put(&b, &in), "an end is written");
    is_int(tool_record_get(b.data, b.len, &out, &e), (long long)b.len, "and read whole");
    ok(out.type == TOOL_REC_END && out.end.entries == 3 && out.end.bytes == 9 && out.end.more,
       "its fields");
}

static void cut_and_damaged(void)
{
    own_buf struct buf b;
    struct tool_record out, in = entry("dir/file", "");
    struct err e;
    buf_init(&b, 65536);
    (void)tool_record_put(&b, &in);
    size_t whole = b.len;
    (void)tool_record_put(&b, &in);
    int wrong = 0;
    for (size_t n = 0; n < whole; n++)
        wrong += tool_record_get(b.data, n, &out, &e) != 0;
    is_int(wrong, 0, "a cut record asks for more at every length");
    is_int(tool_record_get(b.data, b.len, &out, &e), (long long)whole,
           "the first of two records takes only its own bytes");

    char *d = b.data;
    d[4] = 'Q';
    is_int(tool_record_get(d, whole, &out, &e), -1, "an unknown type is refused");
    is_int(e.code, ERR_INTERNAL, "as a breach of protocol");
    d[4] = 'E';
    d[5] = 'x';
    is_int(tool_record_get(d, whole, &out, &e), -1, "an unknown kind of file is refused");
    d[5] = 'f';
    d[0]++;
    is_int(tool_record_get(d, b.len, &out, &e), -1, "a byte left over is refused");
    d[0] -= 2;
    is_int(tool_record_get(d, b.len, &out, &e), -1, "a byte too few is refused");
    d[0]++;
    d[whole - 4] = 0;
    is_int(tool_record_get(d, whole, &out, &e), -1, "a zero byte in a path is refused");
    memset(d, 0xff, 4);
    is_int(tool_record_get(d, whole, &out, &e), -1, "a length over the maximum is refused");
    memset(d, 0, 4);
    is_int(tool_record_get(d, whole, &out, &e), -1, "a length of zero is refused");
}

// Every single-byte change is either refused, asks for more, or reads within bounds; the address
// and undefined-behaviour flavours make this mean something.
static void every_byte_changed(void)
{
    own_buf struct buf b;
    struct tool_record out, in = entry("some/path", "target");
    struct err e;
    buf_init(&b, 65536);
    (void)tool_record_put(&b, &in);
    int bad = 0;
    for (size_t i = 0; i < b.len; i++) {
        for (int v = 0; v < 256; v++) {
            char *copy = malloc(b.len);
            memcpy(copy, b.data, b.len);
            copy[i] = (char)v;
            int r = tool_record_get(copy, b.len, &out, &e);
            if (r > 0 && out.type == TOOL_REC_ENTRY)
                bad += out.entry.path < copy || out.entry.path + out.entry.path_len > copy + b.len;
            free(copy);
        }
    }
    is_int(bad, 0, "no changed byte makes the reader point outside");
}

static void refuses_to_write(void)
{
    own_buf struct buf b;
    buf_init(&b, 64);
    struct tool_record in = entry("a-path-that-does-not-fit-into-the-buffer", "");
    is_int(tool_record_put(&b, &in), -1, "a record over the buffer's maximum is refused");
    is_int(b.len, 0, "and leaves no half record behind");
}

static void etags(void)
{
    char a[TOOL_ETAG_MAX], b[TOOL_ETAG_MAX];
    struct tool_entry x = entry("p", "").entry, y = x;
    is_str(tool_etag(&x, a), tool_etag(&y, b), "the same state has the same etag");
    ok(strlen(a) == 24 && strspn(a, "0123456789abcdef") == 24, "it is 24 hexadecimal digits");
    y.mtime_ns++;
    ok(strcmp(a, tool_etag(&y, b)), "another time, another etag");
    y = x;
    y.size++;
    ok(strcmp(a, tool_etag(&y, b)), "another size, another etag");
    y = x;
    y.ino++;
    ok(strcmp(a, tool_etag(&y, b)), "another file, another etag");
    y = x;
    y.mode ^= 0111;
    ok(strcmp(a, tool_etag(&y, b)), "another mode, another etag");
    y = x;
    y.ctime_ns++;
    ok(strcmp(a, tool_etag(&y, b)), "contents changed under the same mtime, another etag");
}

static void results(void)
{
    struct err e = {0};
    is_int(tool_result(0, "left out: 1", 11, &e), 0, "exit code 0 is success");
    for (int c = 1; c < ERR_N_CODES; c++) {
        (void)tool_result(TOOL_EXIT_BASE + c, "x", 1, &e);
        if (e.code != (enum err_code)c)
            ok(false, "exit code of %s", err_code_name((enum err_code)c));
    }
    (void)tool_result(TOOL_EXIT_BASE + ERR_FULL, "write f: no space\nmore\x1b[2J", 26, &e);
    is_str(e.text, "write f: no space", "the text is the first line");
    (void)tool_result(TOOL_EXIT_BASE + ERR_FULL, "\x1b[2J\xff", 5, &e);
    is_str(e.text, "?[2J?", "bytes that do not print are replaced");
    (void)tool_result(TOOL_EXIT_CONDITION, "no", 2, &e);
    is_int(e.code, ERR_CONFLICT, "a condition that did not hold is a conflict");
    int codes[] = {1, 62, TOOL_EXIT_BASE, TOOL_EXIT_BASE + ERR_N_CODES, 127, 255, -1};
    int wrong = 0;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        (void)tool_result(codes[i], "", 0, &e);
        wrong += e.code != ERR_INTERNAL;
    }
    is_int(wrong, 0, "any other exit code is our own failure, never success");
    char longer[500];
    memset(longer, 'a', sizeof(longer));
    (void)tool_result(TOOL_EXIT_BASE + ERR_LIMIT, longer, sizeof(longer), &e);
    is_int(strlen(e.text), sizeof(e.text) - 1, "a long text is cut");
}

int main(void)
{
    round_trips();
    cut_and_damaged();
    every_byte_changed();
    refuses_to_write();
    etags();
    results();
    return done_testing();
}
