// SPDX-License-Identifier: Apache-2.0
// The operations but tar, on a scratch root: what they promise, and what hostile names and links
// do to them.
#include "scene.h"
#include <sys/socket.h>
#include <sys/un.h>

static struct files_write plain(uint64_t size)
{
    return (struct files_write){.mode = FILES_MODE_KEEP, .size = size, .condition = ""};
}

static int write_text(struct scene *s, const char *path, const char *text,
                      const struct files_write *how)
{
    struct files_write w = *how;
    w.size = strlen(text);
    return files_write(scene_input(s, text, strlen(text)), path, &w, &s->e);
}

static void entry_of_output(struct scene *s, struct tool_entry *ret)
{
    struct tool_record rec = {0};
    (void)scene_output(s);
    (void)tool_record_get(s->out, s->out_len, &rec, &s->e);
    *ret = rec.entry;
}

static void stat_tests(struct scene *s)
{
    struct tool_entry t;
    put_file(s->ws, "file", "12345");
    (void)symlinkat("/outside/secret", s->ws, "link");
    ok(!files_stat(scene_ready(s), "file", &s->e), "stat of a file");
    entry_of_output(s, &t);
    ok(t.type == TOOL_FILE && t.size == 5 && t.path_len == 4, "says what it is");
    ok(!files_stat(scene_ready(s), "link", &s->e), "stat of a dangling link");
    entry_of_output(s, &t);
    ok(t.type == TOOL_SYMLINK && t.target_len == 15, "describes the link itself");
    ok(!files_stat(scene_ready(s), "/", &s->e), "stat of the root");
    ok(!files_stat(scene_ready(s), ".", &s->e), "stat of the workspace");
    is_int(files_stat(scene_ready(s), "no", &s->e), -1, "stat of nothing fails");
    is_int(s->e.code, ERR_NOT_FOUND, "as not found");
    is_int(files_stat(scene_ready(s), "file/x", &s->e), -1, "a file is no directory");
    is_int(s->e.code, ERR_CONFLICT, "which is a conflict");
    is_int(files_stat(scene_ready(s), "../outside", &s->e), -1, "'..' fails");
    is_int(s->e.code, ERR_BAD_REQUEST, "as a bad request");
    is_int(scene_output(s), 0, "a failed operation prints nothing");
}

static void list_tests(struct scene *s)
{
    char got[1000];
    int base = openat(s->ws, ".", O_RDONLY);
    (void)mkdirat(base, "d", 0755);
    (void)mkdirat(base, "d/a", 0755);
    (void)mkdirat(base, "d/empty", 0755);
    put_file(base, "d/a/1", "");
    put_file(base, "d/a/2", "");
    put_file(base, "d/a-b", "");
    (void)symlinkat("..", base, "d/up");
    close(base);
    ok(!files_list(scene_ready(s), "d", 1, 100, "", &s->e), "list one level");
    is_str(scene_paths(s, got, sizeof(got)), "a a-b empty up end", "sorted, relative, complete");
    ok(!files_list(scene_ready(s), "d", 9, 100, "", &s->e), "list all levels");
    is_str(scene_paths(s, got, sizeof(got)), "a a/1 a/2 a-b empty up end",
           "pre-order; a link to a directory is not entered");
    (void)files_list(scene_ready(s), "d", 9, 3, "", &s->e);
    is_str(scene_paths(s, got, sizeof(got)), "a a/1 a/2 more",
           "a first page says that there is more");
    (void)files_list(scene_ready(s), "d", 9, 3, "a/2", &s->e);
    is_str(scene_paths(s, got, sizeof(got)), "a-b empty up end", "the next page ends exactly");
    (void)files_list(scene_ready(s), "d", 9, 3, "a/15", &s->e);
    is_str(scene_paths(s, got, sizeof(got)), "a/2 a-b empty more",
           "a page after something deleted since goes on at the right place");
    (void)files_list(scene_ready(s), "d", 9, 3, "zzz", &s->e);
    is_str(scene_paths(s, got, sizeof(got)), "end", "a page after the last is empty");
    is_int(files_list(scene_ready(s), "file", 1, 9, "", &s->e), -1, "a file cannot be listed");
    is_int(s->e.code, ERR_CONFLICT, "which is a conflict");
    is_int(files_list(scene_ready(s), "d", 0, 9, "", &s->e), -1, "depth 0 is refused");
    is_int(files_list(scene_ready(s), "d", 65, 9, "", &s->e), -1, "depth 65 is refused");
    is_int(files_list(scene_ready(s), "d", 1, 10001, "", &s->e), -1, "max 10001 is refused");

    int weird = openat(s->ws, "d", O_RDONLY);
    put_file(weird, "new\nline", "");
    put_file(weird, "\xff\xfe", "");
    (void)files_list(scene_ready(s), "d", 1, 100, "", &s->e);
    is_str(scene_paths(s, got, sizeof(got)), "a a-b empty new\nline up \xff\xfe end",
           "names with newlines and without an encoding arrive as they are");
    close(weird);
}

