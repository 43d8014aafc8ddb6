// SPDX-License-Identifier: Apache-2.0
// The dialect of Abbado: projects, agents, runs with their events, log and terminal.
#pragma once
#include <pinfold/api_dialect.h>

extern const struct dialect abbado_dialect;
