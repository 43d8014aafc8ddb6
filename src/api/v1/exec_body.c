// SPDX-License-Identifier: Apache-2.0
// The body of an exec, of a one-shot and the parts that other bodies share.
#include "routes_int.h"

#include <pinfold/num.h>
#include <stdarg.h>
#include <stdio.h>

#define ENV_ITEM (128 * 1024)
#define COMMAND_MAX (1024 * 1024)
#define ARGV_MAX 8192
#define FILES_MAX 256

// Bounds are those of limit_rows, which v1_check_limits goes by.
#define LIMIT(m, t, text) JSON_FIELD(struct limits, m, t, .doc = text)
static const struct json_field limits_fields[] = {
    LIMIT(memory_bytes, JSON_U64, "memory, swap is always 0"),
    LIMIT(pids, JSON_U32, "processes and threads at a time"),
    LIMIT(cpu_percent, JSON_U32, "of one processor: 200 is two"),
    LIMIT(disk_bytes, JSON_U64, "bytes that can be written"),
    LIMIT(inodes, JSON_U64, "files that can be made"),
    LIMIT(output_bytes, JSON_U64, "of one stream; past it the exec ends with output_limit"),
    LIMIT(open_files, JSON_U32, "descriptors of one process"),
    LIMIT(wall_ms, JSON_U64, "time from start to end"),
};
const struct json_table v1_limits_table = {"LimitsBody", limits_fields, N_ELEMS(limits_fields),
                                           sizeof(struct limits), -1};

static const char *const modes[] = {"none", "full", "allow-list", NULL}; // as enum net_mode
static const struct json_field network_fields[] = {
    [NETWORK_MODE] = JSON_FIELD(struct network_body, mode, JSON_ENUM, .names = modes,
                                .doc = "none: only lo; allow-list: the hosts in allow; full: the "
                                       "outside, not this host's networks"),
    [NETWORK_ALLOW] =
        JSON_FIELD(struct network_body, allow, JSON_STRINGS, .max = 256, .item_max = 300,
                   .doc = "example.org, *.example.org, either with :PORT, or a preset as @npm; "
                          "without it the profile's list; an empty one allows nothing"),
    [NETWORK_LEARN] = JSON_FIELD(struct network_body, learn, JSON_BOOL,
                                 .doc = "propose rules for what was refused; of workspaces"),
};
const struct json_table v1_network_table = {"NetworkBody", network_fields, N_ELEMS(network_fields),
                                            sizeof(struct network_body),
                                            offsetof(struct network_body, given)};

#define EX(m, t, ...) JSON_FIELD(struct exec_body, m, t, ##__VA_ARGS__)
#define EX_AS(m, n, t, ...) JSON_FIELD_AS(struct exec_body, m, n, t, ##__VA_ARGS__)
#define EXEC_FIELDS                                                                                \
    EX(command, JSON_STRING, .min = 1, .max = COMMAND_MAX, .doc = "text for /bin/sh -c"),          \
        EX(argv, JSON_STRINGS, .min = 1, .max = ARGV_MAX, .item_max = COMMAND_MAX,                 \
           .doc = "program and arguments, instead of command"),                                    \
        EX(cwd, JSON_STRING, .max = 4095,                                                          \
           .doc = "relative to /workspace, or absolute inside the sandbox"),                       \
        EX(env, JSON_MAP, .max = WS_ENV_MAX, .item_max = ENV_ITEM),                                \
        EX_AS(input, "stdin", JSON_TEXT, .doc = "standard input; without it there is none"),       \
        EX_AS(input_base64, "stdin_base64", JSON_BASE64),                                          \
        EX(stdin_open, JSON_BOOL, .doc = "more input will be written"),                            \
        EX_AS(timeout_ms, "timeout_secs", JSON_MS, .doc = "then everything it started is killed"), \
        EX(user, JSON_STRING, .max = 63, .flags = JSON_NO_CONTROL,                                 \
           .doc = "a name inside the sandbox, or a number"),                                       \
        EX(tty, JSON_BOOL, .doc = "run on a terminal"), EX(rows, JSON_U32, .min = 1, .max = 1000), \
        EX(cols, JSON_U32, .min = 1, .max = 1000),                                                 \
        EX(background, JSON_BOOL, .doc = "answer at once; it goes on whoever leaves"),             \
        EX(detach, JSON_BOOL, .doc = "go on when the client leaves"),                              \
        EX(limits, JSON_OBJECT, .sub = &v1_limits_table),                                          \
        EX(max_output_bytes, JSON_U64, .doc = "of each stream in the answer"),                     \
        EX(keep_output_bytes, JSON_U64, .doc = "of each stream to keep for reading later")