// A tree deeper than a path can be long must not break the walk or overrun the path.
static void deep_list(struct scene *s)
{
    char name[201];
    memset(name, 'n', 200);
    name[200] = 0;
    (void)mkdirat(s->ws, "deep", 0755);
    int fd = openat(s->ws, "deep", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 40; i++) {
        (void)mkdirat(fd, name, 0755);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = next;
    }
    close(fd);
    ok(!files_list(scene_ready(s), "deep", 64, 100, "", &s->e),
       "a tree deeper than the longest path is listed as far as it goes");
    ok(strstr(s->f.note, "longer than") != NULL, "and the note says so");
    ok(!files_delete(scene_ready(s), "deep", true, &s->e), "and it can be deleted");
    ok(!exists(s->ws, "deep"), "whole");
}

static void read_tests(struct scene *s)
{
    struct tool_record rec;
    put_file(s->ws, "ten", "0123456789");
    static const struct {
        uint64_t offset;
        bool from_end;
        uint64_t length;
        const char *want, *what;
    } rows[] = {
        {0, false, FILES_END, "0123456789", "the whole file"},
        {3, false, 4, "3456", "a range"},
        {8, false, 100, "89", "a range over the end is cut"},
        {10, false, 5, "", "a range at the end is empty"},
        {99, false, 5, "", "a range past the end is empty"},
        {4, true, FILES_END, "6789", "the last four bytes"},
        {40, true, FILES_END, "0123456789", "more last bytes than there are"},
        {5, false, 0, "", "no bytes"},
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        int r = files_read(scene_ready(s), "ten", rows[i].offset, rows[i].from_end, rows[i].length,
                           &s->e);
        (void)scene_output(s);
        int n = r ? -1 : tool_record_get(s->out, s->out_len, &rec, &s->e);
        is_str(n > 0 ? s->out + n : "(no header)", rows[i].want, "read: %s", rows[i].what);
    }
    is_int(rec.entry.size, 10, "the header tells the whole size");

    char *big = calloc(1, 300000);
    memset(big, 'b', 299999);
    put_file(s->ws, "big", big);
    ok(!files_read(scene_ready(s), "big", 1, false, FILES_END, &s->e), "a large file");
    (void)scene_output(s);
    int n = tool_record_get(s->out, s->out_len, &rec, &s->e);
    is_int(s->out_len - (size_t)n, 299998, "arrives whole");
    free(big);

    (void)symlinkat("ten", s->ws, "to-ten");
    ok(!files_read(scene_ready(s), "to-ten", 0, false, FILES_END, &s->e), "a link is followed");
    is_int(files_read(scene_ready(s), "d", 0, false, 1, &s->e), -1, "a directory is refused");
    is_int(s->e.code, ERR_CONFLICT, "as a conflict");
}

static void read_special(struct scene *s)
{
    (void)mkfifoat(s->ws, "fifo", 0644);
    is_int(files_read(scene_ready(s), "fifo", 0, false, 1, &s->e), -1,
           "reading a fifo does not wait, it is refused");
    is_str(s->e.text, "fifo is not a regular file", "with its reason");
    (void)symlinkat("fifo", s->ws, "to-fifo");
    is_int(files_read(scene_ready(s), "to-fifo", 0, false, 1, &s->e), -1, "by way of a link too");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/workspace/socket", s->root);
    int sock = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)bind(sock, (struct sockaddr *)&a, sizeof(a));
    is_int(files_read(scene_ready(s), "socket", 0, false, 1, &s->e), -1, "a socket is refused");
    close(sock);
    (void)symlinkat("loop", s->ws, "loop");
    is_int(files_read(scene_ready(s), "loop", 0, false, 1, &s->e), -1,
           "a link to itself is refused");
    is_int(s->e.code, ERR_CONFLICT, "as a conflict");
}

