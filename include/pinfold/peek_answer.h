// SPDX-License-Identifier: Apache-2.0
// What an HTTP/1 answer says about the use of a model, read from its bytes as they pass: the status,
// and the tokens that its JSON or its events count (Anthropic's, OpenAI's and Gemini's names). Pure,
// of constant size; what it does not understand it does not count.
#pragma once
#include <pinfold/peek.h>

struct peek_usage {
    uint64_t input, output, cached; // input without what came from a cache
    bool known;
};

#define USAGE_DEPTH 4 // of the objects that usage is looked for in
#define USAGE_WORD 40 // of a key
struct peek_json {
    bool in_string, escaped, in_number, too_long;
    unsigned depth;
    unsigned char key[USAGE_DEPTH + 1]; // the last one of the object at each depth
    char word[USAGE_WORD];
    unsigned word_len;
    uint64_t number;
    // As named in the answer: included ones are part of input.
    uint64_t input, output, cached, included;
    bool known;
};
void peek_json(struct peek_json *j, const char *p, size_t n);

struct peek_answer {
    enum { ANSWER_HEAD, ANSWER_BODY, ANSWER_OTHER } at;
    unsigned status; // 0: not known yet
    char line[128];  // of the head, its beginning
    unsigned line_len, n_lines;
    bool chunked, encoded;
    struct peek_body body;
    struct peek_json json;
};
// Zero it, then feed it all bytes in their order.
void peek_answer(struct peek_answer *a, const char *p, size_t n);
void peek_answer_usage(const struct peek_answer *a, struct peek_usage *ret);
