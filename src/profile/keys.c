// SPDX-License-Identifier: Apache-2.0
// The keys of a profile file: one row each, with its section, reader and writer.
#include "profile_int.h"

#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <string.h>

struct key_row {
    const char *section, *key;
    int (*put)(struct parse_state *s, const struct key_row *row, char *value, struct err *e);
    // NULL: all calls at once
    int (*format)(const struct profile *p, const struct key_row *row, struct buf *out);
    uint16_t offset;   // of the member of struct profile
    const char *limit; // the row of limit_rows that has its bounds
    enum { KEY_ONCE, KEY_REPEATS } repeats;
    enum { KEY_OPTIONAL, KEY_REQUIRED } required; // nothing is unlimited because it was forgotten
};

#define MEMBER(p, row, type) ((type *)((char *)(p) + (row)->offset))
#define CONST_MEMBER(p, row, type) ((const type *)((const char *)(p) + (row)->offset))

// --- readers -----------------------------------------------------------------------------------

static int put_description(struct parse_state *s, const struct key_row *row, char *value,
                           struct err *e)
{
    (void)row;
    if (strlen(value) >= sizeof(s->p->description))
        return err_set(e, ERR_LIMIT, "longer than %zu bytes", sizeof(s->p->description) - 1);
    (void)snprintf(s->p->description, sizeof(s->p->description), "%s", value);
    return 0;
}

// Extends= was looked up before the first row was read; see parse.c.
static int put_extends(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    (void)s, (void)row, (void)value, (void)e;
    return 0;
}

static int put_bool(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    if (strcmp(value, "yes") && strcmp(value, "no"))
        return err_set(e, ERR_BAD_REQUEST, "'%.20s' is neither yes nor no", value);
    *MEMBER(s->p, row, bool) = !strcmp(value, "yes");
    return 0;
}

static int put_bounded(struct parse_state *s, const struct key_row *row, uint64_t v, struct err *e)
{
    const struct limit_row *limit = limit_rows;
    while (strcmp(limit->name, row->limit))
        limit++; // a test walks the table, so that every name is there
    if (v && (v < limit->min || v > limit->max))
        return err_set(e, ERR_LIMIT, "%llu is not from %llu to %llu", (unsigned long long)v,
                       (unsigned long long)limit->min, (unsigned long long)limit->max);
    limit_put(&s->p->limits, limit, v);
    return 0;
}

static int zero(const struct key_row *row, struct err *e)
{
    return err_set(e, ERR_BAD_REQUEST, "0 is no %s; 'infinity' is none at all", row->key);
}

static int put_size(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    uint64_t v;
    if (num_parse_size(value, &v, e))
        return -1;
    if (!v)
        return zero(row, e);
    return put_bounded(s, row, v == UINT64_MAX ? 0 : v, e);
}

static int put_count(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    uint64_t v = 0;
    if (strcmp(value, "infinity") && num_parse_u64(value, 0, UINT64_MAX, &v, e))
        return -1;
    if (!v && strcmp(value, "infinity"))
        return zero(row, e);
    return put_bounded(s, row, v, e);
}

static int put_percent(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    uint32_t v = 0;
    if (strcmp(value, "infinity") && num_parse_percent(value, &v, e))
        return -1;
    if (!v && strcmp(value, "infinity"))
        return zero(row, e);
    return put_bounded(s, row, v, e);
}

static int put_duration(struct parse_state *s, const struct key_row *row, char *value,
                        struct err *e)
{
    uint64_t v = 0;
    if (strcmp(value, "infinity") && num_parse_duration_ms(value, &v, e))
        return -1;
    if (!v && strcmp(value, "infinity"))
        return zero(row, e);
    return put_bounded(s, row, v, e);
}

// Sizes of memory file systems: their pages count as the sandbox's memory, so the bounds only
// keep arithmetic sane.
static int put_fs_size(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    uint64_t v;
    if (num_parse_size(value, &v, e))
        return -1;
    if (v < (64ull << 10) || v > (1ull << 40))
        return err_set(e, ERR_LIMIT, "'%.20s' is not from 64K to 1T", value);
    *MEMBER(s->p, row, uint64_t) = v;
    return 0;
}

static int put_id(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    uint64_t v;
    if (num_parse_u64(value, 0, 65533, &v, e)) // 65534 is nobody, which stands for unmapped ids
        return -1;
    *MEMBER(s->p, row, uint32_t) = (uint32_t)v;
    return 0;
}

