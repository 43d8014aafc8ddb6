// SPDX-License-Identifier: Apache-2.0
// Unpacking: what a good archive gives, and that a hostile one gets its own reason and touches
// nothing outside the directory it was sent to.
#include "make_tar.h"
#include "scene.h"

static const struct files_tar_in normal = {.max_bytes = 1 << 20, .max_files = 100};

static int unpack_raw(struct scene *s, const void *p, size_t n, const struct files_tar_in *how)
{
    return files_tar_in(scene_input(s, p, n), "in", how, &s->e);
}

// Unpack these members (up to one without a name) into workspace/in, made empty before.
static int unpack(struct scene *s, const struct made *m)
{
    own_buf struct buf b;
    struct err e;
    buf_init(&b, 1 << 20);
    for (; m->name; m++)
        made_put(&b, m);
    made_end(&b);
    (void)io_remove_tree(s->ws, "in", &e);
    (void)mkdirat(s->ws, "in", 0755);
    return unpack_raw(s, b.data, b.len, &normal);
}

static void good_archives(struct scene *s)
{
    struct stat st;
    struct made m[] = {
        {.type = '5', .name = "./", .mode = 0700},
        {.type = '5', .name = "d/", .mode = 0555},
        {.type = '0', .name = "d/f", .data = "in a read-only directory", .mode = 0640},
        {.type = '2', .name = "d/l", .link = "../else/where"},
        {.type = '1', .name = "hard", .link = "d/f"},
        {.type = 0, .name = "old", .data = "v7", .magic = ""},
        {.type = 0, .name = "old-dir/", .magic = ""},
        {.type = '7', .name = "contiguous", .data = "c"},
        {.type = '0', .name = "short", .prefix = "pre/fix", .data = "p"},
        {.type = '0', .name = "a/b/c/d", .data = "parents"},
        {0},
    };
    ok(!unpack(s, m), "a good archive (%s)", s->e.text);
    is_str(get_file(s->ws, "in/d/f"), "in a read-only directory", "a file");
    is_int(mode_of(s->ws, "in/d/f"), 0640, "its mode");
    ok(!fstatat(s->ws, "in/d/f", &st, 0) && st.st_mtime == 1000000, "its time");
    is_int(mode_of(s->ws, "in/d"), 0555, "a directory's mode is set after it was filled");
    ok(!fstatat(s->ws, "in/d", &st, 0) && st.st_mtime == 1000000, "and its time");
    is_str(get_file(s->ws, "in/d/l"), "(symlink)", "a symlink");
    is_str(get_file(s->ws, "in/hard"), "in a read-only directory", "a hard link");
    is_str(get_file(s->ws, "in/old"), "v7", "an old header");
    ok(exists(s->ws, "in/old-dir"), "an old header's directory");
    is_str(get_file(s->ws, "in/contiguous"), "c", "a contiguous file is a file");
    is_str(get_file(s->ws, "in/pre/fix/short"), "p", "a prefix");
    is_str(get_file(s->ws, "in/a/b/c/d"), "parents", "missing parents are made");
    struct tool_record rec;
    (void)scene_output(s);
    ok(tool_record_get(s->out, s->out_len, &rec, &s->e) > 0 && rec.type == TOOL_REC_END &&
           rec.end.entries == 10 && rec.end.bytes == 24 + 2 + 1 + 1 + 7,
       "the end counts entries and bytes");
    (void)fchmodat(s->ws, "in/d", 0755, 0);
}

