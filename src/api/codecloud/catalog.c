// SPDX-License-Identifier: Apache-2.0
// Providers and models. The original's come from a service on the web; what is true here is what the
// operator has configured.
#include "codecloud_int.h"

#include <pinfold/core_secret.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define MODELS_OF_ONE 5

static const struct kind {
    const char *id, *name, *key, *placeholder, *url_key;
} kinds[] = {
    {"anthropic", "Anthropic", "ANTHROPIC_API_KEY", "sk-ant-...", NULL},
    {"openai", "OpenAI", "OPENAI_API_KEY", "sk-...", NULL},
    {"gemini", "Google Gemini", "GEMINI_API_KEY", "AIza...", NULL},
    {"openai-compatible", "OpenAI compatible", "OPENAI_API_KEY", "sk-...", "OPENAI_BASE_URL"},
};

static void print_credential(struct json_out *o, const char *key, const char *label,
                             const char *placeholder)
{
    json_begin(o, NULL);
    json_str(o, "key", key);
    json_str(o, "label", label);
    json_bool(o, "required", true);
    json_str(o, "placeholder", placeholder);
    json_end(o);
}

void codecloud_providers(struct http_req *r)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_begin_array(&a.o, "providers");
    for (size_t i = 0; i < N_ELEMS(kinds); i++) {
        json_begin(&a.o, NULL);
        json_str(&a.o, "id", kinds[i].id);
        json_str(&a.o, "name", kinds[i].name);
        json_begin_array(&a.o, "credentials");
        print_credential(&a.o, kinds[i].key, "API Key", kinds[i].placeholder);
        if (kinds[i].url_key)
            print_credential(&a.o, kinds[i].url_key, "Base URL", "https://...");
        json_end_array(&a.o);
        json_end(&a.o);
    }
    json_end_array(&a.o);
    json_end(&a.o);
    dialect_answer_send(r, 200, &a);
}

// An agent's model calls tools, or it is of no use here; whether it reasons nobody has said.
static void print_models(struct json_out *o, const struct secret_info *p)
{
    json_begin_array(o, p->name);
    for (unsigned i = 0; i < MODELS_OF_ONE && p->models && p->models[i]; i++) {
        json_begin(o, NULL);
        json_str(o, "id", p->models[i]);
        json_str(o, "name", p->models[i]);
        json_bool(o, "reasoning", false);
        json_bool(o, "toolCall", true);
        json_end(o);
    }
    json_end_array(o);
}

void codecloud_models(struct http_req *r)
{
    struct dialect_answer a;
    struct secret_info *all[SECRETS_MAX];
    char source[300];
    const char *only = http_query(r, "provider");
    size_t n = core_secret_list(dialect_core(r), true, all);
    uint64_t at = core_stats(dialect_core(r))->started_ms;
    for (size_t i = 0; i < n; i++)
        at = all[i]->updated_ms > at ? all[i]->updated_ms : at;
    (void)snprintf(source, sizeof(source), "http%s://%.200s/v1/providers", r->tls ? "s" : "",
                   http_header(r, "host"));
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_time(&a.o, "generatedAt", at);
    json_str(&a.o, "source", source);
    json_begin(&a.o, "models");
    for (size_t i = 0; i < n; i++)
        if (!only || !strcmp(only, all[i]->name))
            print_models(&a.o, all[i]);
    json_end(&a.o);
    json_end(&a.o);
    dialect_answer_send(r, 200, &a);
}
