// SPDX-License-Identifier: Apache-2.0
// The connection to the server.
#include "client_int.h"
#include "curl_int.h"

#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

#define LINE_MAX_BYTES (16u << 20) // one event: a chunk of output in base 64 is far below

struct client {
    const struct curl_calls *lib;
    CURL *curl;
    struct curl_slist *headers, *stream_headers;
    char *url, *authorization; // a header; NULL: none
};

struct transfer {
    struct client *cl;
    struct buf *out;              // the whole answer, or what is not yet a line
    struct client_stream *stream; // NULL: collected
    struct client_sink *sink;     // takes a good answer's bytes; NULL: they are collected
    struct err *e;
    bool failed; // by on_line
};

// Take whole lines off the front of what has come.
static int take_lines(struct transfer *t)
{
    char *start = t->out->data, *end;
    size_t left = t->out->len;
    while ((end = memchr(start, '\n', left))) {
        *end = '\0';
        if (end > start && t->stream->on_line(t->stream, start, (size_t)(end - start), t->e))
            return -1;
        left -= (size_t)(end + 1 - start);
        start = end + 1;
    }
    buf_drop_front(t->out, t->out->len - left);
    return 0;
}

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    long status = 0;
    (void)t->cl->lib->easy_getinfo(t->cl->curl, CURLINFO_RESPONSE_CODE, &status);
    if (t->sink && status < 300) {
        t->failed = t->sink->on_bytes(t->sink, p, size * n, t->e) != 0;
        return t->failed ? 0 : size * n;
    }
    if (buf_append(t->out, p, size * n)) {
        t->failed = true;
        (void)err_set(t->e, ERR_LIMIT, "the answer is larger than %zu bytes", t->out->max);
        return 0;
    }
    if (t->stream && status < 300 && take_lines(t)) {
        t->failed = true;
        return 0;
    }
    return n * size;
}

// --- errors ---------------------------------------------------------------------------------

struct problem {
    const char *title, *detail, *code, *remedy;
};
static const struct json_field problem_fields[] = {
    JSON_FIELD(struct problem, title, JSON_STRING, .max = 4096),
    JSON_FIELD(struct problem, detail, JSON_STRING, .max = 65536),
    JSON_FIELD(struct problem, code, JSON_STRING, .max = 64),
    JSON_FIELD(struct problem, remedy, JSON_STRING, .max = 4096),
};
static const struct json_table problem_table = {"Problem", problem_fields, N_ELEMS(problem_fields),
                                                sizeof(struct problem), -1};

static enum err_code code_of(long status)
{
    switch (status) {
    case 400:
    case 422:
        return ERR_BAD_REQUEST;
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 413:
    case 429:
        return ERR_LIMIT;
    case 503:
        return ERR_BUSY;
    default:
        return ERR_INTERNAL;
    }
}

int client_problem(long status, const struct buf *body, struct err *e)
{
    own_json_pool struct json_pool pool;
    struct json_fault f;
    struct problem p = {0};
    json_pool_init(&pool);
    (void)json_read(&problem_table, body->data, body->len, JSON_IGNORE_UNKNOWN, &pool, &p, &f);
    const char *what = p.detail ? p.detail : p.title;
    if (!what)
        return err_set(e, code_of(status), "the server answered %ld", status);
    return err_set(e, code_of(status), "%s%s%s%s", what, p.remedy ? " (" : "",
                   p.remedy ? p.remedy : "", p.remedy ? ")" : "");
}

// --- requests -------------------------------------------------------------------------------

// The token goes to the named server and to no other: no redirects, no proxy on loopback.
static void prepare(struct client *cl, const char *url)
{
    const struct curl_calls *lib = cl->lib;
    CURL *c = cl->curl;
    lib->easy_reset(c);
    (void)lib->easy_setopt(c, CURLOPT_URL, url);
    (void)lib->easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L);
    (void)lib->easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)lib->easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)lib->easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)lib->easy_setopt(c, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
}

