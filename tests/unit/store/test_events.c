// SPDX-License-Identifier: Apache-2.0
// Events of runs in the database: added, paged, deleted; an id is given once.
#include <pinfold/store_event.h>

#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <tap.h>

static char tmp[] = "/tmp/pinfold-test-events-XXXXXX";
static int dir_fd = -1;
static struct store *s;
static struct err e;

static int add(const char *run, uint64_t id, uint64_t seq, uint32_t type)
{
    char payload[40];
    int n = snprintf(payload, sizeof(payload), "{\"n\":%llu}", (unsigned long long)seq);
    const struct store_event ev = {
        .run = run, .id = id, .seq = seq, .type = type, .payload = payload, .len = (size_t)n};
    return store_event_put(s, &ev, &e);
}

struct seen {
    size_t n;
    uint64_t first, last;
    bool good;
};

static int on_row(void *arg, const struct store_event *ev)
{
    struct seen *seen = arg;
    char want[40];
    (void)snprintf(want, sizeof(want), "{\"n\":%llu}", (unsigned long long)ev->seq);
    seen->good &= ev->len == strlen(want) && !memcmp(ev->payload, want, ev->len);
    if (!seen->n++)
        seen->first = ev->seq;
    seen->last = ev->seq;
    return 0;
}

static struct seen page(const char *run, uint64_t after, uint64_t types, size_t max)
{
    struct seen seen = {.good = true};
    const struct store_event at = {.run = run, .seq = after};
    if (store_event_page(s, &at, types, max, on_row, &seen, &e))
        seen.good = false;
    return seen;
}

static void pages(void)
{
    (void)store_begin(s, &e);
    for (uint64_t i = 1; i <= 5000; i++) {
        (void)add("run_a", 2 * i, i, i % 3);
        if (i <= 10)
            (void)add("run_b", 2 * i + 1, i, 1);
    }
    is_int(store_commit(s, &e), 0, "events of two runs are added");
    is_int(add("run_a", 90000, 5, 0), -1, "a place in a run is taken once");
    is_int(add("run_c", 4, 1, 0), -1, "and so is an id");
    struct seen p = page("run_a", 0, 7, 100);
    ok(p.good && p.n == 100 && p.first == 1 && p.last == 100, "a page has a run's first events");
    p = page("run_a", 4990, 7, 100);
    ok(p.good && p.n == 10 && p.first == 4991 && p.last == 5000, "and goes on after any of them");
    p = page("run_a", 0, 1u << 1, 3);
    ok(p.good && p.n == 3 && p.first == 1 && p.last == 7, "types can be chosen");
    p = page("run_x", 0, 7, 3);
    ok(p.good && !p.n, "a run without events has none");
}

static void places(void)
{
    uint64_t seq;
    (void)store_event_seq(s, "run_a", 20, &seq, &e);
    is_int(seq, 10, "an id is found in its run");
    (void)store_event_seq(s, "run_b", 20, &seq, &e);
    is_int(seq, 9, "another run's is a place between its own");
    (void)store_event_seq(s, "run_a", UINT64_MAX, &seq, &e);
    is_int(seq, 5000, "the last is found");
    (void)store_event_seq(s, "run_x", UINT64_MAX, &seq, &e);
    is_int(seq, 0, "of a run without any there is none");
}

static void deletion(void)
{
    bool more = true;
    int rounds = 0;
    uint64_t next;
    (void)store_event_next_id(s, &next, &e);
    is_int(next, 10001, "the next id is behind the last");
    for (; more && rounds < 10; rounds++)
        (void)store_event_delete_some(s, "run_a", &more, &e);
    is_int(rounds, 3, "many are deleted in parts");
    is_int(page("run_a", 0, 7, 10).n, 0, "all of them");
    is_int(page("run_b", 0, 7, 100).n, 10, "and no other");
    (void)store_event_next_id(s, &next, &e);
    is_int(next, 10001, "an id that was given is not given again");
    store_close(s);
    s = store_open(dir_fd, &e);
    (void)store_event_next_id(s, &next, &e);
    is_int(next, 10001, "not after a restart either");
}

int main(void)
{
    if (!mkdtemp(tmp) || (dir_fd = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        !(s = store_open(dir_fd, &e)))
        return 1;
    pages();
    places();
    deletion();
    store_close(s);
    (void)io_remove_tree(AT_FDCWD, tmp, NULL);
    return done_testing();
}
