// SPDX-License-Identifier: Apache-2.0
// pinfold doctor: every feature, limit and program that pinfold stands on, what its lack costs and
// how it is cured.
#include "commands_int.h"
#include "doctor_int.h"

#include <pinfold/json_out.h>
#include <pinfold/own.h>
#include <string.h>

enum level { REQUIRED, WANTED, ADVICE };
static const char *const level_names[] = {"required", "wanted", "advice"};

static const struct check {
    const char *name;
    int (*probe)(struct doctor *d);
    enum level level;
    const char *costs; // what its lack means
    const char *cure;
} checks[] = {
    {"root", probe_root, REQUIRED,
     "namespaces with ids of their own, mounts and cgroups cannot be made",
     "start pinfold as root; in a container give it CAP_SYS_ADMIN and the other named "
     "capabilities"},
    {"kernel", probe_kernel, REQUIRED, "image layers cannot be shown with a sandbox's own ids",
     "boot Linux 5.19 or newer"},
    {"user-namespaces", probe_userns, REQUIRED, "no sandbox can be made",
     "sysctl user.max_user_namespaces=16384; in a container allow unshare and clone"},
    {"namespaces", probe_namespaces, REQUIRED, "no sandbox can be made",
     "a kernel with CONFIG_NAMESPACES and all of UTS, IPC, PID, NET and CGROUP namespaces"},
    {"time-namespace", probe_time_namespace, ADVICE, "profiles cannot give a clock of their own",
     "a kernel with CONFIG_TIME_NS"},
    {"overlayfs", probe_overlay, REQUIRED, "no image can be used",
     "modprobe overlay; a kernel with CONFIG_OVERLAY_FS"},
    {"idmapped-mounts", probe_idmap, REQUIRED, "image layers cannot be shared between sandboxes",
     "put the state directory on ext4, xfs, btrfs or tmpfs"},
    {"seccomp", probe_seccomp, REQUIRED, "system calls cannot be filtered",
     "a kernel with CONFIG_SECCOMP_FILTER and user notification"},
    {"landlock", probe_landlock, WANTED,
     "the server is confined by its user and filter alone, and Landlock= of a profile does nothing",
     "a kernel with CONFIG_SECURITY_LANDLOCK, and landlock in lsm= on its command line"},
    {"cgroup-v2", probe_cgroup_v2, REQUIRED, "what a command started cannot be ended as a whole",
     "a kernel with CONFIG_CGROUPS; mount -t cgroup2 none /sys/fs/cgroup"},
    {"cgroup-controllers", probe_cgroup_controllers, REQUIRED,
     "memory, processes or processor time of a sandbox cannot be limited",
     "boot with cgroup_enable=memory; in a service file set Delegate=yes"},
    {"cgroup-kill", probe_cgroup_kill, WANTED,
     "ending a command freezes its group first, which is slower", "boot Linux 5.14 or newer"},
    {"netfilter", probe_netfilter, WANTED, "network mode full does not work",
     "modprobe nf_tables; a kernel with CONFIG_NF_TABLES and CONFIG_VETH"},
    {"loop-devices", probe_loop, WANTED, "disk_bytes of a workspace cannot be enforced",
     "modprobe loop; in a container pass /dev/loop-control and block devices of major 7"},
    {"core-scheduling", probe_core_sched, ADVICE,
     "CoreScheduling= of a profile does nothing: sandboxes share the threads of a core",
     "a kernel with CONFIG_SCHED_CORE, or switch sibling threads off: nosmt"},
    {"cpu-bugs", probe_cpu_bugs, ADVICE,
     "one sandbox may read another's memory through the processor",
     "boot without mitigations=off; update the microcode"},

    {"id-ranges", probe_ids, REQUIRED, "a user of this host would own files of a sandbox",
     "set IdBase= and IdRanges= to ids that nobody has; see /etc/subuid and /etc/passwd"},
    {"server-user", probe_server_user, WANTED, "the server runs as a bare number",
     "useradd --system --no-create-home --shell /usr/sbin/nologin pinfold"},
    {"egress-user", probe_egress_user, WANTED, "the egress process runs as a bare number",
     "useradd --system --no-create-home --shell /usr/sbin/nologin pinfold-egress"},
    {"state-directory", probe_state_dir, REQUIRED, "nothing can be kept",
     "chown root and chmod 0700 it, or name another by StateDir="},
    {"state-space", probe_state_space, WANTED, "new work is refused when the disk fills up",
     "make room, or put StateDir= on a larger disk"},
    {"open-files", probe_open_files, WANTED, "fewer connections and commands at one time",
     "ulimit -n 65536; in a service file LimitNOFILE=65536"},
    {"processes", probe_pids, WANTED, "few sandboxes fill the host's table of processes",
     "sysctl kernel.pid_max=4194304 kernel.threads-max=200000"},
    {"namespace-limits", probe_namespace_limits, WANTED, "fewer sandboxes at one time",
     "sysctl user.max_mnt_namespaces=16384, and the same for net, pid, ipc, uts and cgroup"},
    {"keys", probe_keys, ADVICE, "many sandboxes run out of keyrings",
     "sysctl kernel.keys.root_maxkeys=1000000"},
    {"memory", probe_memory, WANTED, "image builds and compilers run out of memory",
     "a machine with 2 GiB or more"},

    {"helpers", probe_helpers, REQUIRED, "no sandbox can be started",
     "build or install pinfold anew: make all, make install"},
    {"profiles", probe_profiles, REQUIRED, "the launcher does not start",
     "pinfold profile check says what is wrong with which file"},
    {"mmdebstrap", probe_mmdebstrap, WANTED, "images of Debian and Ubuntu cannot be built",
     "apt-get install mmdebstrap"},
    {"apt-sources", probe_apt_sources, WANTED,
     "the image of this host's own distribution needs Mirror=",
     "set Mirror.IMAGE=URL in pinfold.conf, or give /etc/apt a source"},
    {"pacstrap", probe_pacstrap, WANTED, "the image of Arch Linux cannot be built",
     "apt-get install arch-install-scripts pacman-package-manager makepkg"},
    {"mke2fs", probe_mke2fs, WANTED, "disk_bytes of a workspace cannot be enforced",
     "apt-get install e2fsprogs"},

    {"legacy-tiocsti", probe_tiocsti, ADVICE,
     "a program of this host could be typed into by another of the same terminal",
     "sysctl dev.tty.legacy_tiocsti=0"},
    {"ptrace-scope", probe_ptrace_scope, ADVICE,
     "programs of one user of this host can read each other", "sysctl kernel.yama.ptrace_scope=1"},
    {"protected-links", probe_protected_links, ADVICE,
     "links in /tmp can trick programs of this host",
     "sysctl fs.protected_hardlinks=1 fs.protected_symlinks=1"},
    {"core-pattern", probe_core_pattern, ADVICE,
     "a crash in a sandbox starts a program on this host, as root, with the sandbox's data",
     "sysctl kernel.core_pattern=core, or know that the crash helper is safe"},
    {"unprivileged-bpf", probe_bpf, ADVICE,
     "any user of this host can load programs into the kernel",
     "sysctl kernel.unprivileged_bpf_disabled=1"},
    {"kernel-pointers", probe_kernel_pointers, ADVICE, "addresses of the kernel help to attack it",
     "sysctl kernel.kptr_restrict=1"},
};

