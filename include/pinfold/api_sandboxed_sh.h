// SPDX-License-Identifier: Apache-2.0
// The dialect of sandboxed.sh: workspaces, missions, logins. Of those that have a path of its it
// answers unless another says that it is meant.
#pragma once
#include <pinfold/api_dialect.h>

extern const struct dialect sandboxed_sh_dialect;
