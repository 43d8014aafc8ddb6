// SPDX-License-Identifier: Apache-2.0
// Options as members of a request's JSON body.
#pragma once
#include "cli_int.h"

#include <pinfold/json_out.h>

void body_str(struct json_out *o, const struct cli *c, const char *opt, const char *member);
void body_list(struct json_out *o, const struct cli *c, const char *opt, const char *member);
// The members of the JSON object in a file that an option names.
int body_file(struct json_out *o, const struct cli *c, const char *opt, struct err *e);
void body_network(struct json_out *o, const struct cli *c); // --net, --allow, --secret, --provider
int body_env(struct json_out *o, const struct cli *c, struct err *e);    // --env
int body_limits(struct json_out *o, const struct cli *c, struct err *e); // --memory, --pids ...