static void put_json(struct json_out *o, const struct check *k, int found, const char *detail)
{
    json_begin(o, NULL);
    json_str(o, "name", k->name);
    json_str(o, "level", level_names[k->level]);
    if (found < 0)
        json_null(o, "found");
    else
        json_bool(o, "found", found);
    json_str(o, "detail", detail);
    if (found != 1) {
        json_str(o, "costs", k->costs);
        json_str(o, "cure", k->cure);
    }
    json_end(o);
}

static void put_text(struct buf *out, const struct check *k, int found, const char *detail)
{
    static const char *const marks[] = {"MISSING", "missing", "advice "};
    const char *mark = found == 1 ? "ok     " : found < 0 ? "unknown" : marks[k->level];
    (void)buf_printf(out, "%s  %-18s %s\n", mark, k->name, detail);
    if (found != 1)
        (void)buf_printf(out, "           costs: %s\n           cure:  %s\n", k->costs, k->cure);
}

int cmd_doctor(struct cli *c)
{
    struct doctor d = {.cli = c};
    own_buf struct buf text, json;
    struct json_out o;
    unsigned bad = 0, wanted = 0;
    buf_init(&text, 1 << 20);
    buf_init(&json, 1 << 20);
    json_out_init(&o, &json);
    json_begin(&o, NULL);
    json_begin_array(&o, "checks");
    for (size_t i = 0; i < N_ELEMS(checks); i++) {
        const struct check *k = &checks[i];
        d.detail[0] = '\0';
        int found = k->probe(&d);
        bad += found != 1 && k->level == REQUIRED;
        wanted += found != 1 && k->level == WANTED;
        put_json(&o, k, found, d.detail);
        if (found != 1 || cli_get(c, "all"))
            put_text(&text, k, found, d.detail);
    }
    json_end_array(&o);
    json_bool(&o, "ok", !bad);
    json_u64(&o, "missing_required", bad);
    json_u64(&o, "missing_wanted", wanted);
    json_end(&o);
    (void)buf_putc(&json, '\n');
    (void)buf_printf(&text, "%zu checked: %s\n", N_ELEMS(checks),
                     bad      ? "pinfold does not work here"
                     : wanted ? "pinfold works here, with what is named above missing"
                              : "pinfold works here");
    int failed = cli_print(c->json ? &json : &text);
    return failed || bad ? EXIT_FAILED : 0;
}