static void long_names(struct scene *s)
{
    char name[600], pax[800];
    memset(name, 0, sizeof(name));
    for (int i = 0; i < 50; i++)
        memcpy(name + 11 * i, "longer-dir/", 11);
    memcpy(name + 550, "f", 1);
    struct made gnu[] = {
        {.type = 'L', .name = "././@LongLink", .data = name, .magic = "ustar  "},
        {.type = '0', .name = "cut-name", .data = "gnu", .magic = "ustar  "},
        {.type = 'K', .name = "././@LongLink", .data = name, .magic = "ustar  "},
        {.type = '2', .name = "link", .link = "cut", .magic = "ustar  "},
        {.type = '0', .name = "after", .data = "x", .magic = "ustar  "},
        {0},
    };
    char path[700], target[700];
    ok(!unpack(s, gnu), "long names as GNU writes them (%s)", s->e.text);
    (void)snprintf(path, sizeof(path), "in/%s", name);
    is_str(get_file(s->ws, path), "gnu", "the file has its long name");
    is_int(readlinkat(s->ws, "in/link", target, sizeof(target)), 551, "the link its long target");
    is_str(get_file(s->ws, "in/after"), "x", "and what comes later its own");
    int n = snprintf(pax, sizeof(pax), "560 path=%s\n27 comment=ignored as told\n", name);
    pax[n] = 0;
    struct made posix[] = {
        {.type = 'g',
         .name = "pax_global_header",
         .data = "52 comment=0123456789012345678901234567890123456789\n"},
        {.type = 'x', .name = "PaxHeaders/f", .data = pax},
        {.type = '0', .name = "cut-name", .data = "pax"},
        {.type = 'x', .name = "PaxHeaders/s", .data = "12 size=3\n18 mtime=1234.567\n"},
        {.type = '0', .name = "sized", .data = "abc"},
        {0},
    };
    posix[3].data = "10 size=3\n18 mtime=1234.567\n";
    is_int(strlen("560 path=\n") + 551, 561, "(the record's length below is wrong on purpose)");
    is_int(unpack(s, posix), -1, "a pax record with a wrong length is refused");
    (void)snprintf(pax, sizeof(pax), "561 path=%s\n", name);
    ok(!unpack(s, posix), "long names as POSIX writes them (%s)", s->e.text);
    is_str(get_file(s->ws, path), "pax", "the file has its long name");
    struct stat st;
    ok(!fstatat(s->ws, "in/sized", &st, 0) && st.st_mtime == 1234, "a time from a pax header");
}

