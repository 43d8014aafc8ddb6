// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: paths, descriptors, entries, walking a tree.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/files.h>
#include <sys/stat.h>

// --- path.c (pure) -------------------------------------------------------------------------------

// The path from the root, without a leading slash, "." components or doubled slashes; "." for the
// root itself. Refuses what tool.h refuses.
int path_normal(const char *base, const char *path, char out[TOOL_PATH_MAX + 1], struct err *e);
// Split in place at the last slash: *ret_dir is "." when there is none.
void path_cut(char *path, const char **ret_dir, const char **ret_name);
// Order of a pre-order walk in byte order: a directory before what is in it, and that before the
// directory's next sibling.
int path_compare(const char *a, size_t a_len, const char *b, size_t b_len);
// Is a path b itself or a directory above it?
bool path_is_above(const char *a, size_t a_len, const char *b, size_t b_len);

// --- open.c --------------------------------------------------------------------------------------

// As err_sys, with the codes that file operations give their callers: EACCES is denied, a wrong
// kind of file is a conflict and so on.
int files_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Where an operation works: the parent directory, opened (O_PATH), and the last component.
struct place {
    int dir_fd;
    char path[TOOL_PATH_MAX + 1];
    const char *name; // into path; "." only for the root
};
void place_release(struct place *p);
static inline void own_place_cleanup(struct place *p)
{
    place_release(p);
}
#define own_place __attribute__((cleanup(own_place_cleanup)))
#define PLACE_NONE                                                                                 \
    {                                                                                              \
        .dir_fd = -1                                                                               \
    }
enum place_how { PLACE_FOLLOW = 1, PLACE_PARENTS = 2 };
// how: PLACE_FOLLOW resolves a final symlink too (to where it points, existing or not),
// PLACE_PARENTS makes missing directories. *ret needs place_release in any case.
int place_open(const struct files *f, const char *path, unsigned how, struct place *ret,
               struct err *e);
int place_is_base(const struct files *f, const struct place *p);
// Make what is in a directory durable. A directory that may not be read is left to the kernel.
int dir_sync(int dir_fd);

// --- entry.c -------------------------------------------------------------------------------------

// Describe name in dir_fd, not following it. target is room for a symlink's text.
struct entry_text {
    char target[TOOL_PATH_MAX + 1];
};
int entry_at(int dir_fd, const char *name, struct tool_entry *ret, struct entry_text *text,
             struct stat *ret_st);
void entry_of(const struct stat *st, struct tool_entry *ret);
// Records go through a buffer, so that ten thousand of them are few writes.
struct sink {
    int fd;
    struct buf buf;
};
void sink_init(struct sink *s, int fd);
void sink_release(struct sink *s);
static inline void own_sink_cleanup(struct sink *s)
{
    sink_release(s);
}
#define own_sink __attribute__((cleanup(own_sink_cleanup)))
int sink_flush(struct sink *s, struct err *e);
int sink_bytes(struct sink *s, const void *p, size_t n, struct err *e);
int sink_record(struct sink *s, const struct tool_record *rec, struct err *e);
// n bytes of a file from where it stands, not through the buffer when there are many. Returns 0,
// or 1 when the file ended before n bytes (*ret_missing of them).
int sink_file(struct sink *s, int file_fd, uint64_t n, uint64_t *ret_missing, struct err *e);
// One entry and nothing else, as most operations answer.
int answer_entry(struct files *f, int dir_fd, const char *name, const char *path, struct err *e);
int answer_end(struct files *f, const struct tool_end *end, struct err *e);

// --- walk.c --------------------------------------------------------------------------------------

// A pre-order walk in byte order over descriptors, one kept per level; no symlink is followed.
struct walk_level;
struct walk {
    struct walk_level *levels;
    unsigned depth, max_depth;
    char path[TOOL_PATH_MAX + 1]; // of the current entry, from where the walk began
    size_t path_len;
    int dir_fd;       // the directory the current entry is in; borrowed
    const char *name; // of the current entry in it
    uint64_t skipped; // names that were too long to have a path
};
int walk_init(struct walk *w, int dir_fd, unsigned max_depth, struct err *e);
void walk_release(struct walk *w);
static inline void own_walk_cleanup(struct walk *w)
{
    walk_release(w);
}
#define own_walk __attribute__((cleanup(own_walk_cleanup)))
bool walk_next(struct walk *w); // false at the end
// Go into the current entry: what is in it comes next. Refuses a depth over the maximum; a
// directory that is gone or no directory any more counts as empty.
int walk_enter(struct walk *w, struct err *e);
// Entries of the walk so far are in the directory of this depth (1: the top).
static inline unsigned walk_depth(const struct walk *w)
{
    return w->depth;
}
