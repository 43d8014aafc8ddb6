// SPDX-License-Identifier: Apache-2.0
#include <pinfold/list.h>
#include <pinfold/own.h>
#include <tap.h>

struct thing {
    int n;
    struct list link;
};

int main(void)
{
    struct list head;
    struct thing t[4] = {{.n = 1}, {.n = 2}, {.n = 3}, {.n = 4}};
    list_init(&head);
    ok(list_empty(&head), "a new list is empty");
    for (int i = 0; i < 4; i++)
        list_add_tail(&head, &t[i].link);
    int order = 0;
    list_for (it, &head)
        order = order * 10 + container_of(it, struct thing, link)->n;
    is_int(order, 1234, "it keeps the order");
    list_del(&t[1].link);
    list_del(&t[1].link);
    order = 0;
    list_for_safe (it, &head) {
        order = order * 10 + container_of(it, struct thing, link)->n;
        list_del(it);
    }
    is_int(order, 134, "taking out twice is harmless; taking out while walking too");
    ok(list_empty(&head), "and it is empty again");
    struct list never = {0};
    list_del(&never);
    ok(!never.next, "taking out what was never in is harmless");
    return done_testing();
}
