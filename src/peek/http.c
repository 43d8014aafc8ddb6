// SPDX-License-Identifier: Apache-2.0
// HTTP/1 requests: the head, what of it goes on, and where the body ends.
#include <pinfold/peek.h>

#include <pinfold/own.h>
#include <string.h>
#include <strings.h>

static bool token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is(struct slice s, const char *word)
{
    return s.n == strlen(word) && !strncasecmp(s.p, word, s.n);
}

static struct slice trim(struct slice s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static int bad(struct err *e, const char *what)
{
    return err_set(e, ERR_BAD_REQUEST, "%s", what);
}

// The next line without its end. 0 when there is none yet.
static int line(const char *p, size_t n, size_t *at, struct slice *ret, struct err *e)
{
    const char *end = memchr(p + *at, '\n', n - *at);
    size_t len = end ? (size_t)(end - p) - *at : n - *at;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[*at + i];
        bool last = i + 1 == len;
        if (c == '\r' ? !last : (c < ' ' && c != '\t') || c == 0x7f)
            return bad(e, "the head holds a control byte");
    }
    if (!end)
        return 0;
    if (!len || p[*at + len - 1] != '\r')
        return bad(e, "a line does not end in CR LF");
    *ret = (struct slice){p + *at, len - 1};
    *at += len + 1;
    return 1;
}

static int target(struct peek_http *h, struct err *e)
{
    struct slice t = h->target;
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] > '~')
            return bad(e, "the target holds a byte that no URL has");
    if (is(h->method, "CONNECT")) {
        h->form = FORM_AUTHORITY;
        h->authority = t;
    } else if (t.n && *t.p == '/') {
        h->form = FORM_ORIGIN;
        h->path = t;
    } else if (t.n > 7 && !strncasecmp(t.p, "http://", 7)) {
        h->form = FORM_ABSOLUTE;
        size_t n = 7;
        while (n < t.n && !strchr("/?#", t.p[n]))
            n++;
        h->authority = (struct slice){t.p + 7, n - 7};
        h->path = (struct slice){t.p + n, t.n - n};
        if (memchr(h->authority.p, '@', h->authority.n))
            return bad(e, "the target holds a credential");
    } else if (is(t, "*")) {
        h->form = FORM_ASTERISK;
        h->path = t;
    } else {
        return bad(e, "the target is neither a path nor an http:// URL");
    }
    return 0;
}

static int request_line(struct slice s, struct peek_http *h, struct err *e)
{
    const char *a = memchr(s.p, ' ', s.n), *b = a ? memrchr(s.p, ' ', s.n) : NULL;
    if (!a || a == b)
        return bad(e, "the first line is no request");
    h->method = (struct slice){s.p, (size_t)(a - s.p)};
    h->target = (struct slice){a + 1, (size_t)(b - a) - 1};
    struct slice version = {b + 1, s.n - (size_t)(b - s.p) - 1};
    if (!is(version, "HTTP/1.1") && !is(version, "HTTP/1.0"))
        return bad(e, "the request is neither HTTP/1.1 nor HTTP/1.0");
    for (size_t i = 0; i < h->method.n; i++)
        if (!token_char(h->method.p[i]))
            return bad(e, "the method is not a word");
    return h->method.n ? target(h, e) : bad(e, "there is no method");
}

static int split(struct slice s, struct slice *name, struct slice *value, struct err *e)
{
    const char *colon = memchr(s.p, ':', s.n);
    if (!colon || colon == s.p)
        return bad(e, "a header has no name");
    *name = (struct slice){s.p, (size_t)(colon - s.p)};
    *value = trim((struct slice){colon + 1, s.n - name->n - 1});
    for (size_t i = 0; i < name->n; i++) // a blank too: folding, or one before the colon
        if (!token_char(name->p[i]))
            return bad(e, "a header's name is not a word");
    return 0;
}

