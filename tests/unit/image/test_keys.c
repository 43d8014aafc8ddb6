// SPDX-License-Identifier: Apache-2.0
// Keys change exactly when they must: with what a step depends on, for it and for all after it.
#include "image_dir.h"
#include "tap.h"

#define HEAD "[Image]\nBase=debian\nRelease=bookworm\n"
#define STEPS "[Steps]\nPackages=git make\nEnv=A=1\nRun=make all\nCopy=files/motd /etc/motd\n"

static const char *mirror;
static char asked[NAME_MAX_LEN + 1];

static const char *on_mirror(void *arg, const char *image)
{
    (void)arg;
    (void)snprintf(asked, sizeof(asked), "%s", image);
    return mirror;
}

static struct image_settings settings = {.mirror = on_mirror};

static struct image *load(const char *text)
{
    struct err e = {0};
    struct image *im = load_text("k", text, &settings, &e);
    if (!im) {
        printf("# %s\n", e.text);
        abort();
    }
    return im;
}

// The number of steps at the front whose keys are as in `was`.
static unsigned same(const struct image *was, const struct image *is)
{
    unsigned n = 0;
    while (n < was->n_steps && n < is->n_steps && !strcmp(was->steps[n].key, is->steps[n].key))
        n++;
    return n;
}

static const struct image *first;

static void changes_from(unsigned step, const char *text, const char *what)
{
    struct image *im = load(text);
    is_int(same(first, im), step, "%s changes the keys from step %u", what, step);
    ok(!strcmp(first->key, im->key) == (step == first->n_steps && im->n_steps == first->n_steps),
       "and the image's own key");
    for (unsigned i = step; i < im->n_steps && i < first->n_steps; i++)
        ok(strcmp(first->steps[i].key, im->steps[i].key), "step %u too", i);
    image_free(im);
}

static void texts(void)
{
    changes_from(5, HEAD STEPS, "nothing");
    changes_from(5, "# comment\n" HEAD "Description=words\n\n" STEPS, "a comment or description");
    changes_from(5,
                 HEAD "[Steps]\nPackages=git  \\\n make\nEnv=A=1\nRun=make all\n"
                      "Copy=files/motd /etc/motd\n",
                 "a different layout of the same packages");
    changes_from(0, "[Image]\nBase=debian\nRelease=trixie\n" STEPS, "a release");
    changes_from(0, "[Image]\nBase=ubuntu\nRelease=bookworm\n" STEPS, "a base");
    changes_from(0, HEAD "Components=main contrib\n" STEPS, "a component");
    changes_from(0, HEAD "Mirror=http://a/\n" STEPS, "a mirror");
    changes_from(0, HEAD "Keyring=/usr/share/keyrings/a.gpg\n" STEPS, "a keyring");
    changes_from(1,
                 HEAD "[Steps]\nPackages=git\nEnv=A=1\nRun=make all\n"
                      "Copy=files/motd /etc/motd\n",
                 "a package less");
    changes_from(2,
                 HEAD "[Steps]\nPackages=git make\nEnv=A=2\nRun=make all\n"
                      "Copy=files/motd /etc/motd\n",
                 "a variable");
    changes_from(3,
                 HEAD "[Steps]\nPackages=git make\nEnv=A=1\nRun=make  all\n"
                      "Copy=files/motd /etc/motd\n",
                 "a command");
    changes_from(4,
                 HEAD "[Steps]\nPackages=git make\nEnv=A=1\nRun=make all\n"
                      "Copy=files/motd /etc/issue\n",
                 "a destination");
    changes_from(1,
                 HEAD "[Steps]\nRun=make all\nPackages=git make\nEnv=A=1\n"
                      "Copy=files/motd /etc/motd\n",
                 "the order");
    changes_from(5, HEAD STEPS "Run=more\n", "a further step (nothing before it)");
}

static void files(void)
{
    dir_write("files/motd", "welcome\n");
    changes_from(4, HEAD STEPS, "the contents of a copied file");
    dir_write("files/motd", "hello\n");
    changes_from(5, HEAD STEPS, "the old contents again (nothing)");
    must(fchmodat(dir_fd, "files/motd", 0755, 0));
    changes_from(4, HEAD STEPS, "that it is a program");
    must(fchmodat(dir_fd, "files/motd", 0600, 0));
    changes_from(5, HEAD STEPS, "who may read it here (nothing)");
    dir_write("lib/bootstrap-apt.sh", "make another base\n");
    changes_from(0, HEAD STEPS, "the script of the base");
    dir_write("lib/bootstrap-apt.sh", "make a base\n");
    dir_write("lib/packages-apt.sh", "install otherwise $@\n");
    changes_from(1, HEAD STEPS, "the script of packages");
    dir_write("lib/packages-apt.sh", "install $@\n");
    dir_write("lib/bootstrap-pacman.sh", "another\n");
    changes_from(5, HEAD STEPS, "the script of another base (nothing)");
}

static void from_settings(void)
{
    mirror = "http://b/";
    changes_from(0, HEAD STEPS, "a mirror among the settings");
    struct image *file = load(HEAD "Mirror=http://a/\n" STEPS);
    is_str(file->steps[0].argv[7], "http://b/", "which goes before the file's");
    image_free(file);
    mirror = "";
    changes_from(5, HEAD STEPS, "an empty mirror (nothing)");
    mirror = NULL;
    settings.salt = "2";
    changes_from(0, HEAD STEPS, "the salt");
    settings.salt = "";
    changes_from(5, HEAD STEPS, "an empty salt (nothing)");
    settings.arch = "sparc";
    changes_from(0, HEAD STEPS, "the architecture");
    settings.arch = NULL;

    dir_write("base.image", HEAD);
    image_free(load("[Image]\nExtends=base\n"));
    is_str(asked, "base", "the mirror is that of the image that names the base");
    mirror = "file:///etc";
    struct err e = {0};
    ok(!image_load(dir_fd, "k", &settings, &e), "a mirror that is no URL is refused");
    is_str(e.text, "mirror of base: 'file:///etc' is not an http or https URL", "and named");
    mirror = NULL;
}

static void grammar_of_keys(void)
{
    for (unsigned i = 0; i < first->n_steps; i++)
        ok(strlen(first->steps[i].key) == 64 &&
               strspn(first->steps[i].key, "0123456789abcdef") == 64,
           "key %u is hexadecimal", i);
    // Two steps may not look alike when their words only fall differently.
    struct image *a = load(HEAD "[Steps]\nPackages=ab c\n");
    struct image *b = load(HEAD "[Steps]\nPackages=a bc\n");
    ok(strcmp(a->steps[1].key, b->steps[1].key), "words are not run together");
    image_free(a);
    image_free(b);
}

int main(void)
{
    dir_make();
    must(mkdirat(dir_fd, "files", 0755));
    dir_write("files/motd", "hello\n");
    struct image *im = load(HEAD STEPS);
    first = im;
    is_int(first->n_steps, 5, "base, packages, env, run, copy");
    texts();
    files();
    from_settings();
    grammar_of_keys();
    image_free(im);
    dir_remove();
    return done_testing();
}
