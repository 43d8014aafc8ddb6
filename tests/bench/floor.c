// SPDX-License-Identifier: Apache-2.0
// The floor: only the kernel's work, in the shortest form we know, to measure pinfold against in
// the same run. Prints the median (and 90th percentile) in microseconds.
//
//   floor exec N        vfork, exec /bin/true with pipes on all three, wait
//   floor cold N INSNS  groups with limits, clone3 into all namespaces, id maps, an overlay with its
//                       upper layer in memory, /proc, /dev, pivot_root, a seccomp program of INSNS
//                       instructions, exec, wait, remove
//   floor pipe BYTES    BYTES through a pipe from a child's write to our read; prints MiB/s
//   floor write BYTES   the same writes to standard output, as the command of a stream
//   floor rate N C      exec from C processes at once; prints execs per second
//   floor spawn N CMD.. vfork, exec CMD with /dev/null, wait; a % in an argument is the run's number
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 100000

static char *const true_argv[] = {(char[]){"/bin/true"}, NULL};
static char *const no_env[] = {NULL};
static double times[RUNS_MAX];

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_median(int n)
{
    qsort(times, (size_t)n, sizeof(times[0]), by_value);
    printf("%.1f %.1f\n", times[n / 2], times[n * 9 / 10]);
}

// --- exec ----------------------------------------------------------------------------------------

static void one_exec(void)
{
    int p[3][2];
    for (int i = 0; i < 3; i++)
        if (pipe2(p[i], O_CLOEXEC))
            die("pipe");
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(p[0][0], 0);
        dup2(p[1][1], 1);
        dup2(p[2][1], 2);
        execve(true_argv[0], true_argv, no_env);
        _exit(127);
    }
    close(p[0][0]);
    close(p[0][1]);
    close(p[1][1]);
    close(p[2][1]);
    char c;
    while (read(p[1][0], &c, 1) > 0 || read(p[2][0], &c, 1) > 0)
        ;
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        die("wait");
    close(p[1][0]);
    close(p[2][0]);
}

static void bench_exec(int n)
{
    for (int i = 0; i < n; i++) {
        double t = now_us();
        one_exec();
        times[i] = now_us() - t;
    }
    print_median(n);
}

static void bench_rate(int n, int clients)
{
    double t = now_us();
    for (int c = 0; c < clients; c++)
        if (fork() == 0) {
            for (int i = 0; i < n / clients; i++)
                one_exec();
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    printf("%.1f\n", n / ((now_us() - t) / 1e6));
}

// --- pipe ----------------------------------------------------------------------------------------

static int write_out(int fd, long long bytes)
{
    static char buf[65536];
    memset(buf, '.', sizeof(buf));
    for (ssize_t n; bytes > 0; bytes -= n)
        if ((n = write(fd, buf, sizeof(buf))) < 0)
            return 1;
    return 0;
}

static void bench_pipe(long long bytes)
{
    static char buf[262144];
    int p[2];
    if (pipe(p))
        die("pipe");
    fcntl(p[1], F_SETPIPE_SZ, 1 << 20); // as the server does; the default is slower
    pid_t pid = fork();
    if (pid == 0) {
        close(p[0]);
        _exit(write_out(p[1], bytes));
    }
    close(p[1]);
    double t = now_us();
    while (read(p[0], buf, sizeof(buf)) > 0)
        ;
    printf("%.1f\n", (double)bytes / 1048576 / ((now_us() - t) / 1e6));
    waitpid(pid, NULL, 0);
}

// --- cold ----------------------------------------------------------------------------------------

static char work[] = "/tmp/pinfold-floor-XXXXXX";
#define UID_BASE "1600000000"

// A binary tree over the numbers of calls, as long as the real one: what loading costs is walking
// it once for every number.
#define INSNS_MAX 4000
#define NUMBERS 470
static struct sock_filter program[INSNS_MAX + 8];
static unsigned n_program;

static void emit(uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
    program[n_program++] = (struct sock_filter){code, jt, jf, k};
}

static void emit_tree(unsigned from, unsigned to, unsigned leaves)
{
    if (leaves < 2 || to - from < 2) {
        emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
        return;
    }
    unsigned mid = (from + to) / 2;
    emit(BPF_JMP | BPF_JGE | BPF_K, mid, 0, 1);
    unsigned jump = n_program;
    emit(BPF_JMP | BPF_JA, 0, 0, 0);
    emit_tree(from, mid, leaves / 2);
    program[jump].k = n_program - jump - 1;
    emit_tree(mid, to, leaves - leaves / 2);
}

static void make_program(unsigned insns)
{
    emit(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0);
    emit_tree(0, NUMBERS, insns / 3); // a leaf and its share of the branches are three
    while (n_program < insns)         // the rest is there to be checked and translated
        emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static int put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? -1 : 0;
}

// Our groups: one in the unified hierarchy to clone into, and on hybrid hosts one in each of the
// old ones, as pinfold's are. Limits go where their controller is.
static struct group {
    const char *controller, *v1_file, *v2_file, *value;
    char parent[512], path[600];
} groups[] = {
    {.controller = ""},
    {.controller = "memory",
     .v1_file = "memory.limit_in_bytes",
     .v2_file = "memory.max",
     .value = "2147483648"},
    {.controller = "pids", .v1_file = "pids.max", .v2_file = "pids.max", .value = "512"},
    {.controller = "cpu", .v1_file = "cpu.cfs_quota_us", .value = "200000"},
};
#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n]))
            return true;
    return false;
}

