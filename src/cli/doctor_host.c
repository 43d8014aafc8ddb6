// SPDX-License-Identifier: Apache-2.0
// Limits, users, programs and advice.
#include "doctor_int.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pinfold/box.h>
#include <pinfold/conf.h>
#include <pinfold/filter.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

int read_line(const char *path, char *out, size_t room)
{
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, room - 1);
    if (n < 0)
        return -1;
    out[n] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return 0;
}

int read_number(const char *path, uint64_t *ret)
{
    char line[32];
    return read_line(path, line, sizeof(line)) || num_parse_u64(line, 0, UINT64_MAX, ret, NULL) ? -1
                                                                                                : 0;
}

static void settings(struct conf *c)
{
    own_buf struct buf text;
    buf_init(&text, 256u << 10);
    conf_init(c);
    if (!io_read_file(AT_FDCWD, "/etc/pinfold/pinfold.conf", &text, NULL) &&
        conf_parse(c, "pinfold.conf", text.data, text.len, NULL))
        conf_init(c); // pinfoldd --check says what is wrong with it
}

// --- ids ------------------------------------------------------------------------------------

// Does a line NAME:FIRST:COUNT of the file lie in our ids? The line's name into detail.
static bool sub_overlaps(const char *path, uint64_t lo, uint64_t hi, char *who, size_t room)
{
    own_buf struct buf text;
    buf_init(&text, 1u << 20);
    char *save = NULL;
    if (io_read_file(AT_FDCWD, path, &text, NULL))
        return false; // no file, no ranges
    for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char name[64];
        unsigned long long first, count;
        if (sscanf(line, "%63[^:]:%llu:%llu", name, &first, &count) == 3 && first < hi &&
            first + count > lo) {
            (void)snprintf(who, room, "%s in %s has %llu to %llu", name, path, first,
                           first + count - 1);
            return true;
        }
    }
    return false;
}

static bool user_overlaps(uint64_t lo, uint64_t hi, char *who, size_t room)
{
    bool hit = false;
    setpwent();
    for (const struct passwd *pw; !hit && (pw = getpwent());)
        if (pw->pw_uid >= lo && pw->pw_uid < hi) {
            (void)snprintf(who, room, "user %s has id %u", pw->pw_name, (unsigned)pw->pw_uid);
            hit = true;
        }
    endpwent();
    setgrent();
    for (const struct group *gr; !hit && (gr = getgrent());)
        if (gr->gr_gid >= lo && gr->gr_gid < hi) {
            (void)snprintf(who, room, "group %s has id %u", gr->gr_name, (unsigned)gr->gr_gid);
            hit = true;
        }
    endgrent();
    return hit;
}

int probe_ids(struct doctor *d)
{
    struct conf c;
    settings(&c);
    uint64_t lo = c.id_base, hi = lo + c.id_ranges * 65536;
    if (sub_overlaps("/etc/subuid", lo, hi, d->detail, DETAIL_MAX) ||
        sub_overlaps("/etc/subgid", lo, hi, d->detail, DETAIL_MAX) ||
        user_overlaps(lo, hi, d->detail, DETAIL_MAX))
        return 0;
    (void)snprintf(d->detail, DETAIL_MAX, "%llu to %llu are nobody's: %llu sandboxes",
                   (unsigned long long)lo, (unsigned long long)hi - 1,
                   (unsigned long long)c.id_ranges);
    return 1;
}

static int probe_user(struct doctor *d, const char *name)
{
    const struct passwd *pw = getpwnam(name);
    (void)snprintf(d->detail, DETAIL_MAX, pw ? "%s exists" : "there is no user %s", name);
    return pw != NULL;
}

int probe_server_user(struct doctor *d)
{
    struct conf c;
    settings(&c);
    return probe_user(d, c.server_user);
}

int probe_egress_user(struct doctor *d)
{
    struct conf c;
    settings(&c);
    return probe_user(d, c.egress_user);
}

// --- state ----------------------------------------------------------------------------------