static const struct json_field exec_fields[] = {EXEC_FIELDS};
const struct json_table v1_exec_table = {"ExecBody", exec_fields, N_ELEMS(exec_fields),
                                         sizeof(struct exec_body),
                                         offsetof(struct exec_body, given)};
static const struct json_field once_fields[] = {
    EXEC_FIELDS,
    EX(image, JSON_STRING, .min = 1, .max = NAME_MAX_LEN),
    EX(profile, JSON_STRING, .min = 1, .max = NAME_MAX_LEN),
    EX(network, JSON_OBJECT, .sub = &v1_network_table),
    EX(secrets, JSON_STRINGS, .max = 64, .item_max = NAME_MAX_LEN,
       .doc = "names of those that it may use; needs mode allow-list"),
    EX(files, JSON_RAW,
       .doc =
           "files to put there first: {PATH: TEXT} or [{path, content or content_base64, mode}]"),
};
const struct json_table v1_once_table = {"OneShotBody", once_fields, N_ELEMS(once_fields),
                                         sizeof(struct exec_body),
                                         offsetof(struct exec_body, given)};

int v1_json_fault_at(struct json_fault *f, const char *pointer, const char *fmt, ...)
{
    va_list ap;
    *f = (struct json_fault){.kind = JSON_WRONG};
    (void)snprintf(f->pointer, sizeof(f->pointer), "%s", pointer);
    va_start(ap, fmt);
    (void)vsnprintf(f->detail, sizeof(f->detail), fmt, ap); // cut is fine
    va_end(ap);
    return -1;
}

int v1_check_limits(const struct limits *l, struct json_fault *f)
{
    struct err e;
    if (!limits_check(l, &e))
        return 0;
    v1_json_fault_at(f, "/limits", "%s", e.text);
    f->kind = JSON_OVER;
    f->limit = "limits";
    return -1;
}

const char *const *v1_strings(const struct json_strings *list, struct json_pool *pool)
{
    const char **argv = json_pool_alloc(pool, (list->n + 1) * sizeof(*argv));
    if (list->n)
        memcpy(argv, list->at, list->n * sizeof(*argv));
    argv[list->n] = NULL;
    return argv;
}

int v1_network_of(const struct network_body *b, struct json_pool *pool, enum net_mode *ret,
                  const char *const **ret_allow, struct json_fault *f)
{
    static const enum net_mode by_name[] = {NET_NONE, NET_FULL, NET_LIST};
    if (b->allow.n && b->given & JSON_GIVEN(NETWORK_MODE) && by_name[b->mode] != NET_LIST)
        return v1_json_fault_at(f, "/network/allow", "is for mode allow-list");
    *ret = by_name[b->mode];
    if (!(b->given & JSON_GIVEN(NETWORK_MODE)) && b->given & JSON_GIVEN(NETWORK_ALLOW))
        *ret = NET_LIST;
    if (b->given & JSON_GIVEN(NETWORK_ALLOW))
        *ret_allow = v1_strings(&b->allow, pool);
    return 0;
}

// --- env ------------------------------------------------------------------------------------

static const char *const *join_env(struct json_pool *pool, const struct json_map *map,
                                   const char *pointer, struct json_fault *f)
{
    const char **env = json_pool_alloc(pool, (map->n + 1) * sizeof(*env));
    for (uint32_t i = 0; i < map->n; i++) {
        const char *name = map->at[i].name, *value = map->at[i].value ? map->at[i].value : "";
        if (strchr(name, '=')) {
            v1_json_fault_at(f, pointer, "has a name with an equals sign");
            return NULL;
        }
        size_t n = strlen(name), v = strlen(value);
        char *s = json_pool_alloc(pool, n + v + 2);
        memcpy(s, name, n);
        s[n] = '=';
        memcpy(s + n + 1, value, v + 1);
        env[i] = s;
    }
    env[map->n] = NULL;
    return env;
}

const char *const *v1_map_to_env(struct http_req *r, struct json_pool *pool, const char *pointer,
                                 const struct json_map *map)
{
    struct json_fault f;
    const char *const *env = join_env(pool, map, pointer, &f);
    if (!env)
        v1_fault(r, &f);
    return env;
}

// --- files of a one-shot --------------------------------------------------------------------

struct file_body {
    const char *path;
    struct json_text content, content_base64;
    const char *mode;
};
static const struct json_field file_fields[] = {
    JSON_FIELD(struct file_body, path, JSON_STRING, .flags = JSON_REQUIRED, .min = 1, .max = 4095),
    JSON_FIELD(struct file_body, content, JSON_TEXT),
    JSON_FIELD(struct file_body, content_base64, JSON_BASE64),
    JSON_FIELD(struct file_body, mode, JSON_STRING, .max = 5, .doc = "octal, as 0644"),
};
static const struct json_table file_table = {"FileBody", file_fields, N_ELEMS(file_fields),
                                             sizeof(struct file_body), -1};
