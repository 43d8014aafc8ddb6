// SPDX-License-Identifier: Apache-2.0
// The kernel's interfaces: any system call with harmless bad arguments, calls by the 32-bit and
// x32 entries, and the ones that deserve right arguments.
//
// With bad arguments EFAULT, EBADF or EINVAL mean that the call reached the kernel; EPERM and
// ENOSYS that it was stopped before (or that the kernel asks for a capability first).
#include "probe.h"
#include <linux/audit.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>

#define BAD (~0ul)

static const struct {
    const char *name;
    long nr;
} calls[] = {
    {"acct", SYS_acct},
    {"add_key", SYS_add_key},
    {"adjtimex", SYS_adjtimex},
    {"bpf", SYS_bpf},
    {"chroot", SYS_chroot},
    {"clock_adjtime", SYS_clock_adjtime},
    {"clock_settime", SYS_clock_settime},
    {"clone3", SYS_clone3},
    {"delete_module", SYS_delete_module},
    {"fanotify_init", SYS_fanotify_init},
    {"fanotify_mark", SYS_fanotify_mark},
    {"finit_module", SYS_finit_module},
    {"fsconfig", SYS_fsconfig},
    {"fsmount", SYS_fsmount},
    {"fsopen", SYS_fsopen},
    {"fspick", SYS_fspick},
    {"get_mempolicy", SYS_get_mempolicy},
    {"init_module", SYS_init_module},
    {"io_uring_enter", SYS_io_uring_enter},
    {"io_uring_register", SYS_io_uring_register},
    {"io_uring_setup", SYS_io_uring_setup},
    {"ioperm", SYS_ioperm},
    {"iopl", SYS_iopl},
    {"kcmp", SYS_kcmp},
    {"kexec_file_load", SYS_kexec_file_load},
    {"kexec_load", SYS_kexec_load},
    {"keyctl", SYS_keyctl},
    {"lookup_dcookie", SYS_lookup_dcookie},
    {"mbind", SYS_mbind},
    {"migrate_pages", SYS_migrate_pages},
    {"modify_ldt", SYS_modify_ldt},
    {"mount", SYS_mount},
    {"mount_setattr", SYS_mount_setattr},
    {"move_mount", SYS_move_mount},
    {"move_pages", SYS_move_pages},
    {"open_by_handle_at", SYS_open_by_handle_at},
    {"open_tree", SYS_open_tree},
    {"perf_event_open", SYS_perf_event_open},
    {"pidfd_getfd", SYS_pidfd_getfd},
    {"pivot_root", SYS_pivot_root},
    {"process_madvise", SYS_process_madvise},
    {"process_vm_readv", SYS_process_vm_readv},
    {"process_vm_writev", SYS_process_vm_writev},
    {"ptrace", SYS_ptrace},
    {"quotactl", SYS_quotactl},
    {"reboot", SYS_reboot},
    {"request_key", SYS_request_key},
    {"set_mempolicy", SYS_set_mempolicy},
    {"setdomainname", SYS_setdomainname},
    {"sethostname", SYS_sethostname},
    {"setns", SYS_setns},
    {"settimeofday", SYS_settimeofday},
    {"swapoff", SYS_swapoff},
    {"swapon", SYS_swapon},
    {"sysfs", SYS_sysfs},
    {"syslog", SYS_syslog},
    {"umount2", SYS_umount2},
    {"unshare", SYS_unshare},
    {"uselib", SYS_uselib},
    {"userfaultfd", SYS_userfaultfd},
    {"ustat", SYS_ustat},
    {"vhangup", SYS_vhangup},
    {"vmsplice", SYS_vmsplice},
    {"_sysctl", SYS__sysctl},
    // Newer than the C library's table, by number.
    {"cachestat", 451},
    {"fchmodat2", 452},
    {"statmount", 457},
    {"listmount", 458},
    {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},
    {"open_tree_attr", 467},
    {"file_setattr", 469},
};

// NAME...: one line each, "NAME ERRNO" or "NAME worked".
static int k_call(char **arg)
{
    int any = 0;
    for (; *arg; arg++) {
        long nr = -1;
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
            if (!strcmp(calls[i].name, *arg))
                nr = calls[i].nr;
        if (nr < 0) {
            printf("%s unknown\n", *arg);
            continue;
        }
        errno = 0;
        // reboot and the like look at their magic numbers first; -1 is none of them.
        long r = syscall(nr, BAD, BAD, BAD, BAD, BAD, BAD);
        any |= r >= 0;
        printf("%s %s\n", *arg, r >= 0 ? "worked" : strerrorname_np(errno));
    }
    return any ? 0 : 1;
}
static int k_list(char **arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        puts(calls[i].name);
    return 0;
}
static int k_number(char **arg)
{
    long nr = strtol(arg[0], NULL, 0);
    return verdict(syscall(nr, BAD, BAD, BAD, BAD, BAD, BAD), arg[0]);
}

