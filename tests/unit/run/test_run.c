// SPDX-License-Identifier: Apache-2.0
// Every table agrees with itself, and limits hold at their edges.
#include <pinfold/own.h>
#include <pinfold/run.h>
#include <signal.h>
#include <tap.h>

static void rows(void)
{
    for (unsigned i = 0; i < n_limit_rows; i++) {
        const struct limit_row *row = &limit_rows[i];
        struct limits l = {0};
        struct err e = {0};
        ok(row->doc[0] && row->min > 0 && row->min <= row->max, "%s has bounds and a sentence",
           row->name);
        limit_put(&l, row, row->min);
        ok(limit_get(&l, row) == row->min && !limits_check(&l, &e), "its minimum is allowed");
        limit_put(&l, row, row->max);
        ok(limit_get(&l, row) == row->max && !limits_check(&l, &e), "its maximum is allowed");
        limit_put(&l, row, row->max + 1);
        ok(limits_check(&l, &e) && e.code == ERR_LIMIT && strstr(e.text, row->name),
           "one more is refused by name");
        limit_put(&l, row, row->min - 1);
        ok(row->min == 1 || limits_check(&l, &e), "one less is refused, but 0 means unset");
        for (unsigned k = 0; k < n_limit_rows; k++)
            if (k != i && limit_get(&l, &limit_rows[k]))
                ok(false, "%s and %s share a place", row->name, limit_rows[k].name);
    }
}

static void narrowing(void)
{
    struct limits base = {.memory_bytes = 100, .pids = 10},
                  want = {.memory_bytes = 200, .pids = 5, .open_files = 7};
    struct limits out;
    limits_narrow(&out, &base, &want);
    is_int(out.memory_bytes, 100, "a request cannot raise a limit");
    is_int(out.pids, 5, "it can lower one");
    is_int(out.open_files, 7, "or set one that was open");
    limits_narrow(&base, &base, &(struct limits){0});
    is_int(base.memory_bytes, 100, "what asks for nothing changes nothing");
}

static void names(void)
{
    for (enum net_mode m = NET_NONE; m < NET_N; m++) {
        enum net_mode back;
        bool parsed = !net_mode_parse(net_mode_name(m), &back, NULL);
        ok(parsed == (m != NET_HOST), "network mode %s %s be asked for", net_mode_name(m),
           m == NET_HOST ? "cannot" : "can");
        ok(!parsed || back == m, "and means itself");
    }
    for (unsigned r = 0; r < END_N; r++) {
        enum end_reason back;
        ok(!end_reason_parse(end_reason_name((enum end_reason)r), &back) && back == r,
           "reason %s means itself", end_reason_name((enum end_reason)r));
    }
    enum end_reason x;
    is_int(end_reason_parse("exploded", &x), -1, "another word is no reason");
    is_str(end_reason_name(END_N), "unknown", "a number past them is unknown");
}

static void signals(void)
{
    static const struct {
        const char *text;
        int sig;
    } good[] = {
        {"KILL", SIGKILL}, {"SIGTERM", SIGTERM}, {"9", 9}, {"64", 64}, {"SIGUSR1", SIGUSR1}};
    static const char *const bad[] = {"", "0", "65", "SIG", "kill", "SIGSIGKILL", "-9", "KILL "};
    int sig;
    struct err e;
    for (size_t i = 0; i < N_ELEMS(good); i++)
        ok(!signal_parse(good[i].text, &sig, &e) && sig == good[i].sig, "%s is a signal",
           good[i].text);
    for (size_t i = 0; i < N_ELEMS(bad); i++)
        ok(signal_parse(bad[i], &sig, &e), "'%s' is none", bad[i]);
    for (int s = 1; s < 32; s++)
        ok(!signal_parse(signal_name(s), &sig, &e) && sig == s, "%s names itself", signal_name(s));
    is_str(signal_name(0), "SIG?", "no signal has no name");
    is_str(signal_name(-1), "SIG?", "nor has a negative one");
    is_str(signal_name(1000), "SIG?", "nor one past the last");
}

int main(void)
{
    rows();
    narrowing();
    names();
    signals();
    return done_testing();
}
