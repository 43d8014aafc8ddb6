// SPDX-License-Identifier: Apache-2.0
// A command from its birth to its program, beside a parent that goes on: several at once, and those
// that fail. Who may not change groups sees each of them fail at that step.
#include <pinfold/birth.h>
#include <pinfold/clone_apart.h>
#include <pinfold/own.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <tap.h>

#define N 4

static struct one {
    struct birth birth;
    struct birth_failure failure;
    int out[2];
    pid_t pid;
    char stack[64u << 10] __attribute__((aligned(16)));
} all[N];
static char *env[] = {(char[]){"PATH=/nowhere:/usr/bin:/bin"}, (char[]){"HOME=/tmp"}, NULL};

static void begin(struct one *o, char **argv, const char *cwd)
{
    ok(!pipe2(o->out, O_CLOEXEC), "a pipe for what it prints");
    o->failure = (struct birth_failure){NULL, 0};
    o->birth = (struct birth){.argv = argv,
                              .envp = env,
                              .cwd = cwd,
                              .who = {.uid = getuid(), .gid = getgid()},
                              .program_fd = -1,
                              .in = STDIN_FILENO,
                              .out = o->out[1],
                              .err = STDERR_FILENO,
                              .v1_memory = -1,
                              .v1_pids = -1,
                              .failure = &o->failure};
    struct clone_args args = {.flags = CLONE_VM,
                              .exit_signal = SIGCHLD,
                              .stack = (uint64_t)(uintptr_t)o->stack,
                              .stack_size = sizeof(o->stack)};
    errno = ERANGE;
    o->pid = (pid_t)clone_apart(&args, (const uint64_t[]){0, 0}, birth, &o->birth);
    ok(o->pid > 0, "it is born");
}

static int end(struct one *o, char ret[64])
{
    int status = 0;
    fd_close(&o->out[1]);
    (void)waitpid(o->pid, &status, 0);
    ssize_t n = read(o->out[0], ret, 63);
    ret[n > 0 ? n : 0] = '\0';
    fd_close(&o->out[0]);
    is_int(errno, ERANGE, "its parent's errno is untouched");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void runs(void)
{
    static char echo[] = "echo", texts[N][2] = {"0", "1", "2", "3"};
    static char *argv[N][3];
    char got[64];
    for (unsigned i = 0; i < N; i++) {
        argv[i][0] = echo;
        argv[i][1] = texts[i];
        begin(&all[i], argv[i], "/");
    }
    for (unsigned i = 0; i < N; i++) {
        is_int(end(&all[i], got), 0, "each of several runs");
        ok(got[0] == texts[i][0] && got[1] == '\n', "and prints its own");
        ok(!all[i].failure.step, "nothing failed");
    }
}

static void fails(const char *program, const char *cwd, const char *step, int sys)
{
    char name[64], got[64];
    char *argv[] = {name, NULL};
    (void)snprintf(name, sizeof(name), "%s", program);
    begin(&all[0], argv, cwd);
    is_int(end(&all[0], got), 127, "%s in %s does not begin", program, cwd);
    is_str(all[0].failure.step ? all[0].failure.step : "none", step, "it says where");
    is_int(all[0].failure.sys, sys, "and why");
}

int main(void)
{
    bool may = !geteuid();
    if (may)
        runs();
    fails("no-such-program", "/", may ? "exec" : "user", may ? ENOENT : EPERM);
    fails("/no/such/program", "/", may ? "exec" : "user", may ? ENOENT : EPERM);
    fails("/etc/passwd", "/", may ? "exec" : "user", may ? EACCES : EPERM);
    fails("echo", "/no/such/place", may ? "cwd" : "user", may ? ENOENT : EPERM);
    const struct birth b = {.envp = env};
    is_str(birth_env(&b, "HOME"), "/tmp", "a variable of its environment");
    ok(!birth_env(&b, "HOM") && !birth_env(&b, "USER"), "another is not there");
    return done_testing();
}
