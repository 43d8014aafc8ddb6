// SPDX-License-Identifier: Apache-2.0
// The dialect's own parts. Pure: words.c, labels.c, jwt.c.
#pragma once
#include <pinfold/api_sandboxed_sh.h>
#include <pinfold/core_exec.h>
#include <pinfold/core_host.h>
#include <pinfold/core_item.h>
#include <pinfold/core_token.h>
#include <pinfold/core_workspace.h>
#include <pinfold/json_out.h>
#include <pinfold/map.h>

struct sandboxed_sh {
    struct core *core;
    const struct dialects_conf *conf;
    unsigned char key[32];
    char default_id[ID_MAX]; // the core's id of the default host workspace; "" unknown
    struct waiter default_made;
    struct list default_waiting; // struct dialect_call: requests that wait for it to be made
    struct host_counters host;
    struct map *loaded; // who calls -> id of the mission that they loaded
};

// --- words.c: names --------------------------------------------------------------------------

#define TIME_MAX 24
const char *time_text(uint64_t wall_ms, char out[TIME_MAX]); // whole seconds
// A distribution's name or nickname to its image; NULL when it is none.
const char *distro_image(const char *name);
bool image_is_distro(const char *image);
extern const char distro_default[];
extern const char distro_list[];                   // "ubuntu-noble, ..."
const char *status_word(enum workspace_status s);  // "ready"
const char *status_title(enum workspace_status s); // "Ready", as in an error's text
// What is wrong with a name, or NULL.
const char *name_fault(const char *name);
bool env_name_ok(const char *name);
bool blank(const char *s); // nothing but white space

// --- labels.c: what the core has no field for --------------------------------------------------

#define LABEL_DEFAULT "sandboxed_sh.default"
#define LABEL_NAME "sandboxed_sh.name" // only when the core's name is another
#define LABEL_PATH "sandboxed_sh.path"
#define LABEL_DISTRO "sandboxed_sh.distro"      // of a host workspace
#define LABEL_SCRIPT "sandboxed_sh.init_script" // of a host workspace: kept, never run
#define LABEL_TEMPLATE "sandboxed_sh.template"
#define LABEL_SKILLS "sandboxed_sh.skills" // lists: one a line
#define LABEL_TOOLS "sandboxed_sh.tools"
const char *label_get(const char *const *labels, const char *name); // NULL: not there
struct label_set {
    const char *at[WS_LABELS_MAX + 1];
    unsigned n;
    struct json_pool *pool;
};
// Begin with what there is (NULL for nothing); strings are borrowed.
void labels_begin(struct label_set *set, const char *const *old, struct json_pool *pool);
// Replace; NULL or "" removes.
void labels_put(struct label_set *set, const char *name, const char *value);
// The same for a list, without duplicates and without what does not fit on a line.
void labels_put_list(struct label_set *set, const char *name, const struct json_strings *list);
void label_print_list(struct json_out *o, const char *member, const char *value);

// --- jwt.c: what a login gives ---------------------------------------------------------------

struct jwt {
    char sub[ID_MAX], usr[NAME_MAX_LEN + 1];
    uint64_t iat, exp; // seconds since 1970
};
#define JWT_MAX 512
const char *jwt_make(const unsigned char key[32], const struct jwt *claims, char out[JWT_MAX]);
// Is it one of ours, signed with this key? Says nothing about exp.
bool jwt_read(const unsigned char key[32], const char *text, struct jwt *ret);
bool jwt_looks_like(const char *text);

// --- answer.c ----------------------------------------------------------------------------------

