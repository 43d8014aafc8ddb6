// SPDX-License-Identifier: Apache-2.0
// Linked into our binaries when they are built with a sanitizer: they start each other with an empty
// environment, so what it would say stands here. Leaks cannot be looked for where ptrace is refused.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_abort=1";
}
