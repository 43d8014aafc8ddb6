// SPDX-License-Identifier: Apache-2.0
// Packing: the stream is a well-formed archive that our own reader takes back to the same tree.
#include "scene.h"

static void fill(int at)
{
    char longer[161];
    memset(longer, 'n', 160);
    longer[160] = 0;
    put_file(at, "plain", "contents");
    put_file(at, longer, "long name");
    put_file(at, "empty", "");
    (void)fchmodat(at, "plain", 06711, 0);
    (void)mkdirat(at, "dir", 0750);
    put_file(at, "dir/f", "x");
    put_file(at, "dir/new\nline", "y");
    (void)symlinkat("../../outside/secret", at, "dir/link");
    (void)symlinkat(longer, at, "long-link");
    (void)mkfifoat(at, "fifo", 0644);
    struct timespec t[2] = {{.tv_sec = 1}, {.tv_sec = -5}};
    (void)utimensat(at, "empty", t, 0);
}

static void round_trip(struct scene *s)
{
    ok(!files_tar_out(scene_ready(s), "src", &s->e), "pack (%s)", s->e.text);
    ok(strstr(s->f.note, "1 special") != NULL, "the note tells what was left out");
    (void)scene_output(s);
    is_int(s->out_len % 512, 0, "the stream is whole blocks");
    char *stream = ptr_steal(&s->out);
    size_t len = s->out_len;
    ok(memmem(stream, len, "secret", 6) && !memmem(stream, len, "SECRET", 6),
       "a symlink out of the tree is packed as a link, not as what it points to");
    struct files_tar_in how = {.max_bytes = 1 << 20, .max_files = 100, .parents = true};
    ok(!files_tar_in(scene_input(s, stream, len), "dst", &how, &s->e), "unpack (%s)", s->e.text);
    is_str(get_file(s->ws, "dst/plain"), "contents", "a file");
    is_int(mode_of(s->ws, "dst/plain"), 0711, "its mode without setuid");
    is_str(get_file(s->ws, "dst/dir/new\nline"), "y", "a name with a newline");
    is_int(mode_of(s->ws, "dst/dir"), 0750, "a directory's mode");
    is_str(get_file(s->ws, "dst/dir/link"), "(symlink)", "a link");
    char target[300], name[161];
    memset(name, 'n', 160);
    name[160] = 0;
    is_int(readlinkat(s->ws, "dst/long-link", target, sizeof(target)), 160, "a long link");
    char path[200];
    (void)snprintf(path, sizeof(path), "dst/%s", name);
    is_str(get_file(s->ws, path), "long name", "a long name");
    struct stat st;
    ok(!fstatat(s->ws, "dst/empty", &st, 0) && st.st_mtime == -5, "a time before 1970");
    ok(!exists(s->ws, "dst/fifo"), "no fifo");
    free(stream);
}

int main(void)
{
    struct scene s;
    (void)umask(022);
    scene_init(&s);
    put_file(s.root_fd, "outside/secret", "SECRET");
    (void)mkdirat(s.ws, "src", 0755);
    int src = openat(s.ws, "src", O_RDONLY | O_DIRECTORY);
    fill(src);
    round_trip(&s);
    ok(!files_tar_out(scene_ready(&s), "src/dir/f", &s.e), "pack one file");
    is_int(scene_output(&s), 4 * 512, "is a header, a block and the end");
    is_str(s.out, "f", "under its own name");
    is_int(files_tar_out(scene_ready(&s), "src/fifo", &s.e), -1, "a fifo alone is refused");
    is_int(s.e.code, ERR_CONFLICT, "as a conflict");
    is_int(files_tar_out(scene_ready(&s), "nothing", &s.e), -1, "nothing is not found");
    is_int(scene_output(&s), 0, "and prints nothing");
    close(src);
    scene_release(&s);
    return done_testing();
}
