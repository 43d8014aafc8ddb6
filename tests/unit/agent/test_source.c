// SPDX-License-Identifier: Apache-2.0
// Agent files: what they may say, and what each mistake is answered with.
#include "tap.h"
#include <fcntl.h>
#include <pinfold/agent.h>
#include <pinfold/agent_source.h>
#include <pinfold/own.h>
#include <string.h>

static void refused(const char *text, const char *why)
{
    struct agent_source s;
    struct err e = {0};
    is_int(agent_source_parse("bad", text, strlen(text), &s, &e), -1, "refused: %s", why);
    is_str(e.text, why, "and says why");
}

#define NPM "[Npm]\nProgram=p\nPath=a/p\nPackages="
static void mistakes(void)
{
    refused("[Agent]\nColour=red\n", "bad.agent:2: unknown key 'Colour' in [Agent]");
    refused("[Tool]\n", "bad.agent:1: unknown section [Tool]: Agent and Npm are known");
    refused("Program=p\n", "bad.agent:1: unknown section []: Agent and Npm are known");
    refused("[Agent]\nLicense=\n", "bad.agent:2: License= has no value");
    refused("[Agent]\nLicense=a\nLicense=b\n", "bad.agent:3: License= stands here a second time");
    refused("[Npm]\nProgram=p\n", "bad.agent: Packages=, Program= and Path= belong together");
    refused("[Npm]\nProgram=a/b\n", "bad.agent:2: 'a/b' is not the name of a program");
    refused("[Npm]\nPath=/a\n", "bad.agent:2: '/a' is not a path below node_modules");
    refused("[Npm]\nPath=a/../../b\n", "bad.agent:2: 'a/../../b' is not a path below node_modules");
    refused(NPM "a\n", "bad.agent:4: 'a' names no exact version, as in NAME@1.2.3");
    refused(NPM "@a/b\n", "bad.agent:4: '@a/b' names no exact version, as in NAME@1.2.3");
    refused(NPM "a@latest\n", "bad.agent:4: 'a@latest' names no exact version, as in NAME@1.2.3");
    refused(NPM "a@1.2\n", "bad.agent:4: 'a@1.2' names no exact version, as in NAME@1.2.3");
    refused(NPM "a@1.2.3 b@1.x.0\n",
            "bad.agent:4: 'b@1.x.0' names no exact version, as in NAME@1.2.3");
    refused(NPM "--force\n", "bad.agent:4: '--force' is not the name of a package");
    refused(NPM "a@^1.2.3\n", "bad.agent:4: 'a@^1.2.3' is not the name of a package");
    refused(NPM "http://x/a@1.2.3\n",
            "bad.agent:4: 'http://x/a@1.2.3' is not the name of a package");
}

static void good(void)
{
    struct agent_source s;
    struct err e = {0};
    static const char text[] =
        "# words\n[Agent]\nDescription=A tool\n" NPM "@a/b-{arch}@1.2.3 c@0.1.0-linux-{arch}\n";
    is_int(agent_source_parse("good", text, strlen(text), &s, &e), 0, "a good one: %s", e.text);
    is_str(s.packages, "@a/b-{arch}@1.2.3 c@0.1.0-linux-{arch}", "has its packages");
    is_str(s.program, "p", "its program");
    is_str(s.licence, "", "and nothing that it does not say");
}

// Of each adapter that runs a tool there is one, and the other way round.
static void shipped(void)
{
    own_fd int fd = open("profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < agent_count(); i++) {
        const struct agent_adapter *a = agent_at(i);
        struct agent_source s;
        struct err e = {0};
        if (!strcmp(agent_name(a), "command") || !strcmp(agent_name(a), "shell"))
            continue;
        is_int(agent_source_load(fd, agent_name(a), &s, &e), 0, "%s has a file%s", agent_name(a),
               e.text);
        if (*s.packages)
            is_str(s.program, agent_program(a), "which brings the program that it calls");
    }
}

int main(void)
{
    mistakes();
    good();
    shipped();
    return done_testing();
}
