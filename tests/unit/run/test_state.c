// SPDX-License-Identifier: Apache-2.0
// States of runs: names that come back, transitions that are allowed and those that must not be.
#include <pinfold/run_state.h>
#include <tap.h>

static const struct {
    enum run_state from, to;
    bool may;
} cases[] = {
    {RUN_QUEUED, RUN_STARTING, true},      {RUN_QUEUED, RUN_CANCELLED, true},
    {RUN_QUEUED, RUN_RUNNING, false},      {RUN_QUEUED, RUN_SUCCEEDED, false},
    {RUN_QUEUED, RUN_INTERRUPTED, false},  {RUN_BLOCKED, RUN_QUEUED, true},
    {RUN_BLOCKED, RUN_STARTING, false},    {RUN_STARTING, RUN_QUEUED, true},
    {RUN_STARTING, RUN_RUNNING, true},     {RUN_STARTING, RUN_SUCCEEDED, false},
    {RUN_STARTING, RUN_INTERRUPTED, true}, {RUN_RUNNING, RUN_QUEUED, true},
    {RUN_RUNNING, RUN_STARTING, false},    {RUN_RUNNING, RUN_SUCCEEDED, true},
    {RUN_RUNNING, RUN_INTERRUPTED, true},  {RUN_RUNNING, RUN_PAUSED, true},
    {RUN_PAUSED, RUN_QUEUED, true},        {RUN_PAUSED, RUN_RUNNING, false},
    {RUN_NEEDS_INPUT, RUN_RUNNING, true},  {RUN_WAITING, RUN_RUNNING, true},
    {RUN_SUCCEEDED, RUN_QUEUED, true},     {RUN_CANCELLED, RUN_QUEUED, true},
    {RUN_SUCCEEDED, RUN_RUNNING, false},   {RUN_FAILED, RUN_SUCCEEDED, false},
};

static void test_table(void)
{
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ok(run_state_may(cases[i].from, cases[i].to) == cases[i].may, "%s %s to %s",
           run_state_name(cases[i].from), cases[i].may ? "may go" : "may not go",
           run_state_name(cases[i].to));
    for (enum run_state a = 0; a < RUN_STATES; a++) {
        bool on = run_state_may(a, RUN_QUEUED);
        for (enum run_state b = 0; b < RUN_STATES; b++)
            on &= b == RUN_QUEUED || !run_state_may(a, b);
        ok(!run_state_may(a, a), "%s is not entered from itself", run_state_name(a));
        ok(on == run_state_final(a), "%s is final, from where only a person goes on, or leads on",
           run_state_name(a));
        ok(run_state_at_rest(a) || !run_state_final(a), "%s: what is final is at rest",
           run_state_name(a));
        if (!run_state_final(a))
            ok(run_state_may(a, RUN_CANCELLED), "%s can be cancelled", run_state_name(a));
    }
    ok(!run_state_may(RUN_STATES, RUN_QUEUED) && !run_state_may(RUN_QUEUED, RUN_STATES),
       "what is no state goes nowhere");
}

static void test_names(void)
{
    enum run_state s;
    enum event_type t;
    bool good = true;
    for (unsigned i = 0; i < RUN_STATES; i++)
        good &= !run_state_parse(run_state_name((enum run_state)i), &s) && s == i;
    ok(good, "names of states come back");
    ok(run_state_parse("done", &s) == -1, "what is no state's name is none");
    good = true;
    for (unsigned i = 0; i < EV_N; i++)
        good &= !event_type_parse(event_type_name((enum event_type)i), &t) && t == i;
    ok(good && EV_N <= 64, "names of events come back, and a set of them fits 64 bits");
    ok(event_type_parse("run.exploded", &t) == -1, "what is no event's name is none");
    good = true;
    for (unsigned i = 1; i < WHY_N; i++)
        good &= run_reason_name((enum run_reason)i) && *run_reason_name((enum run_reason)i);
    ok(good, "every reason has a name");
}

int main(void)
{
    test_table();
    test_names();
    return done_testing();
}
