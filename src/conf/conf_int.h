// SPDX-License-Identifier: Apache-2.0
// Inside the room: the checks that rows of the table name.
#pragma once
#include <pinfold/conf.h>

int conf_check_listen(const char *value, struct err *e);
int conf_check_directory(const char *value, struct err *e);     // absolute, or empty
int conf_check_directories(const char *value, struct err *e);   // several
int conf_check_user(const char *value, struct err *e);          // a login name or a number
int conf_check_url(const char *value, struct err *e);           // of a scheme git and apt know
int conf_check_network(const char *value, struct err *e);       // IPv4 A.B.C.D/LEN, private
int conf_check_name_servers(const char *value, struct err *e);  // addresses, or empty
int conf_check_private(const char *value, struct err *e);       // HOST:PORT, several, or none
int conf_check_presets(const char *value, struct err *e);       // NAME=RULE,RULE, several, or none
int conf_check_dialect_hosts(const char *value, struct err *e); // HOST=NAME, several, or none
int conf_check_ports(const char *value, struct err *e);         // numbers
int conf_check_name(const char *value, struct err *e);
