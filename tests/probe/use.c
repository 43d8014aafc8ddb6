// SPDX-License-Identifier: Apache-2.0
// Using things up: processes, memory of every kind, files, descriptors, time. Also staying behind.
#include "probe.h"
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define MB (1024ul * 1024)

static void nap(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

// N: children that stay, until one is refused; tells how many there are.
static int u_forks(char **arg)
{
    long n = 0, max = atol(arg[0]);
    for (; n < max; n++) {
        pid_t p = fork();
        if (p < 0)
            break;
        if (!p) {
            pause();
            _exit(0);
        }
    }
    int err = errno;
    printf("children: %ld\n", n);
    errno = err;
    return n < max ? refused("fork") : worked("fork");
}
// The bomb: every process forks, for as many milliseconds. The first one looks on.
static int u_bomb(char **arg)
{
    pid_t first = fork();
    if (first < 0)
        return refused("fork");
    if (first == 0)
        for (;;)
            if (fork() < 0)
                sched_yield();
    nap(atol(arg[0]));
    return worked("survived the bomb");
}
static void *stay(void *unused)
{
    pause();
    return unused;
}
static int u_threads(char **arg)
{
    long n = 0, max = atol(arg[0]);
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 16384);
    for (pthread_t t; n < max; n++) {
        int r = pthread_create(&t, &a, stay, NULL);
        if (r) {
            errno = r;
            break;
        }
    }
    int err = errno;
    printf("threads: %ld\n", n);
    errno = err;
    return n < max ? refused("thread") : worked("threads");
}

