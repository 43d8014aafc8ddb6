// SPDX-License-Identifier: Apache-2.0
// The machine's own numbers, from /proc. A file that cannot be read leaves its numbers at 0.
#include <pinfold/core_host.h>

#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <stdbool.h>
#include <string.h>

#define PROC_MAX (64 * 1024) // of /proc/stat, whose processors come first

static void read_proc(const char *path, char text[PROC_MAX])
{
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got = 0;
    while (fd >= 0 && n < PROC_MAX - 1 && (got = read(fd, text + n, PROC_MAX - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
}

static const char *number(const char *p, uint64_t *ret)
{
    *ret = 0;
    p += strspn(p, " ");
    for (; *p >= '0' && *p <= '9'; p++)
        *ret = *ret * 10 + (uint64_t)(*p - '0');
    return p;
}

static const char *next_line(const char *p)
{
    const char *end = strchr(p, '\n');
    return end ? end + 1 : p + strlen(p);
}

// "cpu3 USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ...": guest time is in USER already.
static void cpu_line(const char *p, uint64_t *busy, uint64_t *total)
{
    uint64_t v;
    *busy = *total = 0;
    p += strcspn(p, " ");
    for (int i = 0; i < 8; i++) {
        p = number(p, &v);
        *total += v;
        *busy += i == 3 || i == 4 ? 0 : v;
    }
}

static unsigned read_cpus(struct host_counters *now, char text[PROC_MAX])
{
    unsigned n = 0;
    read_proc("/proc/stat", text);
    for (const char *p = text; !strncmp(p, "cpu", 3); p = next_line(p)) {
        if (p[3] == ' ')
            cpu_line(p, &now->busy, &now->total);
        else if (n < HOST_CPUS_MAX) {
            cpu_line(p, &now->cpu_busy[n], &now->cpu_total[n]);
            n++;
        }
    }
    return n;
}

static void read_memory(struct host_use *ret, char text[PROC_MAX])
{
    uint64_t total = 0, available = 0;
    read_proc("/proc/meminfo", text);
    for (const char *p = text; *p; p = next_line(p)) {
        if (!strncmp(p, "MemTotal:", 9))
            (void)number(p + 9, &total);
        else if (!strncmp(p, "MemAvailable:", 13))
            (void)number(p + 13, &available);
    }
    ret->memory_total = total * 1024;
    ret->memory_used = available < total ? (total - available) * 1024 : 0;
}

// "  eth0: RX_BYTES 7 more TX_BYTES ..."
static void read_network(struct host_counters *now, char text[PROC_MAX])
{
    read_proc("/proc/self/net/dev", text);
    for (const char *p = next_line(next_line(text)); *p; p = next_line(p)) {
        const char *name = p + strspn(p, " "), *colon = strchr(name, ':');
        uint64_t v;
        if (!colon || !strncmp(name, "lo:", 3))
            continue;
        p = number(colon + 1, &v);
        now->rx_bytes += v;
        for (int i = 1; i <= 8; i++)
            p = number(p, &v);
        now->tx_bytes += v;
    }
}

static double share(uint64_t busy, uint64_t busy_before, uint64_t total, uint64_t total_before)
{
    // Counters of a processor that was taken away and came back can go down.
    if (total <= total_before || busy < busy_before)
        return 0;
    return 100.0 * (double)(busy - busy_before) / (double)(total - total_before);
}

static double rate(uint64_t now, uint64_t before, uint64_t ns)
{
    return now > before && ns ? (double)(now - before) * 1e9 / (double)ns : 0;
}

void core_host_use(struct host_counters *last, struct host_use *ret)
{
    char text[PROC_MAX];
    struct host_counters now = {.at_ns = clock_mono_ns()};
    *ret = (struct host_use){0};
    ret->n_cpus = read_cpus(&now, text);
    read_memory(ret, text);
    read_network(&now, text);
    ret->percent = share(now.busy, last->busy, now.total, last->total);
    for (unsigned i = 0; i < ret->n_cpus; i++)
        ret->cpu_percent[i] =
            share(now.cpu_busy[i], last->cpu_busy[i], now.cpu_total[i], last->cpu_total[i]);
    if (last->at_ns) {
        ret->rx_per_s = rate(now.rx_bytes, last->rx_bytes, now.at_ns - last->at_ns);
        ret->tx_per_s = rate(now.tx_bytes, last->tx_bytes, now.at_ns - last->at_ns);
    }
    *last = now;
}
