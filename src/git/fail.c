// SPDX-License-Identifier: Apache-2.0
// The library's errors in our words. It has few codes and puts the rest into sentences, so some
// are told apart by their wording in libgit2 1.5; an unknown one is passed on as it is.
#include "git_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

static const struct wording {
    const char *says; // part of libgit2's message
    enum err_code code;
    const char *text;
} wordings[] = {
    {"status code: 404", ERR_NOT_FOUND, "the server has no repository at this URL (HTTP 404)"},
    {"status code: 410", ERR_NOT_FOUND, "the server has no repository at this URL (HTTP 410)"},
    {"status code: 401", ERR_DENIED, "the server asks for credentials (HTTP 401)"},
    {"status code: 403", ERR_DENIED, "the server refuses access (HTTP 403)"},
    {"status code: 429", ERR_BUSY, "the server asks to try again later (HTTP 429)"},
    {"status code: 5", ERR_BUSY, "the server fails (HTTP 5xx)"},
    {"status code", ERR_BAD_REQUEST, "the server answers with an unusable HTTP status"},
    {"cannot redirect", ERR_DENIED, "the server redirects to another host or scheme"},
    {"too many redirects", ERR_BAD_REQUEST, "the server redirects without end"},
    {"unexpected redirect", ERR_BAD_REQUEST, "the server redirects where it must not"},
    {"content-type", ERR_BAD_REQUEST,
     "there is no git repository at this URL (no smart HTTP protocol)"},
    {"access denied or repository not exported", ERR_NOT_FOUND,
     "the server has no such repository, or does not export it"},
    {"repository not found", ERR_NOT_FOUND, "the server has no such repository"},
    {"No space left", ERR_FULL, "no space left for the repository"},
    {"Disk quota", ERR_FULL, "no space left for the repository"},
    {"too many objects", ERR_LIMIT, "the repository is over its limit of objects"},
    {"malformed URL", ERR_BAD_REQUEST, "the server redirects to a URL that is not http or https"},
    {"File too large", ERR_LIMIT, "the repository is over its limit of bytes"},
    {"object format", ERR_BAD_REQUEST,
     "the repository uses SHA-256 object names, which are not supported"},
    {"unsupported extension", ERR_BAD_REQUEST,
     "the repository uses an extension that is not supported"},
    {"early EOF", ERR_BUSY, "the server ended the connection too early"},
    {"unexpected EOF", ERR_BUSY, "the server ended the connection too early"},
    {"SSL", ERR_DENIED, "no trusted TLS connection to the server"},
    {"ertificate", ERR_DENIED, "the server's certificate is not trusted"},
};

static bool out_of_memory(const git_error *last)
{
    return last && last->klass == GIT_ERROR_NOMEMORY;
}

int lib_fail(struct job *j, struct err *e, const char *doing)
{
    const git_error *last = git_error_last();
    const char *said = last && last->message ? last->message : "";
    if (!j->detail[0])
        (void)snprintf(j->detail, sizeof(j->detail), "%s", said); // cut on purpose
    const struct err *net = stream_failure();
    if (net)
        return err_set(e, net->code, "%s", net->text);
    if (guard_alloc_refused())
        return err_set(e, ERR_LIMIT, "an object is larger than the repository's limits allow");
    if (out_of_memory(last))
        return err_set(e, ERR_LIMIT, "the repository needs more memory than there is");
    for (size_t i = 0; i < N_ELEMS(wordings); i++)
        if (strcasestr(said, wordings[i].says))
            return err_set(e, wordings[i].code, "%s", wordings[i].text);
    return err_set(e, ERR_BAD_REQUEST, "%s: %s", doing, said[0] ? said : "no reason given");
}
