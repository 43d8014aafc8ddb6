// SPDX-License-Identifier: Apache-2.0
// Agent files (profiles/agents/NAME.agent): where the tool of an agent comes from, as text that a
// person can review. Only packages of npm that hold the tool itself are known: what they install is
// unpacked and none of their scripts is run, so that nothing is fetched but what is named here.
#pragma once
#include <pinfold/err.h>
#include <pinfold/id.h>
#include <stdbool.h>
#include <stddef.h>

#define AGENT_FILE_MAX (16 * 1024) // bytes of one file: it is for reading
#define AGENT_PACKAGES_MAX 512     // bytes of all packages' names

// "{arch}" in packages and path is x64 or arm64, as npm has it, "{machine}" x86_64 or aarch64.
struct agent_source {
    char name[NAME_MAX_LEN + 1];
    char description[160], licence[80];
    char packages[AGENT_PACKAGES_MAX]; // each with its version, blanks between; "": not to be had
    char program[NAME_MAX_LEN + 1];    // what it is called on PATH
    char path[256];                    // of the program, below node_modules
};
int agent_source_parse(const char *name, const char *text, size_t len, struct agent_source *ret,
                       struct err *e);
// agents/NAME.agent beneath the directory of profiles. ERR_NOT_FOUND when there is none.
int agent_source_load(int profiles_fd, const char *name, struct agent_source *ret, struct err *e);