static void find_groups(void)
{
    char line[1024], point[256], type[32], options[512];
    FILE *f = fopen("/proc/self/mounts", "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%*s %255s %31s %511s", point, type, options) != 3)
            continue;
        for (unsigned i = 0; i < N_GROUPS; i++)
            if (i ? !strcmp(type, "cgroup") && has_word(options, groups[i].controller)
                  : !strcmp(type, "cgroup2"))
                snprintf(groups[i].parent, sizeof(groups[i].parent), "%s", point);
    }
    if (f)
        fclose(f);
    if (!groups[0].parent[0]) // not mounted here: a mount of our own shows it
        snprintf(groups[0].parent, sizeof(groups[0].parent), "%s/c", work);
}

static void make_groups(void)
{
    for (unsigned i = 0; i < N_GROUPS; i++) {
        struct group *g = &groups[i];
        char file[700];
        if (!g->parent[0])
            continue;
        snprintf(g->path, sizeof(g->path), "%s/pinfold-floor-%d", g->parent, getpid());
        if (mkdir(g->path, 0755))
            die(g->path);
        snprintf(file, sizeof(file), "%s/%s", g->path, g->v1_file ? g->v1_file : "");
        if (i && put(file, g->value))
            die(file);
    }
    for (unsigned i = 1; i < N_GROUPS; i++) {
        char file[700];
        snprintf(file, sizeof(file), "%s/%s", groups[0].path,
                 groups[i].v2_file ? groups[i].v2_file : "cpu.max");
        if (!groups[i].parent[0] && put(file, groups[i].value) && errno != ENOENT)
            die(file);
    }
}

static void join_groups(pid_t pid)
{
    char file[700], text[24];
    snprintf(text, sizeof(text), "%d", pid);
    for (unsigned i = 1; i < N_GROUPS; i++) {
        snprintf(file, sizeof(file), "%s/cgroup.procs", groups[i].path);
        if (groups[i].parent[0] && put(file, text))
            die(file);
    }
}

static void remove_groups(void)
{
    for (unsigned i = 0; i < N_GROUPS; i++)
        if (groups[i].parent[0] && rmdir(groups[i].path))
            die(groups[i].path);
}

static void child(int go)
{
    char c;
    struct sock_fprog prog = {(unsigned short)n_program, program};
    if (read(go, &c, 1) != 1 || setresgid(0, 0, 0) || setresuid(0, 0, 0) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || chdir(work) ||
        mount("tmpfs", "t", "tmpfs", 0, "size=64m") || mkdir("t/u", 0755) || mkdir("t/w", 0755) ||
        mount("overlay", "r", "overlay", 0, "lowerdir=l,upperdir=t/u,workdir=t/w,userxattr") ||
        mount("/usr", "r/usr", NULL, MS_BIND | MS_REC, NULL) ||
        mount("tmpfs", "r/dev", "tmpfs", 0, "size=64k") ||
        mount("proc", "r/proc", "proc", 0, NULL) || chdir("r") ||
        syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
        _exit(errno);
    execve(true_argv[0], true_argv, no_env);
    _exit(127);
}

static void one_cold(void)
{
    int p[2], status;
    char path[64];
    make_groups();
    int cg = open(groups[0].path, O_RDONLY | O_DIRECTORY);
    if (cg < 0 || pipe2(p, O_CLOEXEC))
        die(groups[0].path);
    struct clone_args a = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)cg,
    };
    pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
    if (pid == 0)
        child(p[0]);
    if (pid < 0)
        die("clone3");
    snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
    if (put(path, "0 " UID_BASE " 65536"))
        die(path);
    snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
    if (put(path, "0 " UID_BASE " 65536"))
        die(path);
    join_groups(pid);
    if (write(p[1], "x", 1) != 1 || waitpid(pid, &status, 0) != pid || status) {
        fprintf(stderr, "floor: child ended with %x\n", (unsigned)status);
        exit(1);
    }
    close(p[0]);
    close(p[1]);
    close(cg);
    remove_groups();
}

