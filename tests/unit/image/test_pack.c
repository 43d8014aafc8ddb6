// SPDX-License-Identifier: Apache-2.0
// Copy steps: the archive that tar unpacks at /.
#include "image_dir.h"
#include "tap.h"

#define HEAD "[Image]\nBase=debian\nRelease=bookworm\n[Steps]\n"

static struct image *load(const char *copy, struct err *e)
{
    char text[400];
    (void)snprintf(text, sizeof(text), HEAD "Copy=%s\n", copy);
    return load_text("p", text, NULL, e);
}

// "name mode type size" of each entry, one a line.
static const char *contents(const struct image *im)
{
    static char out[2000];
    size_t n = 0;
    const char *p = im->steps[1].input;
    for (size_t at = 0; at + 1024 <= im->steps[1].input_len && p[at];) {
        size_t size = strtoul(p + at + 124, NULL, 8);
        n +=
            (size_t)snprintf(out + n, sizeof(out) - n, "%.155s%s%.100s %.7s %c %zu\n", p + at + 345,
                             p[at + 345] ? "/" : "", p + at, p + at + 100, p[at + 156], size);
        at += 512 + (size + 511) / 512 * 512;
    }
    return out;
}

static void packs(const char *copy, const char *want, const char *what)
{
    struct err e = {0};
    struct image *im = load(copy, &e);
    if (!ok(im, "%s", what)) {
        printf("# %s\n", e.text);
        return;
    }
    is_str(contents(im), want, "with these entries");
    is_int(im->steps[1].input_len % 512, 0, "in whole blocks");
    is_int(im->steps[1].network, NET_NONE, "and unpacked without a network");
    image_free(im);
}

static void refused(const char *copy, const char *why)
{
    struct err e = {0};
    struct image *im = load(copy, &e);
    ok(!im, "refused: %s", why);
    is_str(e.text, why, "and says why");
    image_free(im);
}

int main(void)
{
    char copy[400], want[400], name[131];
    dir_make();
    must(mkdirat(dir_fd, "d", 0700));
    must(mkdirat(dir_fd, "d/sub", 0755));
    dir_write("d/z", "");
    dir_write("d/a b", "12345");
    dir_write("d/sub/prog", "#!/bin/sh\n");
    must(fchmodat(dir_fd, "d/sub/prog", 0700, 0));

    packs("d/z /etc/z", "etc/z 0000644 0 0\n", "a file");
    packs("d/z /etc/", "etc/z 0000644 0 0\n", "a file into a directory");
    packs("d/sub/prog /usr/bin/x", "usr/bin/x 0000755 0 10\n", "a program");
    packs("\"d/a b\" \"/opt/c d\"", "opt/c d 0000644 0 5\n", "names with blanks, in quotes");
    packs("d /opt/d/",
          "opt/d 0000755 5 0\nopt/d/a b 0000644 0 5\nopt/d/sub 0000755 5 0\n"
          "opt/d/z 0000644 0 0\nopt/d/sub/prog 0000755 0 10\n",
          "a directory, parents first, names in order");
    packs("d/sub /", "prog 0000755 0 10\n", "a directory's entries at the root");

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(copy, sizeof(copy), "d/z /%.120s/%.90s", name, name);
    (void)snprintf(want, sizeof(want), "%.120s/%.90s 0000644 0 0\n", name, name);
    packs(copy, want, "a long path");
    (void)snprintf(copy, sizeof(copy), "d/z /%.130s", name);
    (void)snprintf(want, sizeof(want), "p.image:5: d/z: the path %.100s is too long", name);
    refused(copy, want);

    must(symlinkat("/etc/passwd", dir_fd, "d/link"));
    refused("d/link /x", "p.image:5: d/link: Too many levels of symbolic links");
    refused("d /x", "p.image:5: d/link: Too many levels of symbolic links");
    must(unlinkat(dir_fd, "d/link", 0));
    must(mkfifoat(dir_fd, "d/fifo", 0644));
    refused("d/fifo /x", "p.image:5: d/fifo is neither a file nor a directory");
    must(unlinkat(dir_fd, "d/fifo", 0));
    {
        own_fd int fd = openat(dir_fd, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        must(ftruncate(fd, 9 << 20));
    }
    refused("big /x", "p.image:5: big: larger than 8388608 bytes");
    {
        struct err e = {0};
        own_fd int fd = openat(dir_fd, "big", O_WRONLY | O_CLOEXEC);
        must(ftruncate(fd, 7 << 20));
        struct image *im = load_text(
            "all", HEAD "Copy=big /1\nCopy=big /2\nCopy=big /3\nCopy=big /4\nCopy=big /5\n", NULL,
            &e);
        ok(!im, "all copies together have a limit");
        is_str(e.text, "all.image:9: all copies together are larger than 33554432 bytes",
               "which is named");
        image_free(im);
    }
    refused("../pinfold /x", "p.image:5: '../pinfold' is not a path beneath the images");
    dir_remove();
    return done_testing();
}
