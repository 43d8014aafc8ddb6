// SPDX-License-Identifier: Apache-2.0
// The dialect of codecloud: agent runs under /api/v1, providers, models, and webhooks in its form.
#pragma once
#include <pinfold/api_dialect.h>

extern const struct dialect codecloud_dialect;
