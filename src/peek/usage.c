// SPDX-License-Identifier: Apache-2.0
// Tokens in JSON that passes by. The numbers are looked for in the object "usage" (or Gemini's name
// for it) of the document itself, of its "message" or of its "response": what a model or a user puts
// into a text or into a tool's input lies elsewhere, and counts for nothing.
#include <pinfold/peek_answer.h>

#include <pinfold/own.h>
#include <string.h>

enum word {
    WORD_OTHER,
    WORD_HOLDER, // may hold usage
    WORD_USAGE,
    WORD_INPUT,
    WORD_OUTPUT,
    WORD_CACHED,  // beside input
    WORD_INCLUDED // part of input
};
static const struct {
    const char *text;
    enum word word;
} words[] = {
    {"message", WORD_HOLDER},
    {"response", WORD_HOLDER},
    {"usage", WORD_USAGE},
    {"usageMetadata", WORD_USAGE},
    {"input_tokens", WORD_INPUT},
    {"prompt_tokens", WORD_INPUT},
    {"promptTokenCount", WORD_INPUT},
    {"output_tokens", WORD_OUTPUT},
    {"completion_tokens", WORD_OUTPUT},
    {"candidatesTokenCount", WORD_OUTPUT},
    {"cache_read_input_tokens", WORD_CACHED},
    {"cached_tokens", WORD_INCLUDED},
    {"cachedContentTokenCount", WORD_INCLUDED},
};

static unsigned char word_of(const struct peek_json *j)
{
    for (size_t i = 0; i < N_ELEMS(words) && !j->too_long; i++)
        if (strlen(words[i].text) == j->word_len && !memcmp(words[i].text, j->word, j->word_len))
            return (unsigned char)words[i].word;
    return WORD_OTHER;
}

// Is the object at this depth one of usage?
static bool is_usage(const struct peek_json *j, unsigned depth)
{
    return (depth == 2 && j->key[1] == WORD_USAGE) ||
           (depth == 3 && j->key[1] == WORD_HOLDER && j->key[2] == WORD_USAGE);
}

static void keep(uint64_t *to, uint64_t v)
{
    *to = v > *to ? v : *to; // events repeat the counts as they grow
}

static void number_ended(struct peek_json *j)
{
    unsigned d = j->depth;
    j->in_number = false;
    if (!d || d > USAGE_DEPTH)
        return;
    enum word w = (enum word)j->key[d];
    // The details of a number are in an object of their own.
    if (!is_usage(j, d) && !(w == WORD_INCLUDED && is_usage(j, d - 1)))
        return;
    j->known |= w >= WORD_INPUT;
    if (w == WORD_INPUT)
        keep(&j->input, j->number);
    else if (w == WORD_OUTPUT)
        keep(&j->output, j->number);
    else if (w == WORD_CACHED)
        keep(&j->cached, j->number);
    else if (w == WORD_INCLUDED)
        keep(&j->included, j->number);
}

static void in_string(struct peek_json *j, char c)
{
    if (c == '\n') { // no string goes over a line's end: it was none
        *j = (struct peek_json){.input = j->input,
                                .output = j->output,
                                .cached = j->cached,
                                .included = j->included,
                                .known = j->known};
    } else if (j->escaped) {
        j->escaped = false;
        j->too_long = true; // no key of ours has one
    } else if (c == '\\') {
        j->escaped = true;
    } else if (c == '"') {
        j->in_string = false;
    } else if (j->word_len < USAGE_WORD) {
        j->word[j->word_len++] = c;
    } else {
        j->too_long = true;
    }
}

static void outside(struct peek_json *j, char c)
{
    bool kept = j->depth && j->depth <= USAGE_DEPTH;
    switch (c) {
    case '"':
        j->in_string = true;
        j->too_long = false;
        j->word_len = 0;
        return;
    case ':':
        if (kept)
            j->key[j->depth] = word_of(j);
        return;
    case '[':
        if (kept)
            j->key[j->depth] = WORD_OTHER; // nothing in a list is it
        j->depth += j->depth > 0;          // but a list around all
        return;
    case '{':
        j->depth++;
        if (j->depth <= USAGE_DEPTH)
            j->key[j->depth] = WORD_OTHER;
        return;
    case ']':
    case '}':
        j->depth -= j->depth > 0;
        return;
    default:
        return;
    }
}

void peek_json(struct peek_json *j, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (j->in_string) {
            in_string(j, c);
            continue;
        }
        if (c >= '0' && c <= '9') {
            if (!j->in_number)
                j->number = 0;
            j->in_number = true;
            if (j->number < UINT64_C(1) << 50)
                j->number = j->number * 10 + (uint64_t)(c - '0');
            continue;
        }
        if (j->in_number)
            number_ended(j);
        outside(j, c);
    }
}
