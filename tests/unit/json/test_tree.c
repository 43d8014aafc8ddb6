// SPDX-License-Identifier: Apache-2.0
// Trees of JSON: what is found by path, and what is no tree.
#include <pinfold/json_tree.h>
#include <pinfold/own.h>
#include <tap.h>

static struct json_pool pool;

static const struct json_node *tree(const char *text)
{
    return json_tree(text, strlen(text), 1000, &pool);
}

static bool text_is(struct json_text t, const char *want)
{
    return t.p && t.len == strlen(want) && !memcmp(t.p, want, t.len);
}

static void test_paths(void)
{
    const struct json_node *n =
        tree("{\"a\": {\"b\": [1, {\"c\": \"x\\ny\"}, true]}, \"s\": \"word\","
             " \"f\": 1.5, \"neg\": -3, \"big\": 1e300, \"n\": null}");
    ok(n && n->kind == JSON_OBJ, "an object is a tree");
    ok(json_u64_at(n, "a.b.0") == 1, "a number is found in an array");
    ok(text_is(json_text_at(n, "a.b.1.c"), "x\ny"), "a string loses its escapes");
    ok(json_true_at(n, "a.b.2") && !json_true_at(n, "a.b.1"), "true is true");
    ok(json_is(n, "s", "word") && !json_is(n, "s", "wor") && !json_is(n, "s", "words"),
       "words are compared whole");
    ok(json_f64_at(n, "f") > 1.4 && json_f64_at(n, "f") < 1.6, "fractions are numbers");
    is_int(json_u64_at(n, "neg"), 0, "a negative number counts nothing");
    is_int(json_u64_at(n, "big"), 0, "nor does one that is not exact");
    ok(json_at(n, "n") && json_at(n, "n")->kind == JSON_NULL, "null is there");
    ok(!json_at(n, "a.b.3") && !json_at(n, "a.x.y") && !json_at(n, "a.b.x") && !json_at(NULL, "a"),
       "what is not there is not found");
    ok(text_is(json_at(n, "a.b")->raw, "[1, {\"c\": \"x\\ny\"}, true]"),
       "an array is kept as it stands");
}

static void test_refused(void)
{
    char deep[200];
    ok(!tree("") && !tree("{") && !tree("{\"a\": 1} x") && !tree("nonsense"),
       "what is not one value is no tree");
    memset(deep, '[', 60);
    memset(deep + 60, ']', 60);
    ok(!json_tree(deep, 120, 1000, &pool), "deep nesting is refused");
    ok(!json_tree("[1,2,3,4]", 9, 4, &pool) && json_tree("[1,2,3,4]", 9, 5, &pool),
       "a tree has as many values as it may");
    ok(json_is(tree("{\"a\": 1, \"a\": \"b\", \"a\": 2}"), "a", "b") == false,
       "of members with one name the first is found");
}

int main(void)
{
    json_pool_init(&pool);
    test_paths();
    test_refused();
    json_pool_release(&pool);
    return done_testing();
}