int probe_state_dir(struct doctor *d)
{
    struct err e;
    struct stat st;
    bool there;
    own_fd int fd = host_state_look(d->cli, &there, &e);
    if (fd < 0 || fstat(fd, &st)) {
        (void)snprintf(d->detail, DETAIL_MAX, "%s", fd < 0 ? e.text : "it does not answer");
        return geteuid() == 0 ? 0 : -1;
    }
    bool good = !there || (st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)));
    (void)snprintf(d->detail, DETAIL_MAX, "%s",
                   !there ? "not there yet; the first start makes it"
                   : good ? "is root's alone"
                          : "others than root can write to it");
    return good;
}

int probe_state_space(struct doctor *d)
{
    struct statvfs st;
    bool there;
    own_fd int fd = host_state_look(d->cli, &there, NULL);
    if (fd < 0 || fstatvfs(fd, &st)) {
        (void)snprintf(d->detail, DETAIL_MAX, "only root may look at it");
        return -1;
    }
    uint64_t mib = (uint64_t)st.f_bavail * st.f_frsize >> 20;
    (void)snprintf(d->detail, DETAIL_MAX, "%llu MiB and %llu files free", (unsigned long long)mib,
                   (unsigned long long)st.f_favail);
    return mib >= 5 * 1024 && (st.f_favail >= 500000 || !st.f_files);
}

// --- limits ---------------------------------------------------------------------------------

int probe_open_files(struct doctor *d)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r))
        return -1;
    (void)snprintf(d->detail, DETAIL_MAX, "%llu at most", (unsigned long long)r.rlim_max);
    return r.rlim_max >= 65536;
}

int probe_pids(struct doctor *d)
{
    uint64_t pid_max = 0, threads = 0;
    if (read_number("/proc/sys/kernel/pid_max", &pid_max) ||
        read_number("/proc/sys/kernel/threads-max", &threads))
        return -1;
    (void)snprintf(d->detail, DETAIL_MAX, "pid_max %llu, threads-max %llu",
                   (unsigned long long)pid_max, (unsigned long long)threads);
    return pid_max >= 32768 && threads >= 30000;
}

int probe_namespace_limits(struct doctor *d)
{
    static const char *const kinds[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    uint64_t least = UINT64_MAX;
    const char *which = "";
    for (size_t i = 0; i < N_ELEMS(kinds); i++) {
        char path[64];
        uint64_t n;
        (void)snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kinds[i]);
        if (!read_number(path, &n) && n < least) {
            least = n;
            which = kinds[i];
        }
    }
    (void)snprintf(d->detail, DETAIL_MAX, "%llu %s namespaces, and no fewer of the others",
                   (unsigned long long)least, which);
    return least >= 2000;
}

int probe_keys(struct doctor *d)
{
    uint64_t n;
    if (read_number("/proc/sys/kernel/keys/root_maxkeys", &n))
        return -1;
    (void)snprintf(d->detail, DETAIL_MAX, "%llu keys for root", (unsigned long long)n);
    return n >= 10000;
}

int probe_memory(struct doctor *d)
{
    struct sysinfo si;
    if (sysinfo(&si))
        return -1;
    uint64_t mib = (uint64_t)si.totalram * si.mem_unit >> 20;
    (void)snprintf(d->detail, DETAIL_MAX, "%llu MiB, %ld processors", (unsigned long long)mib,
                   sysconf(_SC_NPROCESSORS_ONLN));
    return mib >= 1900;
}

// --- programs -------------------------------------------------------------------------------

int probe_helpers(struct doctor *d)
{
    static const char *const names[] = {"pinfoldd",     "pinfold-server", "pinfold-launcher",
                                        "pinfold-init", "pinfold-tool",   "pinfold-git"};
    struct err e;
    own_fd int dir = conf_bin_dir(&e);
    for (size_t i = 0; dir >= 0 && i < N_ELEMS(names); i++)
        if (faccessat(dir, names[i], X_OK, 0)) {
            (void)snprintf(d->detail, DETAIL_MAX, "%s is not beside pinfold", names[i]);
            return 0;
        }
    (void)snprintf(d->detail, DETAIL_MAX, "%s", dir < 0 ? e.text : "all beside pinfold");
    return dir >= 0;
}

