// SPDX-License-Identifier: Apache-2.0
// What an image file may say, and what each mistake in one is answered with.
#include "image_dir.h"
#include "tap.h"

#define DEBIAN "[Image]\nBase=debian\nRelease=bookworm\n"

static void refused(const char *text, const char *why)
{
    struct err e = {0};
    struct image *im = load_text("bad", text, NULL, &e);
    ok(!im, "refused: %s", why);
    is_str(e.text, why, "and says why");
    image_free(im);
}

static void mistakes(void)
{
    refused("[Image]\nBase=debian\n\nColour=red\n", "bad.image:4: unknown key 'Colour' in [Image]");
    refused("[Picture]\n", "bad.image:1: unknown section [Picture]: Image and Steps are known");
    refused("Base=debian\n", "bad.image:1: 'Base' stands before the first [Section]");
    refused("[Image]\nBase=fedora\n",
            "bad.image:2: 'fedora' is not one of debian, ubuntu, arch, host");
    refused("[Image]\nBase=arch\nBase=arch\n", "bad.image:3: Base= stands here a second time");
    refused(DEBIAN "Release=sid\n", "bad.image:4: Release= stands here a second time");
    refused("[Image]\nBase=debian\nRelease=\n", "bad.image:3: Release= has no value");
    refused("[Image]\nBase=debian\nRelease=../x\n", "bad.image:3: '../x' is not a name");
    refused("[Image]\nBase=debian\n", "bad.image: Base=debian needs a Release=");
    refused("[Image]\nBase=arch\nRelease=x\n", "bad.image: Base=arch has no Release=");
    refused("[Image]\nDescription=x\n", "bad.image: needs either Base= or Extends=");
    refused(DEBIAN "Extends=host\n", "bad.image: needs either Base= or Extends=");
    refused("[Image]\nExtends=host\nMirror=http://a/\n",
            "bad.image: Release=, Components=, Mirror= and Keyring= belong to the image that names "
            "the base");
    refused("[Image]\nBase=host\nMirror=http://a/\n",
            "bad.image: Base=host has no Components=, Mirror= or Keyring=");
    refused(DEBIAN "Mirror=ftp://a/\n", "bad.image:4: 'ftp://a/' is not an http or https URL");
    refused(DEBIAN "Mirror=http://a/ b\n",
            "bad.image:4: 'http://a/ b' is not an http or https URL");
    refused(DEBIAN "Mirror=http://me:pw@a/\n",
            "bad.image:4: a URL in an image must not hold a credential");
    refused(DEBIAN "Keyring=none\n", "bad.image: Keyring=none needs a Mirror=");
    refused(DEBIAN "Keyring=/etc/shadow\n",
            "bad.image:4: '/etc/shadow' is neither none nor a file in /usr/share/keyrings or "
            "/etc/apt/keyrings");
    refused(DEBIAN "Keyring=/usr/share/keyrings/../x\n",
            "bad.image:4: '/usr/share/keyrings/../x' is neither none nor a file in "
            "/usr/share/keyrings or /etc/apt/keyrings");
    refused(DEBIAN "Components=-x\n", "bad.image:4: '-x' is not the name of a component");
}