static char *touch(void *p, size_t n)
{
    if (p != MAP_FAILED)
        memset(p, 1, n);
    return p;
}
// MB: private memory, a megabyte at a time, all of it touched.
static int u_memory(char **arg)
{
    for (long i = 0; i < atol(arg[0]); i++)
        if (touch(mmap(NULL, MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MB) ==
            MAP_FAILED)
            return refused("map memory");
    return worked("used %s MB", arg[0]);
}
// MB N: as much in each of N processes, which keep it until all have it or one is gone.
static int u_memory_each(char **arg)
{
    long n = atol(arg[1]), done = 0;
    int full[2], all[2];
    char c = 0;
    if (pipe(full) || pipe(all))
        return refused("pipe");
    for (long i = 0; i < n; i++) {
        if (fork())
            continue;
        close(all[1]);
        for (long m = 0; m < atol(arg[0]); m++)
            if (touch(mmap(NULL, MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                      MB) == MAP_FAILED)
                _exit(1);
        _exit(write(full[1], &c, 1) != 1 || read(all[0], &c, 1) < 0);
    }
    close(full[1]);
    while (done < n && waitpid(-1, NULL, WNOHANG) == 0)
        if (poll(&(struct pollfd){.fd = full[0], .events = POLLIN}, 1, 10) > 0)
            done += read(full[0], &c, 1) == 1;
    errno = ENOMEM;
    return done < n ? refused("one was ended") : worked("used %s MB each", arg[0]);
}
static int u_memfd(char **arg)
{
    int fd = memfd_create("bomb", MFD_CLOEXEC);
    static char chunk[MB];
    memset(chunk, 1, sizeof(chunk));
    for (long i = 0; i < atol(arg[0]); i++)
        if (write(fd, chunk, sizeof(chunk)) < 0)
            return refused("write to memory");
    return worked("used %s MB", arg[0]);
}
static int u_shm(char **arg)
{
    size_t n = (size_t)atol(arg[0]) * MB;
    int id = shmget(IPC_PRIVATE, n, IPC_CREAT | 0600);
    void *p = id < 0 ? NULL : shmat(id, NULL, 0);
    if (id < 0 || p == (void *)-1)
        return refused("shared memory");
    memset(p, 1, n);
    return worked("used %s MB", arg[0]);
}
static int u_lock_memory(char **arg)
{
    size_t n = (size_t)atol(arg[0]) * MB;
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return verdict(p == MAP_FAILED ? -1 : mlock(p, n), "lock memory");
}
// Kernel memory: full pipes, as many as it gets.
static int u_pipes(char **arg)
{
    static char chunk[65536];
    long n = 0;
    for (int p[2]; n < atol(arg[0]) && !pipe2(p, O_NONBLOCK); n++)
        (void)!write(p[1], chunk, sizeof(chunk));
    printf("pipes: %ld\n", n);
    return n < atol(arg[0]) ? refused("pipes") : worked("pipes");
}
static int u_sockets(char **arg)
{
    static char chunk[65536];
    long n = 0;
    for (int s[2]; n < atol(arg[0]) && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s); n++)
        while (write(s[1], chunk, sizeof(chunk)) > 0)
            ;
    printf("sockets: %ld\n", n);
    return n < atol(arg[0]) ? refused("sockets") : worked("sockets");
}

static int u_fds(char **arg)
{
    long n = 0;
    while (n < atol(arg[0]) && dup(0) >= 0)
        n++;
    printf("descriptors: %ld\n", n);
    return n < atol(arg[0]) ? refused("dup") : worked("dup");
}
// PATH MB: a file of real bytes.
static int u_file(char **arg)
{
    static char chunk[MB];
    memset(chunk, 1, sizeof(chunk));
    int fd = open(arg[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return refused("open");
    for (long i = 0; i < atol(arg[1]); i++)
        if (write(fd, chunk, sizeof(chunk)) != (ssize_t)sizeof(chunk)) {
            printf("written: %ld MB\n", i);
            return refused("write");
        }
    return verdict(fsync(fd), "write");
}
// DIR N: empty files.
static int u_files(char **arg)
{
    char path[300];
    for (long i = 0; i < atol(arg[1]); i++) {
        snprintf(path, sizeof(path), "%s/f%ld", arg[0], i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0) {
            printf("made: %ld\n", i);
            return refused("create");
        }
        close(fd);
    }
    return worked("made %s files", arg[1]);
}
static int u_sparse(char **arg)
{
    int fd = open(arg[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return verdict(fd < 0 ? -1 : ftruncate(fd, atol(arg[1]) * (long)MB), "make a sparse file");
}
static int u_watches(char **arg)
{
    long n = 0;
    while (n < atol(arg[0]) && inotify_init() >= 0)
        n++;
    printf("watches: %ld\n", n);
    return n < atol(arg[0]) ? refused("inotify") : worked("inotify");
}
static int u_queues(char **arg)
{
    long n = 0;
    struct mq_attr a = {.mq_maxmsg = 10, .mq_msgsize = 8192};
    for (; n < atol(arg[0]); n++) {
        char name[32];
        snprintf(name, sizeof(name), "/q%ld", n);
        if (mq_open(name, O_RDWR | O_CREAT, 0600, &a) < 0)
            break;
    }
    printf("queues: %ld\n", n);
    return n < atol(arg[0]) ? refused("message queue") : worked("message queues");
}
// Signals that wait, each a piece of kernel memory.
static int u_signals(char **arg)
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    long n = 0;
    union sigval v = {0};
    while (n < atol(arg[0]) && !sigqueue(getpid(), SIGRTMIN, v))
        n++;
    printf("signals: %ld\n", n);
    return n < atol(arg[0]) ? refused("sigqueue") : worked("sigqueue");
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
// MILLISECONDS of wall time, spinning: tells how many percent of a processor it got.
static int u_cpu(char **arg)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    double wall = 0, want = atof(arg[0]) / 1000;
    while (wall < want) {
        clock_gettime(CLOCK_MONOTONIC, &b);
        wall = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    }
    printf("%d\n", (int)(100 * cpu_seconds() / wall));
    return 0;
}
static int u_output(char **arg)
{
    static char line[65536];
    memset(line, 'x', sizeof(line));
    for (long left = atol(arg[0]); left > 0;) {
        ssize_t n = write(1, line, left < (long)sizeof(line) ? (size_t)left : sizeof(line));
        if (n < 0)
            return 1;
        left -= n;
    }
    return 0;
}

// FILE: leave the session, lose the parent, ignore signals, and write to FILE again and again.
static int u_daemon(char **arg)
{
    for (int i = 0; i < 2; i++) {
        pid_t p = fork();
        if (p < 0)
            return refused("fork");
        if (p)
            return i ? (_exit(0), 0) : worked("daemon started");
        setsid();
    }
    for (int s = 1; s < 65; s++)
        signal(s, SIG_IGN);
    close(0), close(1), close(2);
    for (;;) {
        int fd = open(arg[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        (void)!write(fd, ".", 1);
        close(fd);
        nap(20);
    }
}
// Ignore what can be ignored and stay.
static int u_stubborn(char **arg)
{
    (void)arg;
    for (int s = 1; s < 65; s++)
        signal(s, SIG_IGN);
    printf("ignoring\n");
    for (;;)
        pause();
    return 0; // never
}
static int u_signal_self(char **arg)
{
    signal(atoi(arg[0]), SIG_DFL);
    raise(atoi(arg[0]));
    return 0;
}
// System V objects under a key that somebody outside made: another namespace has none.
static int u_find_ipc(char **arg)
{
    key_t key = (key_t)strtol(arg[0], NULL, 0);
    if (shmget(key, 0, 0) >= 0)
        return worked("found shared memory");
    return verdict(semget(key, 0, 0), "find a foreign IPC object");
}

static const struct probe_row rows[] = {
    {"forks", 1, true, u_forks, "N"},
    {"bomb", 1, true, u_bomb, "MILLISECONDS"},
    {"threads", 1, true, u_threads, "N"},
    {"memory", 1, true, u_memory, "MB"},
    {"memory-each", 2, true, u_memory_each, "MB N"},
    {"memfd", 1, true, u_memfd, "MB"},
    {"shm", 1, true, u_shm, "MB"},
    {"mlock", 1, true, u_lock_memory, "MB"},
    {"pipes", 1, true, u_pipes, "N"},
    {"sockets", 1, true, u_sockets, "N"},
    {"fds", 1, true, u_fds, "N"},
    {"file", 2, true, u_file, "PATH MB"},
    {"files", 2, true, u_files, "DIR N"},
    {"sparse", 2, true, u_sparse, "PATH MB"},
    {"watches", 1, true, u_watches, "N"},
    {"queues", 1, true, u_queues, "N"},
    {"signals", 1, true, u_signals, "N"},
    {"cpu", 1, true, u_cpu, "MILLISECONDS"},
    {"output", 1, true, u_output, "BYTES"},
    {"daemon", 1, true, u_daemon, "FILE"},
    {"stubborn", 0, true, u_stubborn, ""},
    {"signal-self", 1, true, u_signal_self, "SIGNAL"},
    {"find-ipc", 1, true, u_find_ipc, "KEY"},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