// As systemd's: lines add up, ~ takes away, an empty one forgets what came before.
static int put_caps(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    (void)row;
    bool take = *value == '~';
    value += take;
    if (!*value)
        s->p->capabilities = 0;
    char *save = NULL;
    for (char *w = strtok_r(value, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        unsigned bit;
        if (!profile_cap_find(w, &bit))
            return err_set(e, ERR_BAD_REQUEST, "'%.30s' is not a capability", w);
        if (take)
            s->p->capabilities &= ~(1ull << bit);
        else
            s->p->capabilities |= 1ull << bit;
    }
    return 0;
}

static int put_network(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    (void)row;
    for (enum net_mode m = NET_NONE; m < NET_N; m++)
        if (!strcmp(value, net_mode_name(m))) {
            s->p->network = m;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "'%.20s' is not one of none, full, allow-list, host", value);
}

static int put_network_allow(struct parse_state *s, const struct key_row *row, char *value,
                             struct err *e)
{
    char *text = s->p->network_allow;
    (void)row;
    s->p->network_listed = true;
    if (!*value)
        *text = '\0';
    for (char *word; (word = strsep(&value, " \t"));) {
        struct rule r;
        char rule[RULE_ROOM];
        size_t at = strlen(text), n = strlen(word);
        if (!n)
            continue;
        bool preset = preset_name_ok(word, n);
        if (!preset && rule_parse(word, n, &r, e))
            return -1;
        if (!preset)
            word = (char *)(uintptr_t)rule_text(&r, rule);
        if (snprintf(text + at, PROFILE_ALLOW_MAX - at, at ? " %s" : "%s", word) >=
            (int)(PROFILE_ALLOW_MAX - at))
            return err_set(e, ERR_LIMIT, "more than %d bytes of rules", PROFILE_ALLOW_MAX);
    }
    return 0;
}

static const char *const wish_names[] = {
    [WISH_NO] = "no", [WISH_YES] = "yes", [WISH_REQUIRED] = "required"};

static int put_wish(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    for (unsigned i = 0; i < N_ELEMS(wish_names); i++)
        if (!strcmp(value, wish_names[i])) {
            *MEMBER(s->p, row, enum profile_wish) = (enum profile_wish)i;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "'%.20s' is not one of no, yes, required", value);
}

// Each is a step of the sandbox's plan, so there is room for a few short ones.
static int write_path_ok(const char *path, struct err *e)
{
    if (*path != '/' || !path[1] || strlen(path) > PROFILE_WRITE_PATH_MAX || strstr(path, "//") ||
        strstr(path, "/.") || path[strlen(path) - 1] == '/')
        return err_set(e, ERR_BAD_REQUEST,
                       "'%.40s' is not an absolute directory of at most %d bytes, without '.' or "
                       "'/' at its end",
                       path, PROFILE_WRITE_PATH_MAX);
    return 0;
}

// As systemd's: lines add up, an empty one forgets what came before.
static int put_write_paths(struct parse_state *s, const struct key_row *row, char *value,
                           struct err *e)
{
    (void)row;
    char *out = s->p->write_paths, *save = NULL;
    if (!*value)
        *out = '\0';
    unsigned n = 0;
    for (const char *c = out; *c; c++)
        n += c == out || *c == ' ';
    for (char *w = strtok_r(value, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        size_t len = strlen(out);
        if (write_path_ok(w, e))
            return -1;
        if (++n > PROFILE_WRITE_PATHS || len + strlen(w) + 2 > sizeof(s->p->write_paths))
            return err_set(e, ERR_LIMIT, "more than %d directories or %zu bytes",
                           PROFILE_WRITE_PATHS, sizeof(s->p->write_paths) - 1);
        (void)snprintf(out + len, sizeof(s->p->write_paths) - len, "%s%s", len ? " " : "", w);
    }
    return 0;
}

static int put_filter(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    (void)row;
    return calls_put_filter(s->p, value, e);
}

static int put_allow(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    (void)row;
    return calls_put_allow(s->p, value, e);
}

static const char *const refuse_names[] = {[REFUSE_EPERM] = "EPERM", [REFUSE_KILL] = "kill"};

static int put_refuse(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    (void)row;
    for (unsigned i = 0; i < N_ELEMS(refuse_names); i++)
        if (!strcmp(value, refuse_names[i])) {
            s->p->refuse = (enum profile_refuse)i;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "'%.20s' is neither EPERM nor kill", value);
}

// --- writers -----------------------------------------------------------------------------------

static int format_description(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return *p->description ? buf_printf(out, "%s=%s\n", row->key, p->description) : 0;
}

static int format_nothing(const struct profile *p, const struct key_row *row, struct buf *out)
{
    (void)p, (void)row, (void)out;
    return 0;
}

static int format_bool(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return buf_printf(out, "%s=%s\n", row->key, *CONST_MEMBER(p, row, bool) ? "yes" : "no");
}

struct unit {
    uint64_t factor;
    const char *name;
};
// With the largest unit that leaves no rest; units: largest first, the last one's factor 1.
static int format_unit(const char *key, uint64_t v, const struct unit *units, struct buf *out)
{
    if (!v)
        return buf_printf(out, "%s=infinity\n", key);
    while (v % units->factor)
        units++;
    return buf_printf(out, "%s=%llu%s\n", key, (unsigned long long)(v / units->factor),
                      units->name);
}

static uint64_t limit_of(const struct profile *p, const struct key_row *row)
{
    const struct limit_row *limit = limit_rows;
    while (strcmp(limit->name, row->limit))
        limit++;
    return limit_get(&p->limits, limit);
}

static const struct unit sizes[] = {
    {1ull << 40, "T"}, {1ull << 30, "G"}, {1ull << 20, "M"}, {1ull << 10, "K"}, {1, ""}};

static int format_size(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return format_unit(row->key, limit_of(p, row), sizes, out);
}

static int format_fs_size(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return format_unit(row->key, *CONST_MEMBER(p, row, uint64_t), sizes, out);
}

static int format_count(const struct profile *p, const struct key_row *row, struct buf *out)
{
    static const struct unit ones[] = {{1, ""}};
    return format_unit(row->key, limit_of(p, row), ones, out);
}

static int format_percent(const struct profile *p, const struct key_row *row, struct buf *out)
{
    static const struct unit percent[] = {{1, "%"}};
    return format_unit(row->key, limit_of(p, row), percent, out);
}

static int format_duration(const struct profile *p, const struct key_row *row, struct buf *out)
{
    static const struct unit times[] = {
        {86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    return format_unit(row->key, limit_of(p, row), times, out);
}

static int format_id(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return buf_printf(out, "%s=%u\n", row->key, *CONST_MEMBER(p, row, uint32_t));
}

static int format_caps(const struct profile *p, const struct key_row *row, struct buf *out)
{
    if (buf_printf(out, "%s=", row->key))
        return -1;
    const char *between = "";
    for (unsigned bit = 0; profile_cap_name(bit); bit++)
        if (p->capabilities >> bit & 1) {
            if (buf_printf(out, "%s%s", between, profile_cap_name(bit)))
                return -1;
            between = " ";
        }
    return buf_putc(out, '\n');
}

static int format_network(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return buf_printf(out, "%s=%s\n", row->key, net_mode_name(p->network));
}

static int format_wish(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return buf_printf(out, "%s=%s\n", row->key,
                      wish_names[*CONST_MEMBER(p, row, enum profile_wish)]);
}

static int format_write_paths(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return buf_printf(out, "%s=%s\n", row->key, p->write_paths);
}

static int format_network_allow(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return p->network_listed ? buf_printf(out, "%s=%s\n", row->key, p->network_allow) : 0;
}

static int format_refuse(const struct profile *p, const struct key_row *row, struct buf *out)
{
    return buf_printf(out, "%s=%s\n", row->key, refuse_names[p->refuse]);
}

// --- the table ---------------------------------------------------------------------------------

#define AT(member) offsetof(struct profile, member)
#define LIMIT(key, kind, limit, required)                                                          \
    {                                                                                              \
        "Limits", key, put_##kind, format_##kind, 0, limit, KEY_ONCE, required                     \
    }
#define FIELD(section, key, kind, member, required)                                                \
    {                                                                                              \
        section, key, put_##kind, format_##kind, AT(member), NULL, KEY_ONCE, required              \
    }

static const struct key_row rows[] = {
    FIELD("Profile", "Description", description, description, KEY_OPTIONAL),
    {"Profile", "Extends", put_extends, format_nothing, 0, NULL, KEY_ONCE, KEY_OPTIONAL},
    FIELD("Profile", "Internal", bool, internal, KEY_OPTIONAL),
    LIMIT("MemoryMax", size, "memory_bytes", KEY_REQUIRED),
    LIMIT("TasksMax", count, "pids", KEY_REQUIRED),
    LIMIT("CPUQuota", percent, "cpu_percent", KEY_REQUIRED),
    LIMIT("DiskMax", size, "disk_bytes", KEY_REQUIRED),
    LIMIT("FilesMax", count, "inodes", KEY_REQUIRED),
    LIMIT("OutputMax", size, "output_bytes", KEY_OPTIONAL),
    LIMIT("LimitNOFILE", count, "open_files", KEY_REQUIRED),
    LIMIT("RuntimeMaxSec", duration, "wall_ms", KEY_OPTIONAL),
    FIELD("Limits", "TmpSize", fs_size, tmp_bytes, KEY_REQUIRED),
    FIELD("Limits", "ShmSize", fs_size, shm_bytes, KEY_REQUIRED),
    FIELD("Sandbox", "User", id, uid, KEY_REQUIRED),
    FIELD("Sandbox", "Group", id, gid, KEY_REQUIRED),
    {"Sandbox", "CapabilityBoundingSet", put_caps, format_caps, 0, NULL, KEY_REPEATS, KEY_REQUIRED},
    FIELD("Sandbox", "Network", network, network, KEY_REQUIRED),
    {"Sandbox", "NetworkAllow", put_network_allow, format_network_allow, 0, NULL, KEY_REPEATS,
     KEY_OPTIONAL},
    FIELD("Sandbox", "WorkspaceReadOnly", bool, workspace_read_only, KEY_OPTIONAL),
    FIELD("Sandbox", "UserNamespaces", bool, user_namespaces, KEY_OPTIONAL),
    FIELD("Sandbox", "PrivilegedMounts", bool, privileged_mounts, KEY_OPTIONAL),
    FIELD("Sandbox", "CoreScheduling", wish, core_scheduling, KEY_OPTIONAL),
    FIELD("Sandbox", "Landlock", wish, landlock, KEY_OPTIONAL),
    {"Sandbox", "ReadWritePaths", put_write_paths, format_write_paths, 0, NULL, KEY_REPEATS,
     KEY_OPTIONAL},
    FIELD("SystemCalls", "SystemCallErrorNumber", refuse, refuse, KEY_OPTIONAL),
    {"SystemCalls", "SystemCallFilter", put_filter, NULL, 0, NULL, KEY_REPEATS, KEY_REQUIRED},
    {"SystemCalls", "Allow", put_allow, format_nothing, 0, NULL, KEY_REPEATS, KEY_OPTIONAL},
};
#define N_ROWS N_ELEMS(rows)

const struct key_row *keys_find(const char *key)
{
    for (unsigned i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i].key, key))
            return &rows[i];
    return NULL;
}

const char *keys_section(const struct key_row *row)
{
    return row->section;
}

int keys_put(struct parse_state *s, const struct key_row *row, char *value, struct err *e)
{
    uint32_t bit = 1u << (row - rows);
    if (row->repeats == KEY_ONCE && s->seen & bit)
        return err_set(e, ERR_BAD_REQUEST, "%s stands here a second time", row->key);
    s->seen |= bit;
    if (row->put(s, row, value, e))
        return err_wrap(e, "%s", row->key);
    return 0;
}

int keys_required(const struct parse_state *s, struct err *e)
{
    for (unsigned i = 0; i < N_ROWS && !s->base; i++)
        if (rows[i].required == KEY_REQUIRED && !(s->seen >> i & 1))
            return err_set(e, ERR_BAD_REQUEST, "%s= is missing from [%s]", rows[i].key,
                           rows[i].section);
    return 0;
}

int keys_format(const struct profile *p, int (*calls)(const struct profile *p, struct buf *out),
                struct buf *out)
{
    const char *section = "";
    for (unsigned i = 0; i < N_ROWS; i++) {
        if (strcmp(section, rows[i].section) && buf_printf(out, "\n[%s]\n", rows[i].section))
            return -1;
        section = rows[i].section;
        if (rows[i].format ? rows[i].format(p, &rows[i], out) : calls(p, out))
            return -1;
    }
    return 0;
}