static int length(struct slice v, struct peek_http *h, struct err *e)
{
    uint64_t sum = 0;
    if (!v.n || v.n > 18 || h->has_length)
        return bad(e, "Content-Length is not one number");
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return bad(e, "Content-Length is not one number");
        sum = sum * 10 + (uint64_t)(v.p[i] - '0');
    }
    h->has_length = true;
    h->length = sum;
    return 0;
}

static int header(struct slice name, struct slice value, struct peek_http *h, struct err *e)
{
    if (is(name, "Host")) {
        if (h->host.p)
            return bad(e, "there are two Host headers");
        h->host = value;
    } else if (is(name, "Content-Length")) {
        return length(value, h, e);
    } else if (is(name, "Transfer-Encoding")) {
        if (h->chunked || !is(value, "chunked"))
            return bad(e, "Transfer-Encoding is not chunked alone");
        h->chunked = true;
    } else if (is(name, "Upgrade")) {
        h->upgrade = is(value, "websocket"); // no other is passed on: HTTP/2 would hide requests
    }
    return 0;
}

int peek_http(const char *p, size_t n, struct peek_http *ret, struct err *e)
{
    struct peek_http h = {0};
    struct slice s, name, value;
    size_t at = 0, room = n < PEEK_HEAD_MAX ? n : PEEK_HEAD_MAX;
    for (unsigned i = 0;; i++) {
        int r = line(p, room, &at, &s, e);
        if (r == 0 && n >= PEEK_HEAD_MAX)
            return err_set(e, ERR_LIMIT, "the head is larger than %d bytes", PEEK_HEAD_MAX);
        if (r <= 0)
            return r;
        if (i > PEEK_HEADERS_MAX)
            return err_set(e, ERR_LIMIT, "there are more than %d headers", PEEK_HEADERS_MAX);
        if (i && !s.n)
            break;
        if (i ? split(s, &name, &value, e) || header(name, value, &h, e) : request_line(s, &h, e))
            return -1;
    }
    if (h.chunked && h.has_length)
        return bad(e, "there are both Content-Length and Transfer-Encoding");
    h.len = at;
    *ret = h;
    return 1;
}

// Is the header named in a Connection header's list?
static bool listed(struct slice list, struct slice name)
{
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        struct slice word = trim((struct slice){list.p, n});
        if (word.n == name.n && !strncasecmp(word.p, name.p, name.n))
            return true;
        n += comma ? 1 : 0;
        list.p += n;
        list.n -= n;
    }
    return false;
}

static bool stays_here(struct slice name, struct slice connection, const struct peek_http *h)
{
    static const char *const hop[] = {"Host",       "Connection",          "Proxy-Connection",
                                      "Keep-Alive", "Proxy-Authorization", "TE"};
    static const char *const goes_on[] = {"Content-Length", "Transfer-Encoding"};
    if (is(name, "Upgrade"))
        return !h->upgrade;
    for (size_t i = 0; i < N_ELEMS(hop); i++)
        if (is(name, hop[i]))
            return true;
    for (size_t i = 0; i < N_ELEMS(goes_on); i++)
        if (is(name, goes_on[i]))
            return false; // whatever a Connection header says: it is how the body is read
    return listed(connection, name);
}

static bool dropped(struct slice name, const struct peek_change *c)
{
    for (const char *const *d = c ? c->drop : NULL; d && *d; d++)
        if (is(name, *d))
            return true;
    return false;
}

static int first_lines(const struct peek_http *h, const char *host, const struct peek_change *c,
                       struct buf *out)
{
    struct slice path = c && c->path ? (struct slice){c->path, strlen(c->path)} : h->path;
    const char *slash = path.n && *path.p != '?' && *path.p != '#' ? "" : "/";
    const char *fragment = path.n ? memchr(path.p, '#', path.n) : NULL;
    if (fragment) // the client's own
        path.n = (size_t)(fragment - path.p);
    return buf_append(out, h->method.p, h->method.n) || buf_printf(out, " %s", slash) ||
           buf_append(out, path.n ? path.p : "", path.n) ||
           buf_printf(out, " HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\n", host,
                      h->upgrade ? "Upgrade" : "close") ||
           buf_puts(out, c && c->add ? c->add : "");
}