// Links are resolved with the scratch root as "/": no path leads out of it.
static void links_stay_inside(struct scene *s)
{
    put_file(s->root_fd, "outside/secret", "inside the root");
    (void)symlinkat("/outside/secret", s->ws, "absolute");
    (void)symlinkat("../../../../../../../../outside/secret", s->ws, "climbing");
    (void)symlinkat("/etc/passwd", s->ws, "host");
    (void)symlinkat("/proc/self/root/etc/passwd", s->ws, "magic");
    ok(!files_read(scene_ready(s), "absolute", 0, false, FILES_END, &s->e),
       "an absolute link leads below the sandbox's root");
    ok(!files_read(scene_ready(s), "climbing", 0, false, FILES_END, &s->e),
       "a link that climbs over the root stays at the root");
    is_int(files_read(scene_ready(s), "host", 0, false, FILES_END, &s->e), -1,
           "a link to a file of the host does not reach it");
    is_int(s->e.code, ERR_NOT_FOUND, "it is not there");
    is_int(files_read(scene_ready(s), "magic", 0, false, FILES_END, &s->e), -1,
           "nor does one through /proc/self/root");
}

static void write_tests(struct scene *s)
{
    struct files_write how = plain(0);
    ok(!write_text(s, "new", "hello", &how), "write a new file");
    is_str(get_file(s->ws, "new"), "hello", "its contents are there");
    is_int(mode_of(s->ws, "new"), 0644, "its mode is 0644");
    (void)fchmodat(s->ws, "new", 0750, 0);
    ok(!write_text(s, "new", "again", &how), "replace it");
    is_int(mode_of(s->ws, "new"), 0750, "the old mode stays");
    how.mode = 0600;
    ok(!write_text(s, "new", "", &how), "replace it by nothing, with a mode");
    is_int(mode_of(s->ws, "new"), 0600, "which it has");
    is_str(get_file(s->ws, "new"), "", "and it is empty");
    how.mode = 04755;
    is_int(write_text(s, "new", "x", &how), -1, "a setuid mode is refused");
    how = plain(0);
    is_int(write_text(s, "d", "x", &how), -1, "a directory is not replaced");
    is_int(s->e.code, ERR_CONFLICT, "which is a conflict");
    is_int(write_text(s, "fifo", "x", &how), -1, "a fifo is not written to");
    is_int(write_text(s, "p/q/r", "x", &how), -1, "missing parents are an error");
    is_int(s->e.code, ERR_NOT_FOUND, "not found");
    how.parents = true;
    ok(!write_text(s, "p/q/r", "deep", &how), "unless asked for");
    is_str(get_file(s->ws, "p/q/r"), "deep", "the file is there");
}

static void write_cut(struct scene *s)
{
    put_file(s->ws, "kept", "old");
    int before = count_entries(s->ws);
    struct files_write how = plain(10);
    is_int(files_write(scene_input(s, "short", 5), "kept", &how, &s->e), -1,
           "contents that end too early are refused");
    is_int(s->e.code, ERR_BAD_REQUEST, "as a bad request");
    how.size = 3;
    is_int(files_write(scene_input(s, "longer", 6), "kept", &how, &s->e), -1,
           "contents that go on are refused");
    is_str(get_file(s->ws, "kept"), "old", "the old file is untouched");
    how.size = 1ull << 62;
    is_int(files_write(scene_input(s, "x", 1), "kept", &how, &s->e), -1,
           "a size that no disk has fails");
    is_int(count_entries(s->ws), before, "and no temporary is left behind");
}

static void write_links(struct scene *s)
{
    struct files_write how = plain(0);
    put_file(s->ws, "real", "old");
    (void)symlinkat("real", s->ws, "alias");
    (void)symlinkat("p/q/made", s->ws, "dangling");
    ok(!write_text(s, "alias", "new", &how), "write through a link");
    is_str(get_file(s->ws, "real"), "new", "changes what it points to");
    is_str(get_file(s->ws, "alias"), "(symlink)", "and keeps the link");
    ok(!write_text(s, "dangling", "x", &how), "write through a dangling link");
    is_str(get_file(s->ws, "p/q/made"), "x", "makes what it points to");
    is_int(write_text(s, "loop", "x", &how), -1, "a link to itself is refused");
    is_int(s->e.code, ERR_CONFLICT, "as a conflict");
    (void)symlinkat("/outside", s->ws, "dir-link");
    how.parents = true;
    (void)symlinkat("/missing/dir", s->ws, "gone-link");
    is_int(write_text(s, "gone-link/f", "x", &how), -1,
           "parents are not made through a dangling link");
}