int probe_profiles(struct doctor *d)
{
    own_free struct profile *all = NULL;
    unsigned n;
    struct err e;
    own_fd int dir = host_profiles_dir(&e);
    if (dir < 0 || profile_load_dir(dir, &all, &n, &e)) {
        (void)snprintf(d->detail, DETAIL_MAX, "%s", e.text);
        return 0;
    }
    for (unsigned i = 0; i < n; i++) {
        struct filter f = {0};
        int bad = filter_compile(&all[i], true, &f, &e) || filter_verify(&all[i], &f, &e);
        filter_release(&f);
        if (bad) {
            (void)snprintf(d->detail, DETAIL_MAX, "%s: %.120s", all[i].name, e.text);
            return 0;
        }
    }
    (void)snprintf(d->detail, DETAIL_MAX, "%u are good", n);
    return 1;
}

static int on_path(struct doctor *d, const char *name)
{
    static const char *const dirs[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
                                       "/sbin"};
    for (size_t i = 0; i < N_ELEMS(dirs); i++) {
        (void)snprintf(d->detail, DETAIL_MAX, "%s/%s", dirs[i], name);
        if (!access(d->detail, X_OK))
            return 1;
    }
    (void)snprintf(d->detail, DETAIL_MAX, "%s is not installed", name);
    return 0;
}

int probe_mmdebstrap(struct doctor *d)
{
    return on_path(d, "mmdebstrap");
}
int probe_pacstrap(struct doctor *d)
{
    return on_path(d, "pacstrap") && on_path(d, "pacman");
}
int probe_mke2fs(struct doctor *d)
{
    return on_path(d, "mke2fs");
}

int probe_apt_sources(struct doctor *d)
{
    static const char parts[] = "/etc/apt/sources.list.d";
    own_buf struct buf text;
    buf_init(&text, 1u << 20);
    unsigned n = 0;
    char *save = NULL;
    if (!io_read_file(AT_FDCWD, "/etc/apt/sources.list", &text, NULL))
        for (char *line = strtok_r(text.data, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save))
            n += !strncmp(line, "deb ", 4);
    own_dir DIR *dir = opendir(parts);
    for (struct dirent *de; dir && (de = readdir(dir));)
        n += strstr(de->d_name, ".sources") || strstr(de->d_name, ".list");
    (void)snprintf(d->detail, DETAIL_MAX, "%u sources", n);
    return n > 0;
}

// --- advice ---------------------------------------------------------------------------------

// A sysctl that should be at least (or at most) so much; one that is not there does no harm.
static int sysctl_is(struct doctor *d, const char *path, uint64_t low, uint64_t high)
{
    uint64_t n;
    if (read_number(path, &n)) {
        (void)snprintf(d->detail, DETAIL_MAX, "%s is not there", path + strlen("/proc/sys/"));
        return 1;
    }
    (void)snprintf(d->detail, DETAIL_MAX, "%s is %llu", path + strlen("/proc/sys/"),
                   (unsigned long long)n);
    return n >= low && n <= high;
}

int probe_tiocsti(struct doctor *d)
{
    return sysctl_is(d, "/proc/sys/dev/tty/legacy_tiocsti", 0, 0);
}
int probe_ptrace_scope(struct doctor *d)
{
    return sysctl_is(d, "/proc/sys/kernel/yama/ptrace_scope", 1, 3);
}
int probe_protected_links(struct doctor *d)
{
    return sysctl_is(d, "/proc/sys/fs/protected_hardlinks", 1, 1) &&
           sysctl_is(d, "/proc/sys/fs/protected_symlinks", 1, 1);
}
int probe_bpf(struct doctor *d)
{
    return sysctl_is(d, "/proc/sys/kernel/unprivileged_bpf_disabled", 1, 2);
}
int probe_kernel_pointers(struct doctor *d)
{
    return sysctl_is(d, "/proc/sys/kernel/kptr_restrict", 1, 2);
}

int probe_core_pattern(struct doctor *d)
{
    char line[150] = "";
    if (read_line("/proc/sys/kernel/core_pattern", line, sizeof(line)))
        return -1;
    (void)snprintf(d->detail, DETAIL_MAX, "kernel.core_pattern is %s", line);
    return *line != '|';
}