// By the i386 entry, as a 32-bit program would: numbers there mean other calls.
static long int80(long nr, long a, long b, long c)
{
    long r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
    return r;
}
static int k_int80(char **arg)
{
    long nr = strtol(arg[0], NULL, 0);
    pid_t child = fork();
    if (!child) {
        long r = int80(nr, 0, 0, 0);
        _exit(r < 0 ? (int)-r : 0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        printf("refused: int80: %s\n", sigabbrev_np(WTERMSIG(status)));
        return 1;
    }
    errno = WEXITSTATUS(status);
    return verdict(errno ? -1 : 0, "int80");
}
// x32: the native entry with bit 30 set. CVE-2014-0038 and many filters missed it.
static int k_x32(char **arg)
{
    return verdict(syscall(0x40000000l | strtol(arg[0], NULL, 0), BAD, BAD, BAD, BAD, BAD, BAD),
                   "x32 call");
}
// Bits above the 32nd, which the kernel ignores in a call's number: a filter must as well.
static int k_high_bits(char **arg)
{
    long nr = strtol(arg[0], NULL, 0);
    return verdict(syscall((long)((unsigned long)nr | 1ul << 32), BAD, BAD, BAD, BAD, BAD, BAD),
                   "call with high bits");
}

static int k_keyring(char **arg)
{
    (void)arg;
    long id = syscall(SYS_add_key, "user", "pinfold-probe", "x", 1ul, KEY_SPEC_USER_KEYRING);
    return verdict(id, "add a key to the user's keyring");
}
static int k_read_keys(char **arg)
{
    (void)arg;
    return verdict(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1),
                   "find the session keyring");
}
static int k_io_uring(char **arg)
{
    (void)arg;
    struct io_uring_params p = {0};
    return verdict(syscall(SYS_io_uring_setup, 4, &p), "io_uring_setup");
}
static int k_bpf(char **arg)
{
    (void)arg;
    struct {
        uint32_t map_type, key_size, value_size, max_entries, flags;
    } a = {2 /* array */, 4, 8, 1, 0};
    return verdict(syscall(SYS_bpf, 0, &a, sizeof(a)), "make a bpf map");
}
static int k_perf(char **arg)
{
    (void)arg;
    struct perf_event_attr a = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(a), .config = PERF_COUNT_SW_TASK_CLOCK};
    a.exclude_kernel = 1;
    return verdict(syscall(SYS_perf_event_open, &a, 0, -1, -1, 0), "perf_event_open");
}
static int k_userfault(char **arg)
{
    (void)arg;
    return verdict(syscall(SYS_userfaultfd, 1 /* USER_MODE_ONLY */), "userfaultfd");
}
static int k_memfd_secret(char **arg)
{
    (void)arg;
    return verdict(syscall(447, 0), "memfd_secret");
}

static int k_personality(char **arg)
{
    return verdict(personality(strtoul(arg[0], NULL, 0)), "personality");
}
static int k_time(char **arg)
{
    (void)arg;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); // the same time again: harmless even where it works
    return verdict(syscall(SYS_clock_settime, CLOCK_REALTIME, &now), "set the clock");
}
static int k_hostname(char **arg)
{
    return verdict(sethostname(arg[0], strlen(arg[0])), "set the host name");
}
static int k_dmesg(char **arg)
{
    (void)arg;
    char text[64];
    return verdict(syscall(SYS_syslog, 3, text, sizeof(text)), "read the kernel's log");
}
static int k_null_page(char **arg)
{
    (void)arg;
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return verdict(p == MAP_FAILED ? -1 : 0, "map the zero page");
}

// Take the filter off again, or make it log only: none of these may change anything.
static int k_unfilter(char **arg)
{
    (void)arg;
    if (!prctl(PR_SET_SECCOMP, 0, 0, 0, 0))
        return worked("seccomp mode 0");
    if (!prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0))
        return worked("no_new_privs off");
    int r = prctl(PR_GET_SECCOMP);
    if (r != 2)
        return worked("seccomp mode is %d", r);
    return refused("take the filter off");
}
static int k_securebits(char **arg)
{
    (void)arg;
    return verdict(prctl(PR_SET_SECUREBITS, 0), "clear the securebits");
}
static int k_ambient(char **arg)
{
    return verdict(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, atoi(arg[0]), 0, 0),
                   "raise an ambient capability");
}
static int k_capset(char **arg)
{
    (void)arg;
    uint32_t head[2] = {0x20080522, 0};
    uint32_t data[6] = {BAD & 0xffffffff, BAD & 0xffffffff, 0, 0xff, 0xff, 0};
    return verdict(syscall(SYS_capset, head, data), "take all capabilities");
}

static const struct probe_row rows[] = {
    {"call", 1, true, k_call, "NAME..."},
    {"list", 0, false, k_list, "names that call knows"},
    {"number", 1, true, k_number, "NUMBER"},
    {"int80", 1, true, k_int80, "NUMBER"},
    {"x32", 1, true, k_x32, "NUMBER"},
    {"high-bits", 1, true, k_high_bits, "NUMBER"},
    {"add-key", 0, true, k_keyring, ""},
    {"read-keys", 0, true, k_read_keys, ""},
    {"io-uring", 0, true, k_io_uring, ""},
    {"bpf", 0, true, k_bpf, ""},
    {"perf", 0, true, k_perf, ""},
    {"userfault", 0, true, k_userfault, ""},
    {"memfd-secret", 0, true, k_memfd_secret, ""},
    {"personality", 1, true, k_personality, "VALUE"},
    {"settime", 0, true, k_time, ""},
    {"hostname", 1, true, k_hostname, "NAME"},
    {"dmesg", 0, true, k_dmesg, ""},
    {"null-page", 0, true, k_null_page, ""},
    {"unfilter", 0, true, k_unfilter, ""},
    {"securebits", 0, true, k_securebits, ""},
    {"ambient", 1, true, k_ambient, "CAPABILITY"},
    {"capset", 0, true, k_capset, ""},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
