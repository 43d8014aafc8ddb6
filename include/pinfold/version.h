// SPDX-License-Identifier: Apache-2.0
// The one place that says which version this is.
#pragma once
#define PINFOLD_VERSION "0.1.0"