static void write_conditions(struct scene *s)
{
    char etag[TOOL_ETAG_MAX];
    struct tool_entry t;
    struct files_write how = plain(0);
    how.condition = "*";
    is_int(write_text(s, "cond", "1", &how), -1, "'*' fails when nothing is there");
    is_int(s->e.sys, ESTALE, "as a condition");
    how.condition = "!";
    ok(!write_text(s, "cond", "1", &how), "'!' holds when nothing is there");
    is_int(write_text(s, "cond", "2", &how), -1, "and fails when something is");
    is_int(s->e.sys, ESTALE, "as a condition");
    (void)files_stat(scene_ready(s), "cond", &s->e);
    entry_of_output(s, &t);
    how.condition = tool_etag(&t, etag);
    ok(!write_text(s, "cond", "2", &how), "the current etag holds");
    is_int(write_text(s, "cond", "3", &how), -1, "the old one fails");
    is_str(get_file(s->ws, "cond"), "2", "and changes nothing");
    how.condition = "*";
    ok(!write_text(s, "cond", "4", &how), "'*' holds when something is there");
}

static void mkdir_tests(struct scene *s)
{
    ok(!files_mkdir(scene_ready(s), "m", 0750, false, &s->e), "mkdir");
    is_int(mode_of(s->ws, "m"), 0750, "with its mode");
    is_int(files_mkdir(scene_ready(s), "m", 0755, false, &s->e), -1, "again fails");
    is_int(s->e.code, ERR_CONFLICT, "as a conflict");
    ok(!files_mkdir(scene_ready(s), "m", 0755, true, &s->e), "unless parents are asked for");
    is_int(files_mkdir(scene_ready(s), "a1/b1", 0755, false, &s->e), -1, "no parent, no directory");
    ok(!files_mkdir(scene_ready(s), "a1/b1/c1", 0755, true, &s->e),
       "parents are made when asked for");
    ok(exists(s->ws, "a1/b1/c1"), "all of them");
    is_int(files_mkdir(scene_ready(s), "file", 0755, true, &s->e), -1, "a file is in the way");
    is_int(files_mkdir(scene_ready(s), "x", 01777, false, &s->e), -1, "a sticky mode is refused");
}

static void move_tests(struct scene *s)
{
    struct files_move how = {0};
    put_file(s->ws, "m1", "one");
    put_file(s->ws, "m2", "two");
    is_int(files_move(scene_ready(s), "m1", "m2", &how, &s->e), -1, "nothing is replaced unasked");
    is_int(s->e.code, ERR_CONFLICT, "which is a conflict");
    how.replace = true;
    ok(!files_move(scene_ready(s), "m1", "m2", &how, &s->e), "replace when asked");
    is_str(get_file(s->ws, "m2"), "one", "the moved file is there");
    ok(!exists(s->ws, "m1"), "and gone from its old place");
    is_int(files_move(scene_ready(s), "nothing", "new-dir/x", &how, &s->e), -1, "nothing to move");
    is_int(s->e.code, ERR_NOT_FOUND, "is not found");
    how.parents = true;
    (void)files_move(scene_ready(s), "nothing", "new-dir/x", &how, &s->e);
    ok(!exists(s->ws, "new-dir"), "and made no directory");
    ok(!files_move(scene_ready(s), "m2", "new-dir/x", &how, &s->e), "parents when asked");
    put_file(s->root_fd, "outside/t", "target");
    (void)symlinkat("/outside/t", s->ws, "ml");
    ok(!files_move(scene_ready(s), "ml", "ml2", &how, &s->e), "a link is moved");
    is_str(get_file(s->ws, "ml2"), "(symlink)", "as a link");
    is_str(get_file(s->root_fd, "outside/t"), "target", "its target stays");
    is_int(files_move(scene_ready(s), ".", "x", &how, &s->e), -1, "the workspace stays");
    (void)mkdirat(s->ws, "self", 0755);
    is_int(files_move(scene_ready(s), "self", "self/in", &how, &s->e), -1,
           "a directory does not move into itself");
}

