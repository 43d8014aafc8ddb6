// SPDX-License-Identifier: Apache-2.0
// An answer's head, as far as it says how to read its body, and the body without its chunks.
#include <pinfold/peek_answer.h>

#include <string.h>
#include <strings.h>

#define LINES_MAX 1000 // then it is no head

static bool begins(const struct peek_answer *a, const char *name)
{
    size_t n = strlen(name);
    return a->line_len > n && !strncasecmp(a->line, name, n);
}

static void head_ended(struct peek_answer *a)
{
    if (a->status >= 100 && a->status < 200 && a->status != 101) {
        *a = (struct peek_answer){0}; // the real one follows
        return;
    }
    a->at = a->encoded || a->status == 101 ? ANSWER_OTHER : ANSWER_BODY;
    a->body = (struct peek_body){.at = BODY_SIZE, .chunked = true};
}

static void line_ended(struct peek_answer *a)
{
    const char *p = a->line;
    if (!a->n_lines++) {
        bool good = a->line_len >= 12 && !memcmp(p, "HTTP/1.", 7) && p[8] == ' ';
        for (unsigned i = 9; i < 12 && good; i++)
            good = p[i] >= '0' && p[i] <= '9';
        if (good)
            a->status = (unsigned)(p[9] - '0') * 100 + (unsigned)(p[10] - '0') * 10 +
                        (unsigned)(p[11] - '0');
        else
            a->at = ANSWER_OTHER;
    } else if (!a->line_len) {
        head_ended(a);
    } else if (begins(a, "Transfer-Encoding:")) {
        a->chunked = true;
    } else if (begins(a, "Content-Encoding:")) {
        a->encoded = true;
    }
    if (a->n_lines > LINES_MAX)
        a->at = ANSWER_OTHER;
    a->line_len = 0;
}

static void in_head(struct peek_answer *a, char c)
{
    if (c == '\n') {
        if (a->line_len && a->line[a->line_len - 1] == '\r')
            a->line_len--;
        line_ended(a);
    } else if (a->line_len < sizeof(a->line)) {
        a->line[a->line_len++] = c;
    } else {
        a->line[sizeof(a->line) - 1] = c; // so that its end is still seen
    }
}

static size_t in_body(struct peek_answer *a, const char *p, size_t n)
{
    size_t used = n;
    if (!a->chunked) {
        peek_json(&a->json, p, n);
        return n;
    }
    bool data = a->body.at == BODY_COUNT;
    if (data && a->body.left < n)
        n = (size_t)a->body.left;
    else if (!data)
        n = 1;
    if (data)
        peek_json(&a->json, p, n);
    if (peek_body(&a->body, p, n, &used))
        a->at = ANSWER_OTHER; // its end, or no chunks
    return used ? used : 1;
}

void peek_answer(struct peek_answer *a, const char *p, size_t n)
{
    while (n && a->at != ANSWER_OTHER) {
        size_t used = 1;
        if (a->at == ANSWER_HEAD)
            in_head(a, *p);
        else
            used = in_body(a, p, n);
        p += used;
        n -= used;
    }
}

void peek_answer_usage(const struct peek_answer *a, struct peek_usage *ret)
{
    struct peek_json j = a->json;
    peek_json(&j, " ", 1); // a number that is the last thing
    *ret = (struct peek_usage){.input = j.input - (j.included < j.input ? j.included : j.input),
                               .output = j.output,
                               .cached = j.cached + j.included,
                               .known = j.known};
}
