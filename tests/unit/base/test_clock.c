// SPDX-License-Identifier: Apache-2.0
#include <pinfold/clock.h>
#include <tap.h>

int main(void)
{
    char text[CLOCK_TEXT_MAX];
    is_str(clock_format(0, text), "1970-01-01T00:00:00.000Z", "the beginning of time");
    is_str(clock_format(951827696789ull, text), "2000-02-29T12:34:56.789Z", "a leap day");
    is_str(clock_format(4102444800000ull, text), "2100-01-01T00:00:00.000Z", "past 32 bits");
    uint64_t a = clock_mono_ns(), b = clock_mono_ns();
    ok(b >= a, "the monotonic clock does not go back");
    ok(clock_wall_ms() > 1577836800000ull, "the wall clock is past 2020");
    return done_testing();
}
