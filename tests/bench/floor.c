// SPDX-License-Identifier: Apache-2.0
// The floor: only the kernel's work, in the shortest form we know, to measure pinfold against in
// the same run. Prints the median (and 90th percentile) in microseconds.
//
//   floor exec N      vfork, exec /bin/true with pipes on all three, wait
//   floor cold N      clone3 with the namespaces, a cgroup, an overlay, /proc, /dev, pivot_root, a
//                     seccomp program of the size of profile default's, exec, wait, remove
//   floor pipe BYTES  BYTES through a pipe from a child's write to our read; prints MiB/s
//   floor rate N C    exec from C processes at once; prints execs per second
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
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

static void bench_pipe(long long bytes)
{
    static char buf[65536];
    int p[2];
    if (pipe(p))
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        close(p[0]);
        for (long long left = bytes; left > 0; left -= (long long)sizeof(buf))
            if (write(p[1], buf, sizeof(buf)) < 0)
                _exit(1);
        _exit(0);
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
static char group[512];

// As many instructions as profile default has, as a tree would be walked: jumps to the end.
static struct sock_filter program[300];

static void make_program(void)
{
    unsigned n = sizeof(program) / sizeof(program[0]);
    program[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
    for (unsigned i = 1; i + 1 < n; i++) // a chain of 8 comparisons is what a tree's leaf costs
        program[i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 1000 + i, 0,
                                                  i % 8 ? 0 : (n - 2 - i > 255 ? 255 : n - 2 - i));
    program[n - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        die(path);
    close(fd);
}

static void child(int go)
{
    char c;
    struct sock_fprog prog = {sizeof(program) / sizeof(program[0]), program};
    if (read(go, &c, 1) != 1 || setresgid(0, 0, 0) || setresuid(0, 0, 0) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || chdir(work) ||
        mount("overlay", "r", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w,userxattr") ||
        mount("/usr", "r/usr", NULL, MS_BIND | MS_REC, NULL) ||
        mount("tmpfs", "r/dev", "tmpfs", 0, "size=64k") ||
        mount("proc", "r/proc", "proc", 0, NULL) || chdir("r") ||
        syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog))
        _exit(errno);
    execve(true_argv[0], true_argv, no_env);
    _exit(127);
}

static void one_cold(void)
{
    int p[2], status;
    char path[64];
    if (mkdir(group, 0755) || pipe(p))
        die(group);
    int cg = open(group, O_RDONLY | O_DIRECTORY);
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
    put(path, "0 1600000000 65536");
    snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
    put(path, "0 1600000000 65536");
    if (write(p[1], "x", 1) != 1 || waitpid(pid, &status, 0) != pid || status)
        fprintf(stderr, "floor: child ended with %x\n", status), exit(1);
    close(p[0]);
    close(p[1]);
    close(cg);
    if (rmdir(group))
        die(group);
}

static void v2_group(void)
{
    char line[512], point[256] = "";
    FILE *f = fopen("/proc/self/mounts", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strstr(line, " cgroup2 "))
            (void)sscanf(line, "%*s %255s", point);
    if (f)
        fclose(f);
    snprintf(group, sizeof(group), "%s/pinfold-floor-%d", point, getpid());
}

static void bench_cold(int n)
{
    static const char *const dirs[] = {"l", "u", "w", "r", "l/usr", "l/dev", "l/proc"};
    static const char *const links[][2] = {
        {"usr/bin", "l/bin"}, {"usr/lib", "l/lib"}, {"usr/lib64", "l/lib64"}};
    char path[128];
    v2_group();
    make_program();
    if (!mkdtemp(work) || chmod(work, 0755))
        die("mkdtemp");
    for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", work, dirs[i]);
        // the namespace's root must own what it writes to
        if (mkdir(path, 0755) || chown(path, 1600000000, 1600000000))
            die(path);
    }
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", work, links[i][1]);
        if (symlink(links[i][0], path))
            die(path);
    }
    for (int i = 0; i < n; i++) {
        double t = now_us();
        one_cold();
        times[i] = now_us() - t;
    }
    print_median(n);
    snprintf(path, sizeof(path), "rm -r %s", work);
    char *const rm[] = {(char[]){"rm"}, (char[]){"-r"}, work, NULL};
    pid_t pid = fork();
    if (pid == 0)
        execvp("rm", rm);
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    long long n = argc > 2 ? atoll(argv[2]) : 0;
    if (argc < 3 || n < 1)
        return fprintf(stderr, "usage: floor exec|cold|pipe|rate N [CLIENTS]\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(argv[1], "exec") && n <= RUNS_MAX)
        bench_exec((int)n);
    else if (!strcmp(argv[1], "cold") && n <= RUNS_MAX)
        bench_cold((int)n);
    else if (!strcmp(argv[1], "pipe"))
        bench_pipe(n);
    else if (!strcmp(argv[1], "rate") && argc > 3)
        bench_rate((int)n, atoi(argv[3]));
    else
        return 2;
    return 0;
}
