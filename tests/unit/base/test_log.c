// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <tap.h>

static char got[4096];

// What comes out on stderr while f runs.
static void capture(void (*f)(void))
{
    int p[2], saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (saved < 0 || pipe2(p, O_CLOEXEC) || dup2(p[1], STDERR_FILENO) < 0)
        abort();
    f();
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    (void)close(p[1]);
    ssize_t n = read(p[0], got, sizeof(got) - 1);
    got[n > 0 ? n : 0] = '\0';
    (void)close(p[0]);
}

static void plain(void)
{
    log_warn("hello %d", 5);
    log_debug("not this");
}
static void forged(void)
{
    log_info("a\nb\x1b[31m\x7f\xc3\xa9");
}
static void endless(void)
{
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("%s", text);
}
static void all_escapes(void)
{
    char text[1500];
    memset(text, 1, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("%s", text);
}

int main(void)
{
    log_init("unit", LOG_INFO);
    capture(plain);
    char want[64];
    snprintf(want, sizeof(want), " warn unit[%d]: hello 5\n", (int)getpid());
    ok(strstr(got, want), "a line has level, role and pid");
    ok(got[4] == '-' && got[23] == 'Z', "and the time in front");
    ok(!strstr(got, "not this"), "what is less important than asked for is not written");
    capture(forged);
    ok(strstr(got, "a\\x0ab\\x1b[31m\\x7f\xc3\xa9\n"),
       "control characters are escaped, letters are not");
    is_int(strchr(got, '\n') - got, strlen(got) - 1, "so that one call is one line");
    capture(endless);
    ok(strlen(got) <= 1024 && got[strlen(got) - 1] == '\n', "a long line is cut to its bound");
    capture(all_escapes);
    ok(strlen(got) <= 1024 && got[strlen(got) - 1] == '\n', "even when escapes make it longer");
    return done_testing();
}