static void delete_tests(struct scene *s)
{
    (void)mkdirat(s->root_fd, "outside/tree", 0755);
    put_file(s->root_fd, "outside/tree/f", "precious");
    (void)symlinkat("/outside/tree", s->ws, "dl");
    ok(!files_delete(scene_ready(s), "dl", true, &s->e), "delete a link to a directory");
    ok(!exists(s->ws, "dl"), "removes the link");
    is_str(get_file(s->root_fd, "outside/tree/f"), "precious", "and nothing behind it");
    (void)mkdirat(s->ws, "dd", 0755);
    (void)symlinkat("/outside/tree", s->ws, "dd/l");
    (void)symlinkat("../../outside", s->ws, "dd/l2");
    (void)mkdirat(s->ws, "dd/sub", 0755);
    put_file(s->ws, "dd/sub/f", "");
    is_int(files_delete(scene_ready(s), "dd", false, &s->e), -1, "a full directory needs 'r'");
    is_int(s->e.code, ERR_CONFLICT, "else it is a conflict");
    ok(!files_delete(scene_ready(s), "dd", true, &s->e), "with it, it goes");
    ok(!exists(s->ws, "dd"), "whole");
    is_str(get_file(s->root_fd, "outside/tree/f"), "precious", "links in it were not followed");
    is_int(files_delete(scene_ready(s), ".", true, &s->e), -1, "the workspace itself is refused");
    is_int(files_delete(scene_ready(s), "/", true, &s->e), -1, "and the root");
    is_int(files_delete(scene_ready(s), "/workspace/", true, &s->e), -1, "by any name");
    is_int(files_delete(scene_ready(s), "nothing", true, &s->e), -1, "nothing to delete");
    is_int(s->e.code, ERR_NOT_FOUND, "is not found");
    (void)mkdirat(s->ws, "ed", 0755);
    ok(!files_delete(scene_ready(s), "ed", false, &s->e), "an empty directory goes without 'r'");
}

static void processes(struct scene *s)
{
    // A made-up /proc, with a name that tries to forge the fields behind it.
    (void)mkdirat(s->root_fd, "proc", 0755);
    (void)mkdirat(s->root_fd, "proc/7", 0755);
    (void)mkdirat(s->root_fd, "proc/123", 0755);
    (void)mkdirat(s->root_fd, "proc/sys", 0755);
    put_file(s->root_fd, "proc/7/stat",
             "7 (a) R 9 9) S 1 7 7 0 -1 4194560 1 2 3 4 50 25 0 0 20 0 3 0 100 999424 11 x");
    put_file(s->root_fd, "proc/7/cmdline", "prog");
    put_file(s->root_fd, "proc/123/stat", "garbage");
    ok(!files_processes(scene_ready(s), 10, &s->e), "ps");
    (void)scene_output(s);
    struct tool_record rec, end;
    int n = tool_record_get(s->out, s->out_len, &rec, &s->e);
    ok(n > 0 && rec.type == TOOL_REC_PROCESS && rec.process.pid == 7, "lists a process");
    is_str(rec.process.comm, "a) R 9 9", "whose name may hold parentheses");
    ok(rec.process.state == 'S' && rec.process.ppid == 1, "and forges no fields");
    is_int(rec.process.cpu_us, 750000, "cpu time");
    is_int(rec.process.threads, 3, "threads");
    is_int(rec.process.rss_bytes, 11 * sysconf(_SC_PAGESIZE), "memory");
    (void)tool_record_get(s->out + n, s->out_len - (size_t)n, &end, &s->e);
    ok(end.type == TOOL_REC_END && end.end.entries == 1 && !end.end.more,
       "a process that cannot be read is left out");
}

int main(void)
{
    struct scene s;
    (void)umask(022);
    scene_init(&s);
    stat_tests(&s);
    list_tests(&s);
    deep_list(&s);
    read_tests(&s);
    read_special(&s);
    links_stay_inside(&s);
    write_tests(&s);
    write_cut(&s);
    write_links(&s);
    write_conditions(&s);
    mkdir_tests(&s);
    move_tests(&s);
    delete_tests(&s);
    processes(&s);
    scene_release(&s);
    return done_testing();
}
