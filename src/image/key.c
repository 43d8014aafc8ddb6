// SPDX-License-Identifier: Apache-2.0
// Content keys. Every field goes into the hash with its length, so no two lists of fields give
// the same bytes.
#include "image_int.h"

#include <pinfold/crypt.h>
#include <stdint.h>
#include <string.h>

static void add(struct sha256 *s, const void *p, size_t n)
{
    unsigned char len[8];
    for (unsigned i = 0; i < sizeof(len); i++)
        len[i] = (unsigned char)((uint64_t)n >> (8 * i));
    sha256_add(s, len, sizeof(len));
    if (n)
        sha256_add(s, p, n);
}

static void add_text(struct sha256 *s, const char *text)
{
    add(s, text, strlen(text));
}

static void add_list(struct sha256 *s, char *const *v)
{
    for (; v && *v; v++)
        add_text(s, *v);
    add_text(s, "end of list");
}

static void start(struct sha256 *s, const char *what, const char *before)
{
    sha256_init(s);
    add_text(s, what);
    add_text(s, IMAGE_BUILDER_VERSION);
    add_text(s, before);
}

static void end(struct sha256 *s, char ret[IMAGE_KEY_LEN])
{
    unsigned char raw[SHA256_LEN];
    sha256_end(s, raw);
    hex_encode(raw, sizeof(raw), ret);
}

void image_key_step(struct image_step *step, const char *before, const char *arch)
{
    struct sha256 s;
    start(&s, "pinfold image step", before);
    add_text(&s, arch);
    add_text(&s, image_step_kind_name(step->kind));
    add_text(&s, step->has_layer ? step->profile : "");
    add_text(&s, step->has_layer ? net_mode_name(step->network) : "");
    add_text(&s, step->has_layer ? step->cwd : step->text);
    add_text(&s, step->host_usr ? "host" : "layers");
    add_text(&s, step->from_files ? "files" : "upper");
    add_list(&s, step->argv);
    add_list(&s, step->env);
    add(&s, step->input, step->input_len);
    end(&s, step->key);
}

void image_key_text(const char *before, const char *text, char ret[IMAGE_KEY_LEN])
{
    struct sha256 s;
    start(&s, "pinfold image", before);
    add_text(&s, text);
    end(&s, ret);
}