struct files_body {
    struct json_objects list;
    struct json_map map;
};
static const struct json_field list_fields[] = {
    JSON_FIELD_AS(struct files_body, list, "files", JSON_OBJECTS, .max = FILES_MAX,
                  .sub = &file_table),
};
static const struct json_field map_fields[] = {
    JSON_FIELD_AS(struct files_body, map, "files", JSON_MAP, .max = FILES_MAX,
                  .item_max = 16 * 1024 * 1024),
};
static const struct json_table list_table = {"Files", list_fields, 1, sizeof(struct files_body),
                                             -1};
static const struct json_table map_table = {"Files", map_fields, 1, sizeof(struct files_body), -1};

static int file_of(const struct file_body *b, uint32_t i, struct file_put *ret,
                   struct json_fault *f)
{
    char pointer[40];
    (void)snprintf(pointer, sizeof(pointer), "/files/%u", i);
    if (b->content.p && b->content_base64.p)
        return v1_json_fault_at(f, pointer, "has both content and content_base64");
    const struct json_text *text = b->content_base64.p ? &b->content_base64 : &b->content;
    *ret = (struct file_put){.path = b->path, .data = text->p ? text->p : "", .len = text->len};
    if (b->mode && num_parse_octal(b->mode, 07777, &ret->mode, NULL))
        return v1_json_fault_at(f, pointer, "has a mode that is not octal");
    return 0;
}

// Both shapes are read by a table, with the member's name put back before its text.
static int files_of(const char *raw, struct json_pool *pool, struct exec_spec *ret,
                    struct json_fault *f)
{
    size_t n = strlen(raw);
    char *text = json_pool_alloc(pool, n + 12);
    int len = snprintf(text, n + 12, "{\"files\":%s}", raw);
    struct files_body b = {0};
    if (json_read(*raw == '[' ? &list_table : &map_table, text, (size_t)len, 0, pool, &b, f))
        return -1;
    size_t count = *raw == '[' ? b.list.n : b.map.n;
    struct file_put *files = json_pool_alloc(pool, (count + 1) * sizeof(*files));
    for (uint32_t i = 0; i < b.list.n; i++)
        if (file_of((const struct file_body *)b.list.at + i, i, &files[i], f))
            return -1;
    for (uint32_t i = 0; i < b.map.n; i++) {
        const char *value = b.map.at[i].value ? b.map.at[i].value : "";
        files[i] = (struct file_put){.path = b.map.at[i].name, .data = value, .len = strlen(value)};
    }
    ret->files = files;
    ret->n_files = count;
    return 0;
}

// --- the whole ------------------------------------------------------------------------------

int v1_exec_spec_of(const struct exec_body *b, struct json_pool *pool, struct exec_spec *ret,
                    struct json_fault *f)
{
    if (!b->command == !b->argv.n)
        return v1_json_fault_at(f, b->command ? "/argv" : "",
                                "either command or argv must be given, not both");
    if (b->input.p && b->input_base64.p)
        return v1_json_fault_at(f, "/stdin_base64", "cannot stand beside stdin");
    const struct json_text *in = b->input_base64.p ? &b->input_base64 : &b->input;
    *ret = (struct exec_spec){
        .command = b->command,
        .argv = b->argv.n ? v1_strings(&b->argv, pool) : NULL,
        .cwd = b->cwd,
        .user = b->user,
        .stdin_data = in->p,
        .stdin_len = in->len,
        .stdin_open = b->stdin_open,
        .tty = b->tty,
        .rows = (uint16_t)b->rows,
        .cols = (uint16_t)b->cols,
        .background = b->background,
        .detach = b->detach,
        .timeout_ms = b->timeout_ms,
        .keep_bytes = b->keep_output_bytes,
        .answer_bytes = b->max_output_bytes,
        .limits = b->limits,
        .image = b->image,
        .profile = b->profile,
    };
    if (v1_check_limits(&b->limits, f))
        return -1;
    if (b->env.n && !(ret->env = join_env(pool, &b->env, "/env", f)))
        return -1;
    if (b->secrets.n)
        ret->secrets = v1_strings(&b->secrets, pool);
    if (b->given & JSON_GIVEN(N_ELEMS(exec_fields) + 2)) { // network, of a one-shot
        ret->network_given = true;
        if (v1_network_of(&b->network, pool, &ret->network, &ret->allow, f))
            return -1;
    }
    return b->files ? files_of(b->files, pool, ret, f) : 0;
}
