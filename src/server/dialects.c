// SPDX-License-Identifier: Apache-2.0
// The dialects there are. Where two have the same path, the one that stands earlier is asked first.
#include "server_int.h"

#include <pinfold/api_abbado.h>
#include <pinfold/api_codecloud.h>
#include <pinfold/api_open_commander.h>
#include <pinfold/api_sandboxed_sh.h>
#include <pinfold/own.h>

const struct dialect *const dialect_table[] = {&codecloud_dialect, &abbado_dialect,
                                               &open_commander_dialect, &sandboxed_sh_dialect};
const unsigned n_dialects = N_ELEMS(dialect_table);
