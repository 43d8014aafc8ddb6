// SPDX-License-Identifier: Apache-2.0
// A directory of image files for one test, gone at the end.
#pragma once
#include <fcntl.h>
#include <pinfold/image.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

static char dir_path[] = "/tmp/pinfold-image-XXXXXX";
static int dir_fd = -1;

static void dir_write(const char *name, const char *text)
{
    own_fd int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || io_write_full(fd, text, strlen(text)))
        abort();
}

// What prepares a test must work.
__attribute__((unused)) static void must(int r)
{
    if (r)
        abort();
}

__attribute__((unused)) static void dir_make(void)
{
    if (!mkdtemp(dir_path))
        abort();
    dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || mkdirat(dir_fd, "lib", 0755))
        abort();
    dir_write("lib/bootstrap-apt.sh", "make a base\n");
    dir_write("lib/packages-apt.sh", "install $@\n");
    dir_write("lib/bootstrap-pacman.sh", "make an arch\n");
    dir_write("lib/configure-pacman.sh", "configure it\n");
    dir_write("lib/packages-pacman.sh", "install $@\n");
}

__attribute__((unused)) static void dir_remove(void)
{
    struct err e;
    (void)close(dir_fd);
    (void)io_remove_tree(AT_FDCWD, dir_path, &e); // a leftover in /tmp is no failure
}

// Load NAME from its text, or NULL with *e.
__attribute__((unused)) static struct image *
load_text(const char *name, const char *text, const struct image_settings *s, struct err *e)
{
    char file[80];
    (void)snprintf(file, sizeof(file), "%s.image", name);
    dir_write(file, text);
    return image_load(dir_fd, name, s, e);
}