static void mistakes_in_steps(void)
{
    refused(DEBIAN "[Steps]\nPackage=git\n",
            "bad.image:5: unknown step 'Package': Packages, Run, Copy, Env and Agent are "
            "known");
    refused(DEBIAN "[Steps]\nPackages=\n", "bad.image:5: no package is named");
    refused(DEBIAN "[Steps]\nPackages=git --yes\n",
            "bad.image:5: '--yes' is not the name of a package");
    refused(DEBIAN "[Steps]\nPackages=git-\n", "bad.image:5: 'git-' is not the name of a package");
    refused(DEBIAN "[Steps]\nPackages=a;b\n", "bad.image:5: 'a;b' is not the name of a package");
    refused(DEBIAN "[Steps]\nRun=\n", "bad.image:5: no command");
    refused(DEBIAN "[Steps]\nEnv=1A=x\n", "bad.image:5: '1A=x' is not NAME=value");
    refused(DEBIAN "[Steps]\nEnv=A\n", "bad.image:5: 'A' is not NAME=value");
    refused(DEBIAN "[Steps]\nCopy=a\n", "bad.image:5: not a source and a destination");
    refused(DEBIAN "[Steps]\nCopy=a /b /c\n", "bad.image:5: not a source and a destination");
    refused(DEBIAN "[Steps]\nCopy=/a /b\n", "bad.image:5: '/a' is not a path beneath the images");
    refused(DEBIAN "[Steps]\nCopy=x/../../a /b\n",
            "bad.image:5: 'x/../../a' is not a path beneath the images");
    refused(DEBIAN "[Steps]\nCopy=a b\n", "bad.image:5: 'b' is not an absolute path");
    refused(DEBIAN "[Steps]\nCopy=a /x/..\n", "bad.image:5: '/x/..' is not an absolute path");
    refused(DEBIAN "[Steps]\nCopy=nothing /x\n", "bad.image:5: nothing: No such file or directory");
    refused("[Image]\nBase=host\n[Steps]\nRun=true\n",
            "bad.image:4: an image on Base=host can only have Env= steps");
}

static void names(void)
{
    struct err e = {0};
    ok(!image_load(dir_fd, "../bad", NULL, &e), "a name with a slash is no image");
    is_int(e.code, ERR_NOT_FOUND, "and is not found");
    ok(!image_load(dir_fd, "missing", NULL, &e), "a missing file is an error");
    is_int(e.code, ERR_NOT_FOUND, "of its own code");
    is_str(e.text, "open missing.image: No such file or directory", "that names it");
    must(symlinkat("bad.image", dir_fd, "link.image"));
    ok(!image_load(dir_fd, "link", NULL, &e), "a symlink is not followed");
    must(unlinkat(dir_fd, "link.image", 0));
}

static void steps(void)
{
    struct err e = {0};
    struct image *im = load_text("app",
                                 "# a comment\n[Image]\nDescription=An example\nBase=debian\n"
                                 "Release=bookworm\n[Steps]\nPackages=git g++ \\\n  make\n"
                                 "Env=LANG=C.UTF-8\nRun=echo a && \\\n    echo b\n",
                                 NULL, &e);
    if (!ok(im, "a good file is read"))
        return;
    is_str(im->name, "app", "its name");
    is_str(im->description, "An example", "its description");
    is_str(im->release, "bookworm", "its release");
    is_int(im->n_steps, 4, "its steps, the base among them");
    const struct image_step *base = &im->steps[0], *packages = &im->steps[1];
    is_int(base->kind, STEP_BASE, "first the base");
    is_str(base->text, "debian bookworm", "which says what it is");
    is_str(base->profile, "bootstrap", "in a sandbox for bootstraps");
    ok(base->host_usr && base->from_files && base->network == NET_HOST, "over the host's /usr");
    is_str(base->argv[2], "make a base\n", "its script is in the command");
    is_str(base->argv[4], "debian", "distribution");
    is_str(base->argv[5], "bookworm", "release");
    is_str(base->argv[6], "main", "components");
    is_str(base->argv[7], "", "no mirror");
    is_int(packages->kind, STEP_PACKAGES, "then packages");
    is_int(packages->line, 7, "of that line");
    is_str(packages->profile, "build", "in a sandbox for builds");
    ok(!packages->host_usr && !packages->from_files, "over the layers so far");
    is_str(packages->argv[5], "g++", "each package is one argument");
    ok(packages->argv[6] && !packages->argv[7], "a continued line is one line");
    is_int(im->steps[2].has_layer, 0, "env makes no layer");
    is_str(im->steps[3].argv[3], "echo a &&      echo b", "run is given to a shell");
    const char *layers[IMAGE_LAYERS_MAX];
    is_int(image_layers(im, layers), 3, "so there are three layers");
    is_str(layers[0], base->key, "the base lowest");
    is_str(im->env[1], "LANG=C.UTF-8", "env is for what runs in the image");
    ok(!strncmp(im->env[0], "PATH=", 5), "after a path");
    image_free(im);
}