static void make_root(void)
{
    static const char *const dirs[] = {"l", "r", "t", "l/usr", "l/dev", "l/proc"};
    static const char *const links[][2] = {
        {"usr/bin", "l/bin"}, {"usr/lib", "l/lib"}, {"usr/lib64", "l/lib64"}};
    char path[128];
    // in a mount namespace of our own, so that nothing is left whatever happens
    if (!mkdtemp(work) || unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", work, "tmpfs", 0, "mode=0755"))
        die(work);
    for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", work, dirs[i]);
        if (mkdir(path, 0755))
            die(path);
    }
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", work, links[i][1]);
        if (symlink(links[i][0], path))
            die(path);
    }
    find_groups();
    snprintf(path, sizeof(path), "%s/c", work);
    if (!strcmp(groups[0].parent, path) &&
        (mkdir(path, 0755) || mount("cgroup2", path, "cgroup2", 0, NULL)))
        die(path);
}

static void bench_cold(int n, int insns)
{
    make_program(insns < INSNS_MAX ? (unsigned)insns : INSNS_MAX);
    make_root();
    for (int i = 0; i < n; i++) {
        double t = now_us();
        one_cold();
        times[i] = now_us() - t;
    }
    print_median(n);
    if (umount2(work, MNT_DETACH) || rmdir(work))
        die(work);
}

// --- spawn ---------------------------------------------------------------------------------------

#define ARGS_MAX 64

static void bench_spawn(int n, char **argv)
{
    static char room[ARGS_MAX][256];
    char *args[ARGS_MAX + 1] = {NULL};
    int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < ARGS_MAX && argv[k]; k++) {
            char *mark = strchr(argv[k], '%');
            args[k] = argv[k];
            if (mark) {
                snprintf(room[k], sizeof(room[k]), "%.*s%d%s", (int)(mark - argv[k]), argv[k], i,
                         mark + 1);
                args[k] = room[k];
            }
        }
        double t = now_us();
        pid_t pid = vfork();
        if (pid == 0) {
            dup2(null, 0);
            dup2(null, 1);
            execvp(args[0], args);
            _exit(127);
        }
        if (waitpid(pid, &status, 0) != pid || status) {
            fprintf(stderr, "%s ended with %x\n", args[0], (unsigned)status);
            exit(1);
        }
        times[i] = now_us() - t;
    }
    print_median(n);
}

int main(int argc, char **argv)
{
    long long n = argc > 2 ? atoll(argv[2]) : 0;
    int more = argc > 3 ? atoi(argv[3]) : 0;
    const char *what = argc > 2 ? argv[1] : "";
    bool bytes = !strcmp(what, "pipe") || !strcmp(what, "write");
    if (n < 1 || (n > RUNS_MAX && !bytes))
        what = "";
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(what, "exec"))
        bench_exec((int)n);
    else if (!strcmp(what, "cold") && more > 0)
        bench_cold((int)n, more);
    else if (!strcmp(what, "pipe"))
        bench_pipe(n);
    else if (!strcmp(what, "write"))
        return write_out(1, n);
    else if (!strcmp(what, "rate") && more > 0)
        bench_rate((int)n, more);
    else if (!strcmp(what, "spawn") && argc > 3)
        bench_spawn((int)n, argv + 3);
    else
        return fprintf(stderr, "usage: floor exec|cold|pipe|write|rate|spawn N ...\n"), 2;
    return 0;
}
