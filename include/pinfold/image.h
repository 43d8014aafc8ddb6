// SPDX-License-Identifier: Apache-2.0
// An image file (images/NAME.image, grammar in images/README.md) read into the list of steps that
// build a root. Every step that makes an image layer has a content key, the hexadecimal SHA-256 of
// the key before it and of everything the step depends on, so a step whose layer exists is never
// run again. No kernel calls but reading files beneath the directory descriptor that is given.
//
// The caller's loop, with `layers` empty at first:
//   for each step with has_layer: if no layer named step->key exists,
//     start a sandbox of step->profile and step->network: over the host's /usr when host_usr, else
//       over the keys of the steps before it that have a layer, lowest first;
//     run argv with env as uid 0, cwd as said, standard input the `input` bytes (closed when none),
//       output to the build's log; an exit code other than 0 fails the build at this step;
//     commit /workspace/root (from_files) or the overlay's upper as the layer step->key.
// Then a root is image_layers(), and what runs in it gets image->env.
#pragma once
#include <pinfold/err.h>
#include <pinfold/id.h>
#include <pinfold/run.h>
#include <stdbool.h>
#include <stddef.h>

#define IMAGE_KEY_LEN 65    // hexadecimal SHA-256 and its NUL
#define IMAGE_LAYERS_MAX 20 // as many as a sandbox can stack, less what it adds itself
#define IMAGE_STEPS_MAX 64  // with those that make no layer

enum image_base { IMAGE_DEBIAN, IMAGE_UBUNTU, IMAGE_ARCH, IMAGE_HOST, IMAGE_N_BASES };
enum image_step_kind {
    STEP_BASE,
    STEP_PACKAGES,
    STEP_RUN,
    STEP_COPY,
    STEP_ENV,
    STEP_AGENT,
    STEP_N_KINDS
};

struct image_step {
    enum image_step_kind kind;
    char *text;                   // as written in the file; for the base step "debian bookworm"
    char image[NAME_MAX_LEN + 1]; // the file it stands in, which may be one that is extended
    unsigned line;
    bool has_layer; // false for env, which only changes what follows
    char key[IMAGE_KEY_LEN];

    // What to run; nothing when has_layer is false.
    const char *profile; // "bootstrap" or "build"; static
    enum net_mode network;
    bool host_usr;      // in a root of the host's /usr, not of the layers so far
    bool from_files;    // the layer is /workspace/root, not the overlay's upper
    const char *cwd;    // static
    char **argv, **env; // NULL at the end
    char *input;        // NULL: standard input is empty
    size_t input_len;
};

struct image {
    char name[NAME_MAX_LEN + 1];
    char description[160];
    enum image_base base;
    char release[NAME_MAX_LEN + 1]; // "" for arch and host
    bool host_usr;                  // runs over the host's /usr and needs no build
    char key[IMAGE_KEY_LEN];        // of the whole: changes whenever anything does, env too
    char **env;                     // NAME=value, NULL at the end; for whatever runs in the image
    struct image_step steps[IMAGE_STEPS_MAX];
    unsigned n_steps;
};

// What the keys and commands depend on besides the files. NULL members are as "".
struct image_settings {
    // The archive to build this image from, instead of its Mirror=: a URL, or NULL. Of a chain of
    // images only the one that names the base is asked for.
    const char *(*mirror)(void *arg, const char *image);
    void *arg;
    const char *salt; // any text: another salt builds everything again
    const char *arch; // "": this machine's
    int profiles_fd;  // where the files of agents are; 0: an image cannot ask for one
};

// Read images/NAME.image, the images it extends, the scripts in lib/ and the files it copies.
// An error names file and line. The result is the caller's, to image_free().
struct image *image_load(int dir_fd, const char *name, const struct image_settings *s,
                         struct err *e);
void image_free(struct image *im);
// Is this the text of an image file? Looks at nothing else: not at what it extends or copies.
int image_check(const char *name, const char *text, size_t len, struct err *e);
// The keys of its layers, lowest first, borrowed from im; returns how many.
unsigned image_layers(const struct image *im, const char *ret[IMAGE_LAYERS_MAX]);
// The names of all image files in the directory, sorted; *ret and each string are to be freed
// with image_list_free. The files are not parsed.
int image_list(int dir_fd, char ***ret, unsigned *ret_n, struct err *e);
void image_list_free(char **names, unsigned n);

const char *image_base_name(enum image_base b);           // "debian"
const char *image_step_kind_name(enum image_step_kind k); // "packages"
