// SPDX-License-Identifier: Apache-2.0
// The stages of reading an image: parse.c cuts one file's text into lines, load.c reads the chain
// of files with what they need from the directory, steps.c (pure) turns all that into steps.
#pragma once
#include <pinfold/agent_source.h>
#include <pinfold/image.h>

#define IMAGE_FILE_MAX (64u << 10)   // bytes of one .image file or script: they are for reading
#define IMAGE_INPUT_MAX (8u << 20)   // bytes of one copy step: it is held in memory
#define IMAGE_INPUTS_MAX (32u << 20) // and of all of an image's
#define IMAGE_CHAIN_MAX 8            // images that extend one another
#define IMAGE_BUILDER_VERSION "1"    // in every key: raise it when old layers must not be used
// What tools take for the time of the build, so that a layer depends on its inputs only. Any
// fixed time does.
#define IMAGE_SOURCE_DATE "1700000000"
#define IMAGE_SOURCE_TIME 1700000000ull // the same

struct image_line {
    enum image_step_kind kind;
    char *text;
    unsigned line;
    char *input; // of a copy: the tar archive to unpack at /
    size_t input_len;
    struct agent_source *agent; // of an agent: where it comes from
};

struct image_file {
    char name[NAME_MAX_LEN + 1];
    char description[160];
    char extends[NAME_MAX_LEN + 1];
    enum image_base base; // IMAGE_N_BASES when it extends another
    char release[NAME_MAX_LEN + 1];
    char components[128], mirror[256], keyring[256];
    struct image_line lines[IMAGE_STEPS_MAX];
    unsigned n_lines;
};
int image_file_parse(const char *name, const char *text, size_t len, struct image_file *ret,
                     struct err *e);
void image_file_release(struct image_file *f);
// Checks of single values: 0, or -1 with what is wrong.
int image_check_name(const char *v, struct err *e);
int image_check_text(const char *v, struct err *e);
int image_check_components(const char *v, struct err *e);
int image_check_url(const char *v, struct err *e);
int image_check_keyring(const char *v, struct err *e);
extern int (*const image_step_checks[STEP_N_KINDS])(const char *v, struct err *e);
// The two words of a copy line, to free(); they were checked when the file was parsed.
void image_copy_words(const char *text, char **ret_src, char **ret_dst);

// The scripts in lib/ that a kind of base needs; NULL where it needs none.
struct image_base_row {
    const char *name;
    const char *bootstrap, *configure, *packages;
    const char *components; // when the file says none
    bool has_release;
};
extern const struct image_base_row image_bases[IMAGE_N_BASES];

struct image_scripts {
    char *bootstrap, *configure, *packages, *agent; // agent: when a step needs it
};

// Everything the files say, base image first.
struct image_source {
    const char *name, *arch, *salt, *mirror;
    struct image_file *chain[IMAGE_CHAIN_MAX];
    unsigned n_chain;
    size_t copied; // bytes of all copies
    struct image_scripts scripts;
};
struct image *image_assemble(const struct image_source *s, struct err *e);

// A tar archive of the file or directory `src` beneath dir_fd, to be unpacked at / as dst: owned
// by root, modes 0755 and 0644, one fixed time, names in order, so that equal files give equal
// bytes. Refuses what is neither file nor directory.
int image_pack(int dir_fd, const char *src, const char *dst, char **ret, size_t *ret_len,
               struct err *e);

// A list of strings that ends in NULL.
struct strings {
    char **v;
    unsigned n;
};
void strings_add(struct strings *l, const char *s);
void strings_set_env(struct strings *l, const char *assignment); // replaces the same name's
void strings_free(char **v);

// Fill step->key from the key before it and everything that the step runs.
void image_key_step(struct image_step *step, const char *before, const char *arch);
void image_key_text(const char *before, const char *text, char ret[IMAGE_KEY_LEN]);
