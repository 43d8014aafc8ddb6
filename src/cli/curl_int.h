// SPDX-License-Identifier: Apache-2.0
// libcurl, loaded by the first request. Forty libraries come with it, and binding them is half of
// the time that pinfold run takes: commands that ask no server do not pay for it.
#pragma once
#define CURL_DISABLE_TYPECHECK // its macros take a function's address for a call
#include <curl/curl.h>
#include <pinfold/err.h>

struct curl_calls {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_reset) *easy_reset;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_send) *easy_send;
    __typeof__(curl_easy_recv) *easy_recv;
    __typeof__(curl_slist_append) *slist_append;
};
const struct curl_calls *client_curl(struct err *e); // NULL: *e says what is missing
struct client;
struct buf;
// For socket.c: a bare connection to the server, what asks it for a WebSocket (free() it), and a
// refusal's body as an error: -1.
const struct curl_calls *client_connect(struct client *cl, CURL **ret, struct err *e);
char *client_upgrade(const struct client *cl, const char *path, const char *key);
int client_problem(long status, const struct buf *body, struct err *e);
