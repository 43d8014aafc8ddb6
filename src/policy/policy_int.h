// SPDX-License-Identifier: Apache-2.0
// Private to the room policy: rules about single requests (web.c).
#pragma once
#include <pinfold/policy.h>

bool web_rule_is(const char *s, size_t n); // "[METHODS+]SCHEME://..."
int web_rule_parse(const char *s, size_t n, struct rule *ret, struct err *e);
bool web_rule_allows(const struct rule *r, const struct web_request *q);
bool web_path_plain(const struct web_request *q);
