// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tell systemd, when it asks to be told ($NOTIFY_SOCKET): "READY=1". Nothing is lost when it fails.
void notify_systemd(const char *state);
