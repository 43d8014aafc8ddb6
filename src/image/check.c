// SPDX-License-Identifier: Apache-2.0
// What the value of each key in an image file must look like.
#include "image_int.h"

#include <ctype.h>
#include <pinfold/keyfile.h>
#include <pinfold/own.h>
#include <string.h>

static bool only(const char *s, const char *others)
{
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(others, *s))
            return false;
    return true;
}

int image_check_name(const char *v, struct err *e)
{
    return name_ok(v) ? 0 : err_set(e, ERR_BAD_REQUEST, "'%.70s' is not a name", v);
}

int image_check_text(const char *v, struct err *e)
{
    for (; *v; v++)
        if ((unsigned char)*v < ' ')
            return err_set(e, ERR_BAD_REQUEST, "a control character");
    return 0;
}

// Components and packages become arguments of the package manager: none may look like an option,
// or like apt's sign for removing (a '-' at the end).
static int check_words(const char *v, const char *what, struct err *e)
{
    own_free char *copy = xstrdup(v);
    char *rest = copy, *word;
    unsigned n = 0;
    int r;
    for (; (r = keyfile_word(&rest, &word, e)) > 0; n++)
        if (!isalnum((unsigned char)*word) || !only(word, "+._:=~/@-") ||
            word[strlen(word) - 1] == '-')
            return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not the name of a %s", word, what);
    if (r < 0)
        return -1;
    return n ? 0 : err_set(e, ERR_BAD_REQUEST, "no %s is named", what);
}

int image_check_components(const char *v, struct err *e)
{
    return check_words(v, "component", e);
}

int image_check_url(const char *v, struct err *e)
{
    size_t n = strncmp(v, "http://", 7) ? strncmp(v, "https://", 8) ? 0 : 8 : 7;
    if (!n || !v[n] || !only(v, "-._~:/?#[]@!()*+,=%"))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not an http or https URL", v);
    if (memchr(v + n, '@', strcspn(v + n, "/")))
        return err_set(e, ERR_BAD_REQUEST, "a URL in an image must not hold a credential");
    return 0;
}

// Keyrings are read in a sandbox that shows the host's /usr and /etc/apt, and nothing else.
int image_check_keyring(const char *v, struct err *e)
{
    if (!strcmp(v, "none"))
        return 0;
    if ((strncmp(v, "/usr/share/keyrings/", 20) && strncmp(v, "/etc/apt/keyrings/", 18)) ||
        !only(v, "/._+-") || strstr(v, ".."))
        return err_set(e, ERR_BAD_REQUEST,
                       "'%.60s' is neither none nor a file in /usr/share/keyrings or "
                       "/etc/apt/keyrings",
                       v);
    return 0;
}

static int check_run(const char *v, struct err *e)
{
    return *v ? 0 : err_set(e, ERR_BAD_REQUEST, "no command");
}

static int check_packages(const char *v, struct err *e)
{
    return check_words(v, "package", e);
}

static int check_env(const char *v, struct err *e)
{
    size_t n = strcspn(v, "=");
    if (!v[n] || !n || isdigit((unsigned char)*v))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not NAME=value", v);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)v[i]) && v[i] != '_')
            return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not NAME=value", v);
    return image_check_text(v, e);
}

void image_copy_words(const char *text, char **ret_src, char **ret_dst)
{
    char *copy = xstrdup(text), *rest = copy, *src = copy, *dst = copy;
    (void)keyfile_word(&rest, &src, NULL); // both were there when the line was checked
    (void)keyfile_word(&rest, &dst, NULL);
    *ret_src = xstrdup(src);
    *ret_dst = xstrdup(dst);
    free(copy);
}

static bool has_dot_dot(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")); at += 2)
        if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
            return true;
    return false;
}

static int check_copy(const char *v, struct err *e)
{
    own_free char *copy = xstrdup(v);
    char *rest = copy, *src, *dst, *more;
    int a = keyfile_word(&rest, &src, e), b = a == 1 ? keyfile_word(&rest, &dst, e) : 0;
    int c = b == 1 ? keyfile_word(&rest, &more, e) : 0;
    if (a < 0 || b < 0 || c < 0)
        return -1;
    if (b != 1 || c)
        return err_set(e, ERR_BAD_REQUEST, "not a source and a destination");
    if (!*src || *src == '/' || has_dot_dot(src))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not a path beneath the images", src);
    if (*dst != '/' || has_dot_dot(dst))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not an absolute path", dst);
    return image_check_text(src, e) || image_check_text(dst, e) ? -1 : 0;
}

int (*const image_step_checks[STEP_N_KINDS])(const char *, struct err *) = {
    [STEP_PACKAGES] = check_packages, [STEP_RUN] = check_run,          [STEP_COPY] = check_copy,
    [STEP_ENV] = check_env,           [STEP_AGENT] = image_check_name,
};
