// SPDX-License-Identifier: Apache-2.0
// A JSON text of unknown shape as a tree, for lines that other programs print. Bodies of requests
// are read by tables instead (json.h). Strings and raw values borrow from the text, so it must
// stay while the tree is used.
#pragma once
#include <pinfold/json.h>

enum json_kind { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_STR, JSON_ARR, JSON_OBJ };
struct json_node {
    enum json_kind kind;
    struct json_text name;           // of a member; no NUL behind it
    struct json_text text;           // of strings and numbers; no NUL behind it
    struct json_text raw;            // objects and arrays: as they stand in the text
    struct json_node *first, *next;  // children; siblings
    struct json_node *last, *parent; // of no use to callers
};

// NULL when it is not one valid value, is nested deeper than JSON_DEPTH_MAX or has over max_nodes.
// Costs a node for each value and a copy of strings that have escapes. Half a surrogate pair
// becomes '?'; of members with one name the first is found.
const struct json_node *json_tree(const void *text, size_t len, size_t max_nodes,
                                  struct json_pool *pool);
// By path: "message.content.0.text". NULL when n is NULL or there is no such value.
const struct json_node *json_at(const struct json_node *n, const char *path);
struct json_text json_text_at(const struct json_node *n, const char *path); // p NULL: no string
bool json_is(const struct json_node *n, const char *path, const char *word);
bool json_true_at(const struct json_node *n, const char *path);
uint64_t json_u64_at(const struct json_node *n, const char *path); // 0 when it is no such number
double json_f64_at(const struct json_node *n, const char *path);   // the same