// One bad member each: refused, with this code, and nothing made outside or through a link.
static void refused(struct scene *s)
{
    static const struct {
        struct made m[4];
        enum err_code code;
        const char *text, *what;
    } rows[] = {
        {{{.type = '0', .name = "/outside/evil"}}, ERR_BAD_REQUEST, "absolute", "an absolute name"},
        {{{.type = '0', .name = "../../outside/evil"}},
         ERR_BAD_REQUEST,
         "'..'",
         "a name that climbs"},
        {{{.type = '0', .name = "a/../../../outside/evil"}},
         ERR_BAD_REQUEST,
         "'..'",
         "a name that climbs later"},
        {{{.type = '5', .name = ".."}}, ERR_BAD_REQUEST, "'..'", "the directory above"},
        {{{.type = '0', .name = "", .data = "x"}}, ERR_BAD_REQUEST, "no name", "no name"},
        {{{.type = '0', .name = "evil", .prefix = "../.."}},
         ERR_BAD_REQUEST,
         "'..'",
         "a prefix that climbs"},
        {{{.type = '0', .name = "evil", .prefix = "/outside"}},
         ERR_BAD_REQUEST,
         "absolute",
         "an absolute prefix"},
        {{{.type = '2', .name = "l", .link = "/outside"},
          {.type = '0', .name = "l/evil", .data = "x"}},
         ERR_CONFLICT,
         "symlink",
         "a file through an absolute symlink"},
        {{{.type = '2', .name = "l", .link = "../../outside"}, {.type = '5', .name = "l/evil"}},
         ERR_CONFLICT,
         "symlink",
         "a directory through a relative symlink"},
        {{{.type = '2', .name = "l", .link = "/outside"},
          {.type = '2', .name = "l/evil", .link = "x"}},
         ERR_CONFLICT,
         "symlink",
         "a symlink through a symlink"},
        {{{.type = '2', .name = "l", .link = "/outside"}, {.type = '5', .name = "l", .mode = 0777}},
         ERR_CONFLICT,
         "no directory",
         "a symlink turned into a directory"},
        {{{.type = '5', .name = "d"},
          {.type = '2', .name = "d/l", .link = "."},
          {.type = '0', .name = "d/l/l/evil", .data = "x"}},
         ERR_CONFLICT,
         "symlink",
         "a file through a symlink to the same directory"},
        {{{.type = '1', .name = "h", .link = "/outside/secret"}},
         ERR_BAD_REQUEST,
         "absolute",
         "a hard link to an absolute name"},
        {{{.type = '1', .name = "h", .link = "../../outside/secret"}},
         ERR_BAD_REQUEST,
         "'..'",
         "a hard link that climbs"},
        {{{.type = '2', .name = "l", .link = "/outside"},
          {.type = '1', .name = "h", .link = "l/secret"}},
         ERR_CONFLICT,
         "hard link",
         "a hard link through a symlink"},
        {{{.type = '2', .name = "l", .link = "/outside/secret"},
          {.type = '1', .name = "h", .link = "l"}},
         ERR_BAD_REQUEST,
         "not lead to a file",
         "a hard link to a symlink"},
        {{{.type = '5', .name = "d"}, {.type = '1', .name = "h", .link = "d"}},
         ERR_BAD_REQUEST,
         "not lead to a file",
         "a hard link to a directory"},
        {{{.type = '0', .name = "f", .data = "x"},
          {.type = '1', .name = "h", .link = "f", .data = "y"}},
         ERR_BAD_REQUEST,
         "has contents",
         "a hard link with contents"},
        {{{.type = '3', .name = "null"}}, ERR_BAD_REQUEST, "device", "a character device"},
        {{{.type = '4', .name = "sda"}}, ERR_BAD_REQUEST, "device", "a block device"},
        {{{.type = '6', .name = "pipe"}}, ERR_BAD_REQUEST, "fifo", "a fifo"},
        {{{.type = 'S', .name = "sparse", .data = "x", .magic = "ustar  "}},
         ERR_BAD_REQUEST,
         "sparse",
         "a GNU sparse file"},
        {{{.type = 'x', .name = "p", .data = "22 GNU.sparse.major=1\n"},
          {.type = '0', .name = "s"}},
         ERR_BAD_REQUEST,
         "sparse",
         "a pax sparse file"},
        {{{.type = 'M', .name = "volume"}}, ERR_BAD_REQUEST, "unsupported", "a multi-volume part"},
        {{{.type = '2', .name = "l", .link = ""}},
         ERR_BAD_REQUEST,
         "to nothing",
         "a symlink to nothing"},
        {{{.type = 'g', .name = "g", .data = "22 path=/outside/evil\n"},
          {.type = '0', .name = "f"}},
         ERR_BAD_REQUEST,
         "global",
         "a path for all members"},
        {{{.type = 'x', .name = "p", .data = "22 path=/outside/evil\n"},
          {.type = '0', .name = "f"}},
         ERR_BAD_REQUEST,
         "absolute",
         "an absolute name from a pax header"},
        {{{.type = 'L', .name = "p", .data = "../../outside/evil"}, {.type = '0', .name = "f"}},
         ERR_BAD_REQUEST,
         "'..'",
         "a climbing name from a GNU header"},
        {{{.type = 'x', .name = "p", .data = "999999 path=x\n"}},
         ERR_BAD_REQUEST,
         "malformed",
         "a pax record longer than its header"},
        {{{.type = 'x', .name = "p", .data = "1 path=x\n"}},
         ERR_BAD_REQUEST,
         "malformed",
         "a pax record shorter than itself"},
        {{{.type = 'x', .name = "p", .data = "0 path=x\n"}},
         ERR_BAD_REQUEST,
         "malformed",
         "a pax record of no length"},
        {{{.type = 'x', .name = "p", .data = "7 path\n"}},
         ERR_BAD_REQUEST,
         "malformed",
         "a pax record without a value"},
        {{{.type = 'x', .name = "p", .data = "99999999999999999999 path=x\n"}},
         ERR_BAD_REQUEST,
         "malformed",
         "a pax record whose length overflows"},
        {{{.type = 'x', .name = "p", .data = "11 size=-9\n"}, {.type = '0', .name = "f"}},
         ERR_BAD_REQUEST,
         "size",
         "a negative size"},
        {{{.type = 'x', .name = "p", .data = "29 size=99999999999999999999\n"},
          {.type = '0', .name = "f"}},
         ERR_BAD_REQUEST,
         "size",
         "a size that overflows"},
        {{{.type = '0', .name = "bomb", .size = 1 << 21}},
         ERR_LIMIT,
         "more than 1048576 bytes",
         "more bytes than allowed"},
        {{{.type = 'x', .name = "p", .data = "29 size=00009000000000000000\n"},
          {.type = '0', .name = "f"}},
         ERR_LIMIT,
         "bytes",
         "a size near the end of all numbers"},
        {{{.type = 'L', .name = "p", .size = 1 << 20}}, ERR_LIMIT, "extension", "a huge name"},
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        int r = unpack(s, rows[i].m);
        ok(r == -1 && s->e.code == rows[i].code && strstr(s->e.text, rows[i].text), "refused: %s",
           rows[i].what);
        if (r != -1 || s->e.code != rows[i].code)
            printf("# got %d %s: %s\n", r, err_code_name(s->e.code), s->e.text);
    }
    ok(!exists(s->root_fd, "outside/evil"), "nothing was written outside");
    is_str(get_file(s->root_fd, "outside/secret"), "secret", "nothing outside was changed");
}

