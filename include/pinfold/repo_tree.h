// SPDX-License-Identifier: Apache-2.0
// What a repository's tree may hold, as far as it is text: file names and .gitmodules. Pure.
#pragma once
#include <pinfold/err.h>
#include <stdbool.h>
#include <stddef.h>

// May a tree entry of this name be written into a working tree? Refused: "", ".", "..", a slash,
// more than 255 bytes, everything that some file system takes for .git (any case, git~1, .git with
// trailing dots, spaces or a colon, code points that HFS+ ignores), and .gitmodules as a symlink.
int repo_name_check(const char *name, bool is_symlink, struct err *e);

#define REPO_MODULE_NAME_MAX 128
#define REPO_MODULE_PATH_MAX 1024
struct repo_module {
    char name[REPO_MODULE_NAME_MAX]; // fit to be a directory beneath .git/modules
    char path[REPO_MODULE_PATH_MAX];
    char *url; // as written; "" when there is none
};
struct repo_modules {
    struct repo_module *list;
    size_t n;
};
#define REPO_MODULES_TEXT_MAX (1024u * 1024u)
// Reads .gitmodules: git-config's syntax without includes. Of [submodule "NAME"] sections only
// path and url are taken; a later value replaces an earlier one. Names and paths with dot-dot,
// with empty parts or like an option are refused, and so are more than `max` sections.
int repo_modules_parse(const char *text, size_t len, size_t max, struct repo_modules *ret,
                       struct err *e);
void repo_modules_release(struct repo_modules *m);
