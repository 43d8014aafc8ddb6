// SPDX-License-Identifier: Apache-2.0
// Who a process is.
#include <pinfold/proc.h>

#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

// The number that text begins with; 0 when there is none.
static uint64_t number_at(const char *text)
{
    char digits[24];
    uint64_t n = 0;
    size_t len = strspn(text, "0123456789");
    if (len < sizeof(digits)) {
        memcpy(digits, text, len);
        digits[len] = '\0';
        (void)num_parse_u64(digits, 0, UINT64_MAX, &n, NULL); // 0 stands for "unknown" here
    }
    return n;
}

// Field 22 of /proc/PID/stat, counted behind the command's name, which may hold anything.
uint64_t proc_start_time(pid_t pid)
{
    char path[32];
    own_buf struct buf b;
    buf_init(&b, 4096);
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (io_read_file(AT_FDCWD, path, &b, NULL))
        return 0;
    const char *at = strrchr(b.data, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? number_at(at + 1) : 0;
}