static void modes(struct scene *s)
{
    struct made m[] = {{.type = '0', .name = "suid", .mode = 06755},
                       {.type = '5', .name = "sticky", .mode = 03777},
                       {0}};
    ok(!unpack(s, m), "setuid and sticky members are unpacked");
    is_int(mode_of(s->ws, "in/suid"), 0755, "without setuid and setgid");
    is_int(mode_of(s->ws, "in/sticky"), 0777, "without setgid and sticky");
}

// What stands in the workspace already, put there by a hostile earlier command.
static void replaces(struct scene *s)
{
    struct made m[] = {{.type = '0', .name = "target", .data = "new"},
                       {.type = '0', .name = "full", .data = "new"},
                       {0}};
    own_buf struct buf b;
    buf_init(&b, 65536);
    made_put(&b, &m[0]);
    made_end(&b);
    struct err e;
    (void)io_remove_tree(s->ws, "in", &e);
    (void)mkdirat(s->ws, "in", 0755);
    (void)symlinkat("/outside/secret", s->ws, "in/target");
    ok(!unpack_raw(s, b.data, b.len, &normal), "a symlink stands where a file goes");
    is_str(get_file(s->ws, "in/target"), "new", "it is replaced");
    is_str(get_file(s->root_fd, "outside/secret"), "secret", "and what it pointed to stays");
    (void)unlinkat(s->ws, "in/target", 0);
    (void)mkfifoat(s->ws, "in/target", 0644);
    ok(!unpack_raw(s, b.data, b.len, &normal), "a fifo stands where a file goes");
    is_str(get_file(s->ws, "in/target"), "new", "it is replaced, not written to");
    (void)linkat(s->root_fd, "outside/secret", s->ws, "in/shared", 0);
    (void)renameat(s->ws, "in/shared", s->ws, "in/target");
    ok(!unpack_raw(s, b.data, b.len, &normal), "a hard link stands where a file goes");
    is_str(get_file(s->root_fd, "outside/secret"), "secret", "its other name keeps its contents");
    (void)mkdirat(s->ws, "in/full", 0755);
    put_file(s->ws, "in/full/x", "");
    buf_clear(&b);
    made_put(&b, &m[1]);
    made_end(&b);
    is_int(unpack_raw(s, b.data, b.len, &normal), -1, "a directory stands where a file goes");
    is_int(s->e.code, ERR_CONFLICT, "which is a conflict");
    ok(exists(s->ws, "in/full/x"), "and it is not removed");
}

