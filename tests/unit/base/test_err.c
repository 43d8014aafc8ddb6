// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pinfold/err.h>
#include <tap.h>

int main(void)
{
    struct err e = {0};
    is_int(err_set(&e, ERR_LIMIT, "body larger than %d bytes", 5), -1,
           "setting an error returns -1");
    is_str(e.text, "body larger than 5 bytes", "its text is formatted");
    is_int(e.code, ERR_LIMIT, "its code is kept");
    is_int(err_wrap(&e, "exec %d", 7), -1, "so does wrapping one");
    is_str(e.text, "exec 7: body larger than 5 bytes", "context comes in front");
    errno = ENOSPC;
    (void)err_sys(&e, "write %s", "x");
    ok(e.code == ERR_FULL && e.sys == ENOSPC, "no space is its own code");
    is_str(e.text, "write x: No space left on device", "the system's words come last");
    errno = ENOENT;
    (void)err_sys(&e, "open %s", "x");
    is_int(e.code, ERR_NOT_FOUND, "a missing file is not found");
    errno = EPERM;
    (void)err_sys(&e, "open %s", "x");
    is_int(e.code, ERR_KERNEL, "all else is the kernel's");
    is_int(err_set(NULL, ERR_LIMIT, "x") + err_sys(NULL, "x") + err_wrap(NULL, "x"), -3,
           "no place for the error is allowed");
    char longer[500];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    (void)err_set(&e, ERR_LIMIT, "%s", longer);
    is_int(strlen(e.text), sizeof(e.text) - 1, "a long text is cut at its room");
    (void)err_wrap(&e, "%s", longer);
    is_int(strlen(e.text), sizeof(e.text) - 1, "a long context too");
    for (unsigned c = 0; c < ERR_N_CODES; c++)
        ok(err_code_name(c) && strcmp(err_code_name(c), "unknown"), "code %u has a name", c);
    is_str(err_code_name(ERR_N_CODES), "unknown", "a number past the codes is unknown");
    return done_testing();
}