int peek_http_rewrite(const char *p, const struct peek_http *h, const char *host,
                      const struct peek_change *change, struct buf *out)
{
    struct slice s, name, value, connection = {0};
    size_t at = 0;
    for (int pass = 0; pass < 2; pass++) {
        at = 0;
        (void)line(p, h->len, &at, &s, NULL);
        if (pass && first_lines(h, host, change, out))
            return -1;
        while (line(p, h->len, &at, &s, NULL) > 0 && s.n) {
            if (split(s, &name, &value, NULL))
                return -1; // it was split before
            if (!pass && is(name, "Connection"))
                connection = value;
            if (pass && !stays_here(name, connection, h) && !dropped(name, change) &&
                (buf_append(out, s.p, s.n) || buf_puts(out, "\r\n")))
                return -1;
        }
    }
    return buf_puts(out, "\r\n");
}

// --- the body ----------------------------------------------------------------------------------

#define LINE_MAX_BYTES 4096 // of a chunk's size and extension, of all trailers

void peek_body_of(const struct peek_http *h, struct peek_body *ret)
{
    *ret = (struct peek_body){.chunked = h->chunked, .left = h->chunked ? 0 : h->length};
    ret->at = h->chunked ? BODY_SIZE : ret->left ? BODY_COUNT : BODY_DONE;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// After a chunk's size: extensions are let through, bounded, and the line ends in CR LF.
static int size_line(struct peek_body *b, char c)
{
    int d = b->at == BODY_SIZE && !b->cr ? hex(c) : -1;
    if (++b->line > LINE_MAX_BYTES)
        return -1;
    if (d >= 0) {
        b->left = b->left << 4 | (unsigned)d;
        return ++b->digits > 15 ? -1 : 0;
    }
    if (!b->digits || (b->cr && c != '\n') || (!b->cr && c == '\n'))
        return -1;
    if (c == '\r') {
        b->cr = true;
        return 0;
    }
    if (c != '\n') {
        if (b->at == BODY_SIZE && c != ';' && c != ' ' && c != '\t')
            return -1;
        b->at = BODY_EXT;
        return (unsigned char)c < ' ' && c != '\t' ? -1 : 0;
    }
    b->at = b->left ? BODY_COUNT : BODY_TRAILER;
    b->cr = false;
    b->digits = b->line = 0;
    return 0;
}

// Trailers up to an empty line; `line` counts the bytes of the one that is read.
static int trailer(struct peek_body *b, char c)
{
    if (++b->trailer > LINE_MAX_BYTES || (b->cr && c != '\n') || (!b->cr && c == '\n'))
        return -1;
    if (c == '\r') {
        b->cr = true;
        return 0;
    }
    if (c != '\n') {
        b->line++;
        return (unsigned char)c < ' ' && c != '\t' ? -1 : 0;
    }
    if (!b->line)
        b->at = BODY_DONE;
    b->cr = false;
    b->line = 0;
    return 0;
}

static int data_end(struct peek_body *b, char c)
{
    if (c != (b->cr ? '\n' : '\r'))
        return -1;
    if (b->cr)
        b->at = BODY_SIZE;
    b->cr = !b->cr;
    return 0;
}

int peek_body(struct peek_body *b, const char *p, size_t n, size_t *ret_used)
{
    size_t at = 0;
    int r = 0;
    while (at < n && b->at != BODY_DONE && !r) {
        if (b->at == BODY_COUNT) {
            size_t take = n - at < b->left ? n - at : (size_t)b->left;
            at += take;
            b->left -= take;
            if (!b->left)
                b->at = b->chunked ? BODY_DATA_END : BODY_DONE;
            continue;
        }
        char c = p[at++];
        r = b->at == BODY_DATA_END  ? data_end(b, c)
            : b->at == BODY_TRAILER ? trailer(b, c)
                                    : size_line(b, c);
    }
    *ret_used = at;
    return r ? -1 : b->at == BODY_DONE;
}