static void cut_archives(struct scene *s)
{
    own_buf struct buf b;
    buf_init(&b, 65536);
    struct made m = {.type = '0', .name = "f", .data = "0123456789"};
    struct made x = {.type = 'x', .name = "p", .data = "10 path=a\n"};
    made_put(&b, &x);
    made_put(&b, &m);
    size_t members = b.len;
    made_end(&b);
    int accepted = 0;
    for (size_t n = 0; n < members + 512; n += 64)
        accepted += unpack_raw(s, b.data, n, &normal) == 0;
    is_int(accepted, 0, "an archive cut anywhere before its end is refused");
    ok(strstr(s->e.text, "cut short") != NULL, "and told to be cut short");
    ok(!unpack_raw(s, b.data, members + 512, &normal), "one zero block is enough of an end");
    ok(!unpack_raw(s, b.data, b.len, &normal), "two are the rule");
    (void)buf_append(&b, b.data, 512);
    ok(!unpack_raw(s, b.data, b.len, &normal), "what comes after the end is not looked at");
    b.data[0]++;
    is_int(unpack_raw(s, b.data, b.len, &normal), -1, "a wrong checksum is refused");
    is_int(unpack_raw(s, "\x1f\x8b\x08", 3, &normal), -1, "three bytes are no archive");
    char gz[1024] = "\x1f\x8b\x08";
    is_int(unpack_raw(s, gz, sizeof(gz), &normal), -1, "a compressed archive is refused");
    ok(strstr(s->e.text, "compressed") != NULL, "and told to be compressed");
}

static void bounds(struct scene *s)
{
    own_buf struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 101; i++) {
        char name[20];
        (void)snprintf(name, sizeof(name), "f%d", i);
        made_put(&b, &(struct made){.type = '0', .name = name});
    }
    made_end(&b);
    is_int(unpack_raw(s, b.data, b.len, &normal), -1, "more entries than allowed are refused");
    is_int(s->e.code, ERR_LIMIT, "as a limit");
    buf_clear(&b);
    for (int i = 0; i < 1000; i++)
        made_put(&b, &(struct made){.type = 'x', .name = "p", .data = "10 path=a\n"});
    made_end(&b);
    is_int(unpack_raw(s, b.data, b.len, &normal), -1, "nothing but extension headers is refused");
    is_int(s->e.code, ERR_LIMIT, "as a limit");
    char deep[700] = "";
    for (int i = 0; i < 300; i++)
        memcpy(deep + 2 * i, "d/", 3);
    struct made d[] = {{.type = 'L', .name = "p", .data = deep}, {.type = '5', .name = "x"}, {0}};
    is_int(unpack(s, d), -1, "three hundred levels are refused");
    is_int(s->e.code, ERR_LIMIT, "as a limit");
    char wide[300];
    memset(wide, 'w', 256);
    wide[256] = 0;
    d[0].data = wide;
    is_int(unpack(s, d), -1, "a component of 256 bytes is refused");
    is_int(s->e.code, ERR_LIMIT, "as a limit");
    struct files_tar_in how = {.max_bytes = 1, .max_files = 1};
    is_int(files_tar_in(scene_ready(s), "no/where", &how, &s->e), -1,
           "the directory must be there");
    is_int(s->e.code, ERR_NOT_FOUND, "else it is not found");
}

int main(void)
{
    struct scene s;
    (void)umask(022);
    scene_init(&s);
    (void)mkdirat(s.ws, "in", 0755);
    put_file(s.root_fd, "outside/secret", "secret");
    good_archives(&s);
    long_names(&s);
    refused(&s);
    modes(&s);
    replaces(&s);
    cut_archives(&s);
    bounds(&s);
    scene_release(&s);
    return done_testing();
}
