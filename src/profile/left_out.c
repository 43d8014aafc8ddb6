// SPDX-License-Identifier: Apache-2.0
// What is left out of the groups on purpose, and why: data, so that `pinfold profile show` and the
// debug page can say why a call was refused.
#include "profile_int.h"

#include <pinfold/own.h>
#include <string.h>

struct left_out_row {
    enum profile_call_kind kind;
    const char *calls; // names, a space between
    const char *why;
};

static const struct left_out_row rows[] = {
    // Not namespaced, of the whole machine, or too large an attack surface for any sandbox.
    {CALL_NEVER, "add_key keyctl request_key", "keyrings are not namespaced"},
    {CALL_NEVER, "io_uring_enter io_uring_register io_uring_setup",
     "a way round every filter on sockets and files, and a long record of kernel holes"},
    {CALL_NEVER, "bpf", "loads code into the kernel"},
    {CALL_NEVER, "perf_event_open", "large attack surface; shows what other sandboxes do"},
    {CALL_NEVER, "userfaultfd", "makes races in the kernel winnable; no development tool needs it"},
    {CALL_NEVER, "open_by_handle_at", "opens files past every mount and name"},
    {CALL_NEVER, "pidfd_getfd", "takes descriptors out of other processes, of init too"},
    {CALL_NEVER, "delete_module finit_module init_module", "kernel modules"},
    {CALL_NEVER, "kexec_file_load kexec_load reboot", "replaces or stops the machine's kernel"},
    {CALL_NEVER, "acct quotactl quotactl_fd swapoff swapon", "settings of the whole machine"},
    {CALL_NEVER, "adjtimex clock_adjtime clock_settime settimeofday", "the clock is the machine's"},
    {CALL_NEVER, "syslog", "the kernel's log is the machine's"},
    {CALL_NEVER, "ioperm iopl", "direct access to hardware"},
    {CALL_NEVER, "modify_ldt", "16-bit segments: kernel holes before, and only Wine uses them"},
    {CALL_NEVER, "fanotify_init fanotify_mark", "watches whole file systems, others' mounts too"},
    {CALL_NEVER, "migrate_pages move_pages", "moves memory of other processes"},
    {CALL_NEVER, "vhangup", "cuts the terminal of others"},
    {CALL_NEVER, "lsm_set_self_attr", "settings of the host's security modules"},

    // Only with conditions on the arguments.
    {CALL_NAMED, "clone", "flags can make namespaces; profiles allow it without those"},
    {CALL_NAMED, "ioctl", "some push input into terminals; profiles allow all but those"},
    {CALL_NAMED, "personality", "profiles allow the values that are safe"},
    {CALL_NAMED, "socket", "profiles allow the usual families and protocols"},
    {CALL_NAMED, "socketpair", "profiles allow AF_UNIX"},

    // For profiles that say why.
    {CALL_NAMED,
     "fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr "
     "pivot_root umount2",
     "mounting is the sandbox's maker's to do"},
    {CALL_NAMED, "kcmp process_vm_readv process_vm_writev ptrace",
     "looks into other processes; the debug profile has it"},
    {CALL_NAMED, "setns unshare", "namespaces multiply what of the kernel can be reached"},
    {CALL_NAMED, "chroot", "needs CAP_SYS_CHROOT; package managers"},
    {CALL_NAMED, "setdomainname sethostname", "the name is the sandbox's maker's to set"},
    {CALL_NAMED, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
     "memory placement: kernel holes before; programs go on without"},
    {CALL_NAMED, "memfd_secret", "memory that cannot be reclaimed"},
    {CALL_NAMED, "process_madvise process_mrelease", "touches memory of other processes"},
    {CALL_NAMED, "vmsplice", "gives pages to a pipe: part of page cache exploits; rarely used"},
    {CALL_NAMED, "remap_file_pages", "replaced in 2014, emulated since; large and little tested"},

    // New or gone: programs that try them expect kernels that have none of them, and fall back on
    // ENOSYS alone.
    {CALL_ABSENT, "cachestat", "shows what other sandboxes read from shared layers"},
    {CALL_ABSENT, "listmount statmount", "new ways to see mounts; /proc/self/mountinfo is there"},
    {CALL_ABSENT, "lsm_get_self_attr lsm_list_modules", "the host's security modules"},
    {CALL_ABSENT, "file_setattr", "inode flags and project ids; ioctl does the harmless part"},
    {CALL_ABSENT, "_sysctl sysfs uselib ustat", "removed or replaced long ago"},
    {CALL_ABSENT, "lookup_dcookie nfsservctl", "removed from the kernel"},
    {CALL_ABSENT, "create_module get_kernel_syms query_module", "removed from the kernel"},
    {CALL_ABSENT, "epoll_ctl_old epoll_wait_old get_thread_area set_thread_area",
     "never worked on this processor"},
    {CALL_ABSENT, "afs_syscall getpmsg putpmsg security tuxcall vserver", "never existed in Linux"},
};

// Is the name one of the words? In place, since this runs for each call of each profile.
static bool has_word(const char *words, const char *name, size_t name_len)
{
    for (const char *at = words; (at = strstr(at, name)); at += name_len)
        if ((at == words || at[-1] == ' ') && (at[name_len] == ' ' || !at[name_len]))
            return true;
    return false;
}

enum profile_call_kind profile_call_kind(int nr, const char **ret_why)
{
    const char *name = profile_call_name(nr), *why = "";
    enum profile_call_kind kind = CALL_USUAL;
    size_t len = name ? strlen(name) : 0;
    if (!name) {
        kind = CALL_UNKNOWN;
        why = "newer than pinfold, or no system call at all";
    }
    for (size_t i = 0; name && i < N_ELEMS(rows); i++)
        if (has_word(rows[i].calls, name, len)) {
            kind = rows[i].kind;
            why = rows[i].why;
        }
    if (ret_why)
        *ret_why = why;
    return kind;
}
