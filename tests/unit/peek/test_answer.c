// SPDX-License-Identifier: Apache-2.0
#include <pinfold/peek_answer.h>
#include <string.h>
#include <tap.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

static struct peek_usage usage_of(const char *text, size_t step, unsigned *ret_status)
{
    struct peek_answer a = {0};
    struct peek_usage u = {0};
    for (size_t at = 0, n = strlen(text); at < n; at += step)
        peek_answer(&a, text + at, n - at < step ? n - at : step);
    peek_answer_usage(&a, &u);
    *ret_status = a.status;
    return u;
}

static const struct {
    const char *what, *text;
    unsigned status;
    uint64_t input, output, cached;
} rows[] = {
    {"Anthropic's message",
     HEAD
     "\r\n{\"content\": [{\"text\": \"{\\\"usage\\\": {\\\"input_tokens\\\": 9999}}\"}], "
     "\"usage\": {\"input_tokens\": 11, \"cache_read_input_tokens\": 5, \"output_tokens\": 7}}",
     200, 11, 7, 5},
    {"OpenAI's, where the cached ones are part of the input",
     HEAD "\r\n{\"usage\": {\"prompt_tokens\": 20, \"completion_tokens\": 3, "
          "\"prompt_tokens_details\": {\"cached_tokens\": 8}}}",
     200, 12, 3, 8},
    {"Gemini's, the same",
     HEAD "\r\n{\"usageMetadata\": {\"promptTokenCount\": 9, \"candidatesTokenCount\": 2, "
          "\"cachedContentTokenCount\": 4}}",
     200, 5, 2, 4},
    {"events in chunks that cut a word",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3c\r\ndata: {\"message\": {\"usage\": {\"input_tokens\": 30, \"output_tok\r\n"
     "2b\r\nens\": 1}}}\n\ndata: {\"usage\": {\"output_tokens\r\n"
     "b\r\n\": 17}}  \n\n\r\n0\r\n\r\n",
     200, 30, 17, 0},
    {"an answer after an interim one",
     "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" HEAD "\r\n{\"usage\": {\"output_tokens\": 2}}",
     200, 0, 2, 0},
    {"what is packed is not counted",
     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n{\"usage\": {\"output_tokens\": 2}}", 200, 0,
     0, 0},
    {"an error has a status and no use", "HTTP/1.1 429 Too Many Requests\r\n\r\n{\"error\": {}}",
     429, 0, 0, 0},
    {"what is no HTTP has neither", "SSH-2.0-x\r\n\r\n{\"usage\": {\"output_tokens\": 2}}", 0, 0, 0,
     0},
    {"a number without end is none that overflows",
     HEAD "\r\n{\"usage\": {\"output_tokens\": 99999999999999999999999999999}}", 200, 0, UINT64_MAX,
     0},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool same = true;
        unsigned status = 0;
        struct peek_usage u = usage_of(rows[i].text, 1000000, &status);
        is_int(status, rows[i].status, "%s: its status", rows[i].what);
        if (rows[i].output != UINT64_MAX)
            ok(u.input == rows[i].input && u.output == rows[i].output && u.cached == rows[i].cached,
               "%s: %llu in, %llu out, %llu cached", rows[i].what, (unsigned long long)u.input,
               (unsigned long long)u.output, (unsigned long long)u.cached);
        for (size_t step = 1; step < 40; step++) {
            unsigned s = 0;
            struct peek_usage v = usage_of(rows[i].text, step, &s);
            same &= s == status && v.input == u.input && v.output == u.output &&
                    v.cached == u.cached && v.known == u.known;
        }
        ok(same, "%s: in pieces of any size the same", rows[i].what);
    }
    return done_testing();
}
