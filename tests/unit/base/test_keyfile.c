// SPDX-License-Identifier: Apache-2.0
#include <pinfold/keyfile.h>
#include <pinfold/buf.h>
#include <tap.h>

// The whole text as "section/key=value@line;" and the error that ended it.
static void reads(const char *text, const char *want)
{
    own_buf struct buf out;
    buf_init(&out, 4096);
    struct keyfile k;
    struct keyfile_entry en;
    struct err e = {0};
    int r = keyfile_init(&k, "f", text, strlen(text), &e);
    while (!r && (r = keyfile_next(&k, &en, &e)) > 0) {
        if (en.key)
            (void)buf_printf(&out, "%s/%s=%s@%u;", en.section, en.key, en.value, en.line);
        else
            (void)buf_printf(&out, "[%s]@%u;", en.section, en.line);
        r = 0;
    }
    if (r < 0)
        (void)buf_printf(&out, "!%s", e.text);
    keyfile_release(&k);
    is_str(out.data, want, "reads: %.30s", text);
}

static void words(const char *text, const char *want)
{
    char copy[100];
    snprintf(copy, sizeof(copy), "%s", text);
    own_buf struct buf out;
    buf_init(&out, 4096);
    char *rest = copy, *word;
    struct err e = {0};
    int r;
    while ((r = keyfile_word(&rest, &word, &e)) > 0)
        (void)buf_printf(&out, "<%s>", word);
    (void)buf_puts(&out, r < 0 ? "!" : "");
    is_str(out.data, want, "words of: %s", text);
}

int main(void)
{
    reads("", "");
    reads("\n\n  \n# x=y\n;z\n", "");
    reads("a=b", "/a=b@1;");
    reads(" a \t=  b c \t\r\nd=\n", "/a=b c@1;/d=@2;");
    reads("a=b=c", "/a=b=c@1;");
    reads("[s]\na=1\n[t u]\na=2", "[s]@1;s/a=1@2;[t u]@3;t u/a=2@4;");
    reads("a=1 \\\n  2 \\\n  3\nb=4", "/a=1    2    3@1;/b=4@4;");
    reads("a=1\\", "/a=1\\@1;");
    reads("# x \\\na=1", "/a=1@2;");
    reads("a=1\nnonsense\n", "/a=1@1;!f:2: 'nonsense' is not Key=value");
    reads("=1", "!f:1: '' is not the name of a key");
    reads("a b=1", "!f:1: 'a b' is not the name of a key");
    reads("[s", "!f:1: '[s' is not a [Section] heading");
    reads("[]", "!f:1: '[]' is not a [Section] heading");
    reads("[a]b]", "!f:1: '[a]b]' is not a [Section] heading");

    struct keyfile k;
    struct err e = {0};
    is_int(keyfile_init(&k, "f", "a\0b", 3, &e), -1, "a NUL byte is refused");
    is_str(e.text, "f: a NUL byte at offset 1", "and located");

    words("", "");
    words("  a  b\tc ", "<a><b><c>");
    words("\"a b\" c", "<a b><c>");
    words("x\"a \\\" \\\\\"y z", "<xa \" \\y><z>");
    words("\"\" a", "<><a>");
    words("a \"b", "<a>!");
    words("a\\b", "<a\\b>");
    return done_testing();
}