const struct curl_calls *client_connect(struct client *cl, CURL **ret, struct err *e)
{
    prepare(cl, cl->url);
    (void)cl->lib->easy_setopt(cl->curl, CURLOPT_CONNECT_ONLY, 1L);
    // What travels is of HTTP/1.1: no other is to be agreed on.
    (void)cl->lib->easy_setopt(cl->curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
    CURLcode r = cl->lib->easy_perform(cl->curl);
    if (r != CURLE_OK) {
        (void)err_set(e, ERR_BUSY, "%s: %s", cl->url, cl->lib->easy_strerror(r));
        return NULL;
    }
    *ret = cl->curl;
    return cl->lib;
}

char *client_upgrade(const struct client *cl, const char *path, const char *key)
{
    const char *host = strstr(cl->url, "://");
    host = host ? host + 3 : cl->url;
    size_t n = strcspn(host, "/");
    return xasprintf(
        "GET %s%s HTTP/1.1\r\nHost: %.*s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s%s\r\n",
        host + n, path, (int)n, host, key, cl->authorization ? cl->authorization : "",
        cl->authorization ? "\r\n" : "");
}

static int perform(struct client *cl, const char *method, const char *path, const struct buf *body,
                   struct transfer *t)
{
    const struct curl_calls *lib = cl->lib;
    CURL *c = cl->curl;
    own_free char *url = xasprintf("%s%s", cl->url, path);
    prepare(cl, url);
    (void)lib->easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    (void)lib->easy_setopt(c, CURLOPT_HTTPHEADER, t->stream ? cl->stream_headers : cl->headers);
    (void)lib->easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    (void)lib->easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (body) {
        (void)lib->easy_setopt(c, CURLOPT_POSTFIELDS, body->data);
        (void)lib->easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    }
    CURLcode r = lib->easy_perform(c);
    long status = 0;
    (void)lib->easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    if (t->failed)
        return -1;
    if (r != CURLE_OK)
        return err_set(t->e, status ? ERR_LOST : ERR_BUSY, "%s: %s", cl->url,
                       lib->easy_strerror(r));
    return status < 300 ? 0 : client_problem(status, t->out, t->e);
}

int client_call(struct client *cl, const char *method, const char *path, const struct buf *body,
                struct buf *out, struct err *e)
{
    struct transfer t = {.cl = cl, .out = out, .e = e};
    buf_clear(out);
    return perform(cl, method, path, body, &t);
}

int client_follow(struct client *cl, const char *method, const char *path, const struct buf *body,
                  struct client_stream *s, struct err *e)
{
    own_buf struct buf lines;
    buf_init(&lines, LINE_MAX_BYTES);
    struct transfer t = {.cl = cl, .out = &lines, .stream = s, .e = e};
    return perform(cl, method, path, body, &t);
}

int client_fetch(struct client *cl, const char *path, struct client_sink *s, struct err *e)
{
    own_buf struct buf refusal;
    buf_init(&refusal, ANSWER_MAX);
    struct transfer t = {.cl = cl, .out = &refusal, .sink = s, .e = e};
    return perform(cl, "GET", path, NULL, &t);
}

char *client_part(const char *s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    own_buf struct buf b;
    buf_init(&b, 1u << 20);
    for (; *s; s++)
        (void)(strchr(plain, *s) ? buf_putc(&b, *s) : buf_printf(&b, "%%%02X", (unsigned char)*s));
    return buf_steal(&b, NULL);
}

// --- where and who --------------------------------------------------------------------------

// Root on the server's own machine needs no token in its environment.
static char *token_of(const struct cli *c)
{
    const char *given = cli_get(c, "token") ? cli_get(c, "token") : getenv("PINFOLD_TOKEN");
    if (given)
        return xstrdup(given);
    own_buf struct buf text;
    buf_init(&text, 256);
    bool there;
    own_fd int dir = geteuid() == 0 ? host_state_look(c, &there, NULL) : -1;
    if (dir < 0 || !there || io_read_file(dir, "admin.token", &text, NULL))
        return NULL;
    text.data[strcspn(text.data, "\r\n")] = '\0';
    return xstrdup(text.data);
}

static void add_header(struct client *cl, const char *header)
{
    cl->headers = cl->lib->slist_append(cl->headers, header);
    cl->stream_headers = cl->lib->slist_append(cl->stream_headers, header);
}

bool cli_names_server(const struct cli *c)
{
    return cli_get(c, "url") || getenv("PINFOLD_URL");
}

int cli_client(struct cli *c, struct err *e)
{
    static struct client cl; // one server for one command, until the process ends
    const char *url = cli_get(c, "url") ? cli_get(c, "url") : getenv("PINFOLD_URL");
    own_free char *token = token_of(c);
    if (!(cl.lib = client_curl(e)))
        return -1;
    if (cl.lib->global_init(CURL_GLOBAL_DEFAULT) || !(cl.curl = cl.lib->easy_init()))
        return err_set(e, ERR_INTERNAL, "libcurl does not start");
    cl.url = xstrdup(url && *url ? url : "http://127.0.0.1:7070");
    size_t n = strlen(cl.url);
    while (n && cl.url[n - 1] == '/')
        cl.url[--n] = '\0';
    if (token) {
        if (token[strcspn(token, "\r\n")])
            return err_set(e, ERR_BAD_REQUEST, "the token has a line break in it");
        cl.authorization = xasprintf("Authorization: Bearer %s", token);
        add_header(&cl, cl.authorization);
    }
    add_header(&cl, "Content-Type: application/json");
    add_header(&cl, "Expect:"); // no round trip before a body
    cl.headers = cl.lib->slist_append(cl.headers, "Accept: application/json");
    cl.stream_headers = cl.lib->slist_append(cl.stream_headers, "Accept: application/x-ndjson");
    c->client = &cl;
    return 0;
}
