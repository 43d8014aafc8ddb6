// SPDX-License-Identifier: Apache-2.0
#include <pinfold/buf.h>
#include <stdint.h>
#include <tap.h>

static void grows_to_its_maximum(void)
{
    own_buf struct buf b;
    buf_init(&b, 10);
    is_str(b.data, "", "an empty buffer is an empty string");
    is_int(buf_puts(&b, "12345"), 0, "what fits is appended");
    is_int(buf_puts(&b, "678901"), -1, "what passes the maximum is refused");
    is_str(b.data, "12345", "a refused append changes nothing");
    ok(b.overflow, "a refused append is remembered");
    is_int(buf_puts(&b, "67890"), 0, "the maximum itself fits");
    is_int(buf_putc(&b, 'x'), -1, "one more does not");
    is_int(b.len, 10, "the length is the maximum");
    ok(!buf_reserve(&b, SIZE_MAX), "a size that would wrap around is refused");
    buf_clear(&b);
    ok(!b.len && !b.overflow && !*b.data, "a cleared buffer is empty and forgets the refusal");
}

static void formats(void)
{
    own_buf struct buf b;
    buf_init(&b, 12);
    is_int(buf_printf(&b, "%d-%s", 42, "x"), 0, "printf appends");
    is_int(buf_printf(&b, "%s", "0123456789"), -1, "printf past the maximum is refused");
    is_str(b.data, "42-x", "and leaves no half of it");
    is_int(buf_append(&b, "\0z", 2), 0, "bytes may be NUL");
    is_int(b.len, 6, "and are counted");
}

static void drops_and_steals(void)
{
    own_buf struct buf b;
    buf_init(&b, 100);
    (void)buf_puts(&b, "hello world");
    buf_drop_front(&b, 6);
    is_str(b.data, "world", "the front is dropped");
    size_t len;
    char *p = buf_steal(&b, &len);
    is_str(p, "world", "stolen storage is the caller's");
    is_int(len, 5, "with its length");
    is_int(b.len, 0, "the buffer is empty then");
    is_int(buf_puts(&b, "again"), 0, "and usable");
    free(p);
    buf_drop_front(&b, 50);
    is_int(b.len, 0, "dropping more than there is empties it");
    p = buf_steal(&b, NULL);
    is_str(p, "", "stealing from an empty buffer gives an empty string");
    free(p);
}

static void finds_text(void)
{
    static const char text[] = "a needle, Needle, NEEDLe";
    size_t n = sizeof(text) - 1;
    ok(find_text(text, n, "needle", 6) == text + 2, "the first is found");
    ok(find_text(text + 3, n - 3, "neEDle", 6) == text + 10, "whatever its case");
    ok(find_text(text + 11, n - 11, "needle", 6) == text + 18, "at the very end");
    ok(!find_text(text + 11, n - 12, "needle", 6), "but not behind it");
    ok(!find_text(text, n, "noodle", 6) && !find_text(text, 3, "needle", 6), "or nowhere");
    ok(find_text("a.b", 3, ".", 1), "what is no letter is itself");
}

int main(void)
{
    finds_text();
    grows_to_its_maximum();
    formats();
    drops_and_steals();
    return done_testing();
}
