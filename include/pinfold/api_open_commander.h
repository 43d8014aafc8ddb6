// SPDX-License-Identifier: Apache-2.0
// The dialect of Open Commander: tasks that agents carry out.
#pragma once
#include <pinfold/api_dialect.h>

extern const struct dialect open_commander_dialect;
