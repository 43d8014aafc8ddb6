// SPDX-License-Identifier: Apache-2.0
// What commands print, and who reads it. An output is one stream: its first bytes are in memory;
// when they get too many, or at once for what must survive this process, they go to a file, which
// the disk worker writes. A source is the one or two streams of one exec, build or script.
#pragma once
#include "core_int.h"

#define OUTPUT_MEM (64 * 1024)       // kept in memory, and in the database afterwards
#define OUTPUT_RING (256 * 1024)     // of a terminal: the last bytes
#define OUTPUT_PENDING (1024 * 1024) // not written yet; over it the command waits
#define OUTPUT_CHUNK (64 * 1024)     // given to a follower at once
#define OUTPUT_READ_MAX (1024 * 1024)

struct output_write;
struct output {
    uint64_t total, first; // bytes seen; offset of the first kept one
    uint64_t kept, keep_max;
    struct buf mem; // [first, first + mem.len)
    size_t mem_max;
    struct buf pending; // [first + written + what is being written, first + kept)
    uint64_t written;   // bytes the file has
    struct output_write *writing;
    bool eager, ring, in_file, in_db, failed, synced;
    bool stale_file; // all of it is in memory: the file goes once the database has it
    int trail_fd;    // trail.c; -1
    bool trail, trail_bad;
};
struct source {
    struct core *core;
    char id[ID_MAX]; // names the files
    struct output out[EXEC_STREAMS];
    unsigned n;
    struct list followers, readers;
    bool ended, closed;
    bool flow_paused, no_wait; // no_wait: not for followers any more
    const struct exec *exec;   // for followers
    const struct build *build;
    void (*on_flow)(struct source *s, bool pause); // stop or go on reading; may be NULL
    void (*on_left)(struct source *s);             // a lossless follower stopped; may be NULL
    void (*on_written)(struct source *s);          // sealed, and files have it all; may be NULL
    void (*on_settled)(struct source *s);          // ended, and files are on the disk; may be NULL
};
void source_init(struct source *s, struct core *c, const char *id, unsigned n);
// Forget memory and files' descriptors. Followers are ended, jobs in flight finish on their own.
void source_release(struct source *s);
void source_append(struct source *s, unsigned stream, const void *p, size_t n);
// The same for bytes that its file has already; p is NULL when they could not be read back.
void source_spilled(struct source *s, unsigned stream, const void *p, size_t n);
// No more can be kept: what is in the file stays true, the rest is counted.
void source_failed(struct source *s, unsigned stream, const struct err *err);
void source_printf(struct source *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// From now on it must survive this process.
void source_make_eager(struct source *s);
// No more comes. seal: the numbers are final and the rest is written; end: followers are told too.
void source_seal(struct source *s);
void source_end(struct source *s);
bool source_written(const struct source *s);
bool source_settled(const struct source *s);
// After it is in the database: memory is not needed any more.
void source_forget_memory(struct source *s);
// Decide anew whether the command may go on printing.
void source_flow(struct source *s);
void source_unlink(struct core *c, const char *id, unsigned streams); // a mask; on the worker
#define STREAMS_ALL ((1u << OUTPUT_FILES) - 1)
#define OUTPUT_FILES (2 * EXEC_STREAMS) // of one source: its streams and their trails
// What the next server must know of an output that its file does not say (trail.c): call add after
// the numbers have changed and before anybody is told.
void trail_add(struct source *s, unsigned stream, const char *p, size_t n);
void trail_load(struct source *s, unsigned stream);
void trail_end(struct output *o); // the file stays until its record is written
void output_file_name(const char *id, unsigned stream, char ret[ID_MAX + 8]);

int source_follow(struct source *s, struct follower *f, bool lossless, struct err *e);
void follower_pump(struct follower *f);
void followers_serve_fresh(struct core *c);
int source_read(struct source *s, struct output_read *r, struct err *e);
void fetches_finish(struct core *c);