static void host(void)
{
    struct err e = {0};
    struct image *im = load_text("here", "[Image]\nBase=host\n[Steps]\nEnv=PATH=/x\n", NULL, &e);
    if (!ok(im, "host needs no script"))
        return;
    const char *layers[IMAGE_LAYERS_MAX];
    ok(im->host_usr && !image_layers(im, layers), "and no layer");
    is_str(im->env[0], "PATH=/x", "its path can be changed");
    ok(!im->env[1], "which replaces the one before");
    image_free(im);
}

static void arch(void)
{
    struct err e = {0};
    struct image *im = load_text("al", "[Image]\nBase=arch\n", NULL, &e);
    if (!ok(im, "arch has no release"))
        return;
    is_int(im->n_steps, 2, "its base is made in two steps");
    is_str(im->steps[1].profile, "build", "the second in the new root");
    is_int(im->steps[1].network, NET_NONE, "with no network");
    image_free(im);
}

static void extends(void)
{
    struct err e = {0};
    dir_write("low.image", DEBIAN "[Steps]\nRun=one\nEnv=A=1\n");
    struct image *low = image_load(dir_fd, "low", NULL, &e);
    struct image *top =
        load_text("top", "[Image]\nExtends=low\n[Steps]\nEnv=A=2\nRun=two\n", NULL, &e);
    if (!ok(low && top, "an image extends another"))
        return;
    is_int(top->base, IMAGE_DEBIAN, "and has its base");
    is_int(top->n_steps, 5, "its steps first");
    is_str(top->steps[1].key, low->steps[1].key, "and shares its layers");
    is_str(top->steps[1].image, "low", "each step knows its file");
    is_str(top->steps[4].image, "top", "also the last");
    is_str(top->env[1], "A=2", "what it says later holds");
    image_free(low);
    image_free(top);
    dir_write("low.image", DEBIAN "[Steps]\nJump=one\n");
    ok(!image_load(dir_fd, "top", NULL, &e), "a mistake further down is found");
    is_str(e.text,
           "top.image extends low: low.image:5: unknown step 'Jump': Packages, Run, Copy, "
           "Env and Agent are known",
           "in its own file");
    dir_write("low.image", "[Image]\nExtends=top\n");
    ok(!image_load(dir_fd, "top", NULL, &e), "a circle ends");
    is_str(e.text, "top.image: more than 8 images extend one another, or they go round in a circle",
           "with an error");
    dir_write("low.image", "[Image]\nExtends=none-such\n");
    ok(!image_load(dir_fd, "top", NULL, &e), "a missing one is found");
}

static void limits(void)
{
    struct err e = {0};
    own_buf struct buf b;
    buf_init(&b, 1 << 20);
    (void)buf_puts(&b, DEBIAN "[Steps]\n");
    for (unsigned i = 1; i < IMAGE_LAYERS_MAX; i++)
        (void)buf_puts(&b, "Run=true\n");
    struct image *im = load_text("many", b.data, NULL, &e);
    ok(im, "as many layers as there may be");
    image_free(im);
    (void)buf_puts(&b, "Run=true\n");
    ok(!load_text("many", b.data, NULL, &e), "and not one more");
    is_int(e.code, ERR_LIMIT, "which is a limit");
    buf_clear(&b);
    (void)buf_puts(&b, DEBIAN);
    while (b.len < 65536)
        (void)buf_puts(&b, "# a long comment that says nothing\n");
    ok(!load_text("long", b.data, NULL, &e), "a file has a greatest size");
    is_str(e.text, "long.image is larger than 65535 bytes", "which is named");
}

static void listing(void)
{
    char **names = NULL;
    unsigned n = 0;
    struct err e = {0};
    dir_write("notes.txt", "");
    dir_write("-x.image", "");
    is_int(image_list(dir_fd, &names, &n, &e), 0, "the directory is listed");
    bool sorted = true, only_names = true;
    for (unsigned i = 0; i < n; i++) {
        sorted = sorted && (!i || strcmp(names[i - 1], names[i]) < 0);
        only_names = only_names && name_ok(names[i]);
    }
    ok(n > 3 && sorted && only_names, "names only, in order");
    image_list_free(names, n);
    for (enum image_base b = 0; b < IMAGE_N_BASES; b++)
        ok(strcmp(image_base_name(b), "unknown"), "base %u has a name", b);
    for (enum image_step_kind k = 0; k < STEP_N_KINDS; k++)
        ok(strcmp(image_step_kind_name(k), "unknown"), "step kind %u has a name", k);
}

