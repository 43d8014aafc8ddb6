// SPDX-License-Identifier: Apache-2.0
// The contract of pinfold-tool, the static helper that does file operations *inside* a sandbox as
// its user (EXEC program=1), and the records it writes. The functions here are pure (room record)
// and are linked by both ends; what the tool prints comes from a process that a stranger's
// processes run beside, so the reader checks every record like a client's message.
//
// argv[0] is "pinfold-tool"; all arguments are positional, none optional. ->: stdout, <-: stdin.
//
// stat PATH -> entry. A final symlink is described, not followed.
// list PATH DEPTH MAX AFTER -> entries, end. PATH is a directory. Pre-order, names in byte order,
//     paths relative to PATH; symlinks are not followed. DEPTH 1 is the directory's own entries. At
//     most MAX entries, those that follow the one whose path is AFTER ("": from the start).
// read PATH OFFSET LENGTH -> entry, then min(LENGTH, size - OFFSET) bytes, nothing after. Regular
//     files only, never waits on a fifo or device; a final symlink is followed. OFFSET "-N" is the
//     last N bytes, LENGTH "-" is to the end. An OFFSET past the end gives no bytes.
// write PATH MODE SIZE IF FLAGS <- exactly SIZE bytes; -> entry of what is there now. Into an
//     unnamed temporary, synced, then renamed over PATH: readers see the old or the new file. A
//     final symlink is followed. MODE is octal, or "-": as the old file, else 0644. IF: "" none,
//     "*" must exist, "!" must not exist, else the etag it must have. FLAGS "p": make parents.
// mkdir PATH MODE FLAGS -> entry. "p": make parents too, an existing directory is fine.
// move SRC DST FLAGS -> entry of DST. Symlinks are moved, not followed. "p": make DST's parents,
//     "o": replace an existing DST.
// delete PATH FLAGS -> end. A symlink is deleted, not followed. "r": a directory with all in it.
// tar-out PATH -> a tar stream (ustar, pax where that is too small) of what is in PATH, or of the
//     one file; symlinks as symlinks; sockets, fifos and devices are left out.
// tar-in PATH MAX_BYTES MAX_FILES FLAGS <- a plain tar stream; -> end. Unpacks beneath
//     the directory PATH ("p": make it). Nothing absolute, no "..", nothing through a symlink, no
//     device, fifo or sparse file; setuid, setgid and owners are dropped. What was unpacked before
//     an error stays.
// ps MAX -> processes in ascending pid order, end.
// trace LOOK COMMAND... -> a line for each system call that the command and all it started were seen
//     to make, told apart by the arguments that LOOK names ("NR:MASK,NR:MASK", a bit an argument,
//     or "-"): "NR COUNT ARG0 ... ARG5 COMM", then "end LOST". stdin is the command's, its output
//     and errors go to stderr. Exit code: the command's, 128 and its number after a signal.
//
// PATH is relative to /workspace, or absolute from the sandbox's root. A ".." component, an empty
// path ("." is /workspace itself) and more than TOOL_PATH_MAX bytes are refused.
// FLAGS is "-" or letters.
//
// Exit code: 0 done; TOOL_EXIT_BASE + enum err_code when refused or failed, with one line of text
// on stderr (at most 199 bytes). Nothing is written to stdout before the operation is known to be
// possible; a failure after that (a file that shrank, a reader that went away) still shows in the
// exit code, so bytes count as whole only with exit code 0. With exit code 0 stderr may hold one
// line that says what was left out. TOOL_EXIT_CONDITION is write's IF that did not hold
// (tool_result makes it ERR_CONFLICT; look at the code first to tell it apart).
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <stdbool.h>
#include <stdint.h>

#define TOOL_EXIT_BASE 64
#define TOOL_EXIT_CONDITION 63
#define TOOL_PATH_MAX 4095
#define TOOL_LIST_MAX 10000 // most entries of one list
#define TOOL_DEPTH_MAX 64   // deepest list; tar and delete go as deep as TOOL_TREE_DEPTH_MAX
#define TOOL_TREE_DEPTH_MAX 256
#define TOOL_PS_MAX 4096
#define TOOL_CMDLINE_MAX 512  // kept of a command line
#define TOOL_RECORD_MAX 16384 // bytes of one record, its length included
#define TOOL_ETAG_MAX 40
#define TOOL_TRUST_DIR "tmp/.pinfold" // what every profile lets be written
#define TOOL_TRUST_ONE "ca.pem"
#define TOOL_TRUST_ALL "ca-bundle.pem"

// What is at a path.
enum tool_type {
    TOOL_FILE = 'f',
    TOOL_DIR = 'd',
    TOOL_SYMLINK = 'l',
    TOOL_OTHER = 'o', // socket, fifo, device
};
const char *tool_type_name(enum tool_type t); // "file", "directory", "symlink", "other"; else NULL

struct tool_entry {
    enum tool_type type;
    uint32_t mode; // permission bits, 07777
    uint32_t uid, gid;
    uint64_t size, ino;
    int64_t mtime_ns, ctime_ns; // since 1970
    // Not NUL-terminated, never containing NUL, in any encoding or none. Borrowed.
    const char *path, *target;
    uint32_t path_len, target_len; // target: of a symlink
};
// Strong: changes when contents or mode do. Hexadecimal, without quotes.
const char *tool_etag(const struct tool_entry *entry, char out[TOOL_ETAG_MAX]);

struct tool_process {
    uint32_t pid, ppid, uid, threads;
    char state; // as /proc/PID/stat: R S D Z T ...
    uint64_t rss_bytes, cpu_us, age_ms;
    char comm[16];
    const char *cmdline; // arguments, each with its NUL, cut at TOOL_CMDLINE_MAX. Borrowed.
    uint32_t cmdline_len;
    bool cmdline_cut;
};

// The last record of list, delete, tar-in and ps: a stream without it was cut short.
struct tool_end {
    uint64_t entries, bytes;
    bool more; // MAX was reached
};

enum tool_record_type { TOOL_REC_ENTRY = 'E', TOOL_REC_PROCESS = 'P', TOOL_REC_END = 'Z' };
struct tool_record {
    enum tool_record_type type;
    union {
        struct tool_entry entry;
        struct tool_process process;
        struct tool_end end;
    };
};

// Read one record from the front of p. Bytes it took, 0 when more are needed, -1 when this is no
// record (ERR_INTERNAL). *ret borrows from p.
int tool_record_get(const void *p, size_t len, struct tool_record *ret, struct err *e);
// Append one record; 0, or -1 when it would not fit (the buffer's maximum, or a field's).
int tool_record_put(struct buf *out, const struct tool_record *rec);

// What an exit code and the text from stderr mean: 0 for exit code 0, else -1 with *e filled.
// Unknown codes are ERR_INTERNAL; the text is cut, and bytes that do not print become '?'.
int tool_result(int exit_code, const char *text, size_t len, struct err *e);