#define ANSWER_MAX (64u << 20)
void reply_text(struct http_req *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void reply_json(struct http_req *r, struct buf *take);
void reply_err(struct http_req *r, const struct err *e);
// Read the body, ignoring what the table does not know. False: answered.
bool read_body(struct http_req *r, const struct json_table *t, unsigned flags,
               struct json_pool *pool, void *ret);

// Of a verb that failed, in this dialect's words: the request is finished.
void call_fail(struct dialect_call *c, const struct err *e);
static inline struct sandboxed_sh *dialect_of(const struct http_req *r)
{
    return dialect_state(r);
}

// --- auth.c, default.c, workspace.c --------------------------------------------------------------

bool gate(struct http_req *r);
// The default host workspace, or NULL while there is none.
struct workspace *default_find(struct sandboxed_sh *s);
// True: it exists. False: it is being made and the request is handled afterwards.
bool default_ready(struct http_req *r);
// The workspace of the request's {id}, or NULL: answered.
struct workspace *workspace_of(struct http_req *r);
// The same, after a verb has ended.
struct workspace *workspace_again(struct dialect_call *c);
bool is_container(const struct workspace *ws);
const char *workspace_uuid(struct sandboxed_sh *s, const struct workspace *ws, char out[UUID_MAX]);
const char *workspace_name(const struct workspace *ws);
const char *workspace_path(const struct workspace *ws);
const char *workspace_distro(const struct workspace *ws); // NULL: none
const char *workspace_script(const struct workspace *ws); // NULL: none
void workspace_print(struct json_out *o, struct sandboxed_sh *s, const struct workspace *ws,
                     const char *status);
void workspace_reply(struct http_req *r, const struct workspace *ws);
const char *const *env_of(struct json_pool *pool, const struct json_map *map);

// --- log.c: the end of a log -----------------------------------------------------------------------

#define LOG_LINES 500
struct log_tail {
    struct output_read read;
    struct dialect_call *call;
    char build_id[ID_MAX]; // whose log; "": the init script's
    struct buf text;       // the last of it
    uint64_t lines;
    bool line_open;
    // Once, perhaps before log_tail_start returns. err.code ERR_NONE: text and lines are filled.
    void (*on_end)(struct log_tail *t, const struct err *err);
};
// The log of a build, or with "" of the init script of c->workspace.
void log_tail_start(struct log_tail *t, struct dialect_call *c, const char *build_id,
                    void (*on_end)(struct log_tail *, const struct err *));
// The last lines of it, without the last newline.
const char *log_tail_lines(const struct log_tail *t, size_t max_lines, size_t *ret_len);
void log_tail_release(struct log_tail *t);

// --- missions ------------------------------------------------------------------------------------

// A mission is a task with these labels; what is said in it is one run and its turns.
#define LABEL_SOURCE "source"
#define SOURCE_MISSION "sandboxed_sh"
#define LABEL_WORKSPACE "workspace" // the core's id; none: the default one
#define LABEL_AGENT "agent"         // of the library: kept and shown
#define LABEL_BACKEND "backend"
#define LABEL_MODEL "model"
#define LABEL_EFFORT "effort"
const char *mission_status(enum task_status s);   // "pending"; words.c
const char *backend_tool(const char *backend);    // NULL: there is none
extern const char *const mission_states[];        // for bodies, in the order of:
extern const enum task_status mission_statuses[]; // what each is
// What an event is here, NULL for nothing; and the bits of all that are one of a list ("a,b").
const char *mission_event(enum event_type t);
bool mission_types(const char *list, uint64_t *ret);
extern const uint64_t mission_events;

struct item *mission_find(struct sandboxed_sh *s, const char *uuid); // NULL: there is none
struct item *mission_of(struct http_req *r);                         // of {id}; NULL: answered
struct item *mission_loaded(struct http_req *r);                     // NULL: none is
void mission_print(struct json_out *o, struct sandboxed_sh *s, const struct item *it);
void mission_reply(struct dialect_call *c, const struct item *it);
uint64_t mission_event_types(const struct run *run); // those that its tool does not tell twice
void mission_event_data(struct json_out *o, const struct run *run, const struct run_event *ev);
void reply_ok(struct dialect_call *c, const char *name, const char *uuid); // {"ok": true, NAME}

// --- handlers ------------------------------------------------------------------------------------

void on_login(struct http_req *r);
void on_verify(struct http_req *r);
void on_health(struct http_req *r);
void on_stats(struct http_req *r);
void on_list(struct http_req *r);
void on_create(struct http_req *r);
void on_get(struct http_req *r);
void on_update(struct http_req *r);
void on_delete(struct http_req *r);
void on_build(struct http_req *r);
void on_sync(struct http_req *r);
void on_exec(struct http_req *r);
void on_debug(struct http_req *r);
void on_init_log(struct http_req *r);
void on_rerun_init(struct http_req *r);
void on_missions(struct http_req *r);
void on_mission_create(struct http_req *r);
void on_mission_get(struct http_req *r);
void on_mission_delete(struct http_req *r);
void on_mission_load(struct http_req *r);
void on_mission_status(struct http_req *r);
void on_mission_cancel(struct http_req *r);
void on_mission_resume(struct http_req *r);
void on_mission_events(struct http_req *r);
void on_message(struct http_req *r);
void on_cancel(struct http_req *r);
void on_control_stream(struct http_req *r);
void on_tree(struct http_req *r);
void on_providers(struct http_req *r);
void on_provider_auth(struct http_req *r);
void on_provider_unauth(struct http_req *r);
