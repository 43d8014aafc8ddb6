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
    __typeof__(curl_slist_append) *slist_append;
};
const struct curl_calls *client_curl(struct err *e); // NULL: *e says what is missing