static void agents(void)
{
    struct err e = {0};
    const struct image_settings with = {.profiles_fd = dir_fd};
    const char *keys[IMAGE_LAYERS_MAX];
    dir_write("lib/agent-npm.sh", "npm install\n");
    must(mkdirat(dir_fd, "agents", 0755));
    dir_write("agents/tool.agent",
              "[Agent]\nDescription=x\n[Npm]\nPackages=a@1.2.3 b@0.1.0-x\nProgram=t\nPath=a/t\n");
    dir_write("agents/closed.agent", "[Agent]\nDescription=x\n");
    struct image *im = load_text("with", DEBIAN "[Steps]\nAgent=tool\n", &with, &e);
    ok(im != NULL, "an image has the tool of an agent: %s", e.text);
    if (!im)
        return;
    const struct image_step *s = &im->steps[im->n_steps - 1];
    is_str(s->argv[2], "npm install\n", "by the script in lib");
    is_str(s->argv[4], "tool", "told the name");
    is_str(s->argv[5], "t", "the program");
    is_str(s->argv[6], "a/t", "where it lies");
    is_str(s->argv[8], "b@0.1.0-x", "and the packages");
    ok(!s->argv[9] && s->from_files && s->host_usr, "over the host, to a layer of files");
    is_int((int)image_layers(im, keys), 2, "it is one layer");
    char key[IMAGE_KEY_LEN];
    memcpy(key, im->key, sizeof(key));
    image_free(im);
    dir_write("agents/tool.agent",
              "[Agent]\nDescription=y\n[Npm]\nPackages=a@1.2.3 b@0.1.0-x\nProgram=t\nPath=a/t\n");
    im = image_load(dir_fd, "with", &with, &e);
    is_str(im ? im->key : "", key, "words about it change no layer");
    image_free(im);
    dir_write("agents/tool.agent",
              "[Agent]\nDescription=y\n[Npm]\nPackages=a@1.2.4 b@0.1.0-x\nProgram=t\nPath=a/t\n");
    im = image_load(dir_fd, "with", &with, &e);
    ok(im && strcmp(im->key, key), "another version does");
    image_free(im);
    ok(!image_load(dir_fd, "with", NULL, &e), "without the files of agents there is none");
    ok(!load_text("no", DEBIAN "[Steps]\nAgent=nobody\n", &with, &e), "nor one of no file");
    is_str(e.text, "no.image:5: there is no agent file agents/nobody.agent among the profiles",
           "which is said");
    ok(!load_text("no", DEBIAN "[Steps]\nAgent=closed\n", &with, &e),
       "nor one that npm does not have");
    is_str(e.text,
           "no.image:5: agent closed is in no registry; install it with a Run= or Copy= step",
           "which is said too");
}

static void text_alone(void)
{
    struct err e = {0};
    const char *good = DEBIAN "[Steps]\nCopy=not-there /x\n", *bad = DEBIAN "[Steps]\nCopy=x\n";
    is_int(image_check("t", good, strlen(good), &e), 0, "a text is checked without its files");
    is_int(image_check("t", bad, strlen(bad), &e), -1, "and its mistakes are found");
    is_str(e.text, "t.image:5: not a source and a destination", "with their line");
    is_int(image_check("t", "[Im\0age]\n", 9, &e), -1, "a NUL byte is a mistake");
}

static void shipped(void)
{
    struct err e = {0};
    static const char *const names[] = {"debian-bookworm", "ubuntu-noble", "ubuntu-jammy",
                                        "arch-linux", "host"};
    own_fd int fd = open("images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < N_ELEMS(names); i++) {
        struct image *im = image_load(fd, names[i], NULL, &e);
        ok(im && *im->description, "%s is a good image", names[i]);
        image_free(im);
    }
}

int main(void)
{
    dir_make();
    mistakes();
    mistakes_in_steps();
    names();
    steps();
    host();
    arch();
    extends();
    limits();
    listing();
    agents();
    text_alone();
    shipped();
    dir_remove();
    return done_testing();
}
