// SPDX-License-Identifier: Apache-2.0
// The limits of a git operation and the names of operations and phases.
#include <pinfold/repo.h>

#include <inttypes.h>
#include <pinfold/own.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)

static const struct limit {
    const char *name;
    size_t offset;
    uint64_t value, max;
} limits[] = {
    {"seconds", offsetof(struct repo_limits, seconds), 1800, 86400},
    {"bytes", offsetof(struct repo_limits, bytes), 4 * GIB, 1024 * GIB},
    {"objects", offsetof(struct repo_limits, objects), 10000000, 1000000000},
    // An advertised reference costs some 150 bytes of memory; the largest forges' repositories
    // have a few hundred thousand, most of them for pull requests.
    {"refs", offsetof(struct repo_limits, refs), 1000000, 10000000},
    {"files", offsetof(struct repo_limits, files), 1000000, 10000000},
    // A file's blob and its delta base are in memory at once.
    {"file_bytes", offsetof(struct repo_limits, file_bytes), GIB / 4, 16 * GIB},
    {"tree_bytes", offsetof(struct repo_limits, tree_bytes), 16 * GIB, 1024 * GIB},
    {"depth", offsetof(struct repo_limits, depth), 100, 1000},
    {"submodules", offsetof(struct repo_limits, submodules), 100, 1000},
};

static uint64_t *member(struct repo_limits *l, const struct limit *row)
{
    return (uint64_t *)(void *)((char *)l + row->offset);
}

void repo_limits_default(struct repo_limits *l)
{
    for (size_t i = 0; i < N_ELEMS(limits); i++)
        *member(l, &limits[i]) = limits[i].value;
}

int repo_limits_check(const struct repo_limits *l, struct err *e)
{
    struct repo_limits copy = *l;
    for (size_t i = 0; i < N_ELEMS(limits); i++) {
        uint64_t v = *member(&copy, &limits[i]);
        if (v < 1 || v > limits[i].max)
            return err_set(e, ERR_LIMIT, "the repository limit %s is not within 1 and %" PRIu64,
                           limits[i].name, limits[i].max);
    }
    return 0;
}

static const char *const op_names[REPO_OP_N] = {
    [REPO_OP_MIRROR] = "mirror",
    [REPO_OP_CHECKOUT] = "checkout",
    [REPO_OP_CLONE] = "clone",
    [REPO_OP_CHANGES] = "changes",
};
static const char *const argvs[REPO_OP_N][3] = {
    [REPO_OP_MIRROR] = {"pinfold-git", "mirror", NULL},
    [REPO_OP_CHECKOUT] = {"pinfold-git", "checkout", NULL},
    [REPO_OP_CLONE] = {"pinfold-git", "clone", NULL},
    [REPO_OP_CHANGES] = {"pinfold-git", "changes", NULL},
};
static const char *const phase_names[REPO_PHASE_N] = {
    [REPO_CONNECTING] = "connecting",
    [REPO_RECEIVING] = "receiving",
    [REPO_RESOLVING] = "resolving",
    [REPO_WRITING] = "writing",
};

const char *repo_op_name(enum repo_op op)
{
    return op < REPO_OP_N ? op_names[op] : "unknown";
}

int repo_op_parse(const char *name, enum repo_op *ret)
{
    for (unsigned i = 0; i < REPO_OP_N; i++) {
        if (strcmp(name, op_names[i]) != 0)
            continue;
        *ret = (enum repo_op)i;
        return 0;
    }
    return -1;
}

const char *const *repo_argv(enum repo_op op)
{
    return op < REPO_OP_N ? argvs[op] : NULL;
}

const char *repo_phase_name(enum repo_phase p)
{
    return p < REPO_PHASE_N ? phase_names[p] : "unknown";
}
