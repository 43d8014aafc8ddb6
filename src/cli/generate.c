// SPDX-License-Identifier: Apache-2.0
// Man pages and shell completion, made from the tables of commands and settings.
#include "cli_int.h"

#include <pinfold/conf.h>
#include <pinfold/own.h>
#include <string.h>

// --- man pages ------------------------------------------------------------------------------

// Text for troff: hyphens stay hyphens, and a line cannot begin a request.
static void put_roff(struct buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '-' || *s == '\\')
            (void)buf_putc(out, '\\');
        if (*s == '\\')
            (void)buf_putc(out, 'e');
        else
            (void)buf_putc(out, *s);
    }
}

static void put_title(struct buf *out, const char *name, int section, const char *doc)
{
    (void)buf_printf(out, ".TH %s %d \"\" pinfold\n.SH NAME\n%s \\- %s\n", name, section, name,
                     doc);
}

static void put_opts(struct buf *out, const struct cli_cmd *cmd)
{
    unsigned at = 0;
    for (const struct cli_opt *o; (o = cli_opt_at(cmd, &at));) {
        (void)buf_puts(out, ".TP\n.B ");
        if (o->letter)
            (void)buf_printf(out, "\\-%c, ", o->letter);
        (void)buf_puts(out, "\\-\\-");
        put_roff(out, o->name);
        if (o->arg)
            (void)buf_printf(out, " \\fI%s\\fP", o->arg);
        (void)buf_putc(out, '\n');
        put_roff(out, o->doc);
        (void)buf_putc(out, '\n');
    }
}

static void man_pinfold(struct buf *out)
{
    put_title(out, "pinfold", 1, "run commands in sandboxes");
    (void)buf_puts(out,
                   ".SH SYNOPSIS\n.B pinfold\n.I COMMAND\n[OPTIONS] [WORDS]\n.SH DESCRIPTION\n"
                   "pinfold runs commands, builds and coding agents in sandboxes. serve starts "
                   "its server; run,\ndoctor, profile and image need none; the others speak to "
                   "a server.\n.SH COMMANDS\n");
    for (unsigned i = 0; i < n_cli_commands; i++) {
        const struct cli_cmd *cmd = &cli_commands[i];
        (void)buf_puts(out, ".SS ");
        put_roff(out, cmd->name);
        (void)buf_putc(out, ' ');
        put_roff(out, cmd->args);
        (void)buf_puts(out, "\n\n");
        put_roff(out, cmd->doc);
        (void)buf_puts(out, ".\n");
        put_opts(out, cmd);
    }
    (void)buf_puts(
        out, ".SH EXIT STATUS\nrun and exec exit with the code of their command, 128 and the "
             "number after a signal, 124 after a timeout,\n125 when pinfold itself failed, 126 "
             "when the command cannot be executed, 127 when there is none of that name.\nThe "
             "others exit with 0, with 1 after a failure and with 2 for a wrong command line.\n"
             ".SH ENVIRONMENT\n.TP\n.B PINFOLD_URL\nThe server.\n.TP\n.B PINFOLD_TOKEN\nThe "
             "token that is shown to it.\n.SH SEE ALSO\n.BR pinfoldd (8),\n"
             ".BR pinfold.conf (5)\n");
}

static void man_settings(struct buf *out)
{
    put_title(out, "pinfold.conf", 5, "settings of pinfold");
    (void)buf_puts(out,
                   ".SH SYNOPSIS\n/etc/pinfold/pinfold.conf\n.SH DESCRIPTION\nLines Key=value; "
                   "lines that begin with # are comments; a backslash at the end of a line "
                   "joins\nthe next. An unknown or repeated key is an error. Sizes are bytes or "
                   "have K, M, G or T behind them;\ntimes are seconds or have ms, s, min, h or "
                   "d.\n.SH SETTINGS\n");
    for (unsigned i = 0; i < n_conf_rows; i++) {
        const struct conf_row *row = &conf_rows[i];
        if (row->who & FOR_START)
            continue;
        (void)buf_printf(out, ".TP\n.B %s=\n",
                         row->type == CONF_MIRRORS ? "Mirror.IMAGE" : row->name);
        put_roff(out, row->doc);
        (void)buf_puts(out, ".\n");
        if (*row->def)
            (void)buf_printf(out, "Default: %s.\n", row->def);
    }
    (void)buf_puts(out, ".SH SEE ALSO\n.BR pinfoldd (8)\n");
}

static void man_pinfoldd(struct buf *out)
{
    put_title(out, "pinfoldd", 8, "start pinfold's server and launcher, and start them again");
    (void)buf_puts(
        out,
        ".SH SYNOPSIS\n.B pinfoldd\n[\\-\\-listen \\fIADDR:PORT\\fP] [\\-\\-state \\fIDIR\\fP] "
        "[\\-\\-config \\fIFILE\\fP] [\\-\\-check] [\\-\\-settings]\n.SH DESCRIPTION\nReads the "
        "configuration, makes the state directory, opens the listening sockets, starts the server\n"
        "and the launcher and starts them again when they die. It prints one line, listening on "
        "\\fIURL\\fP, when\nboth are ready. The first start writes an admin token to admin.token "
        "in "
        "the state directory.\n.TP\n.B \\-\\-check\nRead the configuration, say what is wrong with "
        "it, exit.\n.TP\n.B \\-\\-settings\nPrint every setting with its default, in the form of a "
        "configuration.\n.SH SIGNALS\nSIGTERM and SIGINT stop the server, then the launcher; a "
        "second one kills them. Sandboxes end with the launcher.\nSIGHUP, and pinfold upgrade, "
        "read "
        "the configuration again and replace launcher and server by the\nbinaries that are "
        "installed now: no request is dropped, sandboxes go on. What came of it is logged and\n"
        "stands in pinfoldd.status in the state directory; a configuration that is not good "
        "changes nothing.\n.SH SEE ALSO\n.BR pinfold (1),\n"
        ".BR pinfold.conf (5)\n");
}

// --- completion -----------------------------------------------------------------------------

// The first words of all commands, each once; or the second words of those that begin with first.
static void put_words(struct buf *out, const char *first)
{
    const char *last = "";
    for (unsigned i = 0; i < n_cli_commands; i++) {
        const char *name = cli_commands[i].name, *space = strchr(name, ' ');
        size_t n = space ? (size_t)(space - name) : strlen(name);
        bool mine = first && space && strlen(first) == n && !strncmp(first, name, n);
        if (mine)
            (void)buf_printf(out, "%s ", space + 1);
        if (!first && (strncmp(last, name, n) || strlen(last) < n || (last[n] && last[n] != ' ')))
            (void)buf_printf(out, "%.*s ", (int)n, name);
        last = name;
    }
}

static const char *const bash_words[] = {
    [WORDS_NONE] = "",
    [WORDS_FILE] = "$(compgen -f -- \"$cur\")",
    [WORDS_DIR] = "$(compgen -d -- \"$cur\")",
    [WORDS_PROFILE] = "$(pinfold profile list 2>/dev/null | cut -d' ' -f1)",
    [WORDS_IMAGE] = "$(pinfold image list 2>/dev/null | cut -d' ' -f1)",
    [WORDS_NET] = "none full allow-list",
    [WORDS_NET_LOCAL] = "none full",
};

static void bash_command(struct buf *out, const struct cli_cmd *cmd)
{
    unsigned at = 0;
    (void)buf_printf(out, "    '%s')\n        case $prev in\n", cmd->name);
    for (const struct cli_opt *o; (o = cli_opt_at(cmd, &at));)
        if (o->arg)
            (void)buf_printf(out, "        --%s) words=\"%s\"; value=1 ;;\n", o->name,
                             bash_words[o->words]);
    (void)buf_puts(out,
                   "        esac\n        [ $value = 1 ] || case $cur in\n        -*) words='");
    at = 0;
    for (const struct cli_opt *o; (o = cli_opt_at(cmd, &at));)
        (void)buf_printf(out, "--%s ", o->name);
    (void)buf_printf(out, "--help' ;;\n        *) words=\"%s\" ;;\n        esac ;;\n",
                     cmd->flags & CLI_REST ? "$(compgen -c -- \"$cur\")" : bash_words[cmd->words]);
}

// One function serves bash itself, and zsh through its bashcompinit.
static void complete_bash(struct buf *out)
{
    (void)buf_puts(out, "# completion of pinfold for bash; made by pinfold help --generate\n"
                        "_pinfold_complete() {\n    local cur=${COMP_WORDS[COMP_CWORD]} "
                        "prev=${COMP_WORDS[COMP_CWORD-1]} words= value=0\n    local name="
                        "${COMP_WORDS[1]}\n    if [ $COMP_CWORD = 1 ]; then\n        COMPREPLY=($("
                        "compgen -W '");
    put_words(out, NULL);
    (void)buf_puts(out, "' -- \"$cur\"))\n        return\n    fi\n    case $name in\n");
    for (unsigned i = 0; i < n_cli_commands; i++) {
        const char *name = cli_commands[i].name, *space = strchr(name, ' ');
        size_t n = space ? (size_t)(space - name) : 0;
        if (!space || (i && !strncmp(cli_commands[i - 1].name, name, n + 1)))
            continue;
        own_free char *first = xmemdup0(name, n);
        (void)buf_printf(
            out,
            "    %s)\n        name=\"$name ${COMP_WORDS[2]}\"\n        if [ $COMP_CWORD "
            "= 2 ]; then\n            COMPREPLY=($(compgen -W '",
            first);
        put_words(out, first);
        (void)buf_puts(out, "' -- \"$cur\"))\n            return\n        fi ;;\n");
    }
    (void)buf_puts(out, "    esac\n    case $name in\n");
    for (unsigned i = 0; i < n_cli_commands; i++)
        bash_command(out, &cli_commands[i]);
    (void)buf_puts(out, "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
                        "complete -F _pinfold_complete pinfold\n");
}

static void complete_zsh(struct buf *out)
{
    (void)buf_puts(out, "#compdef pinfold\nautoload -U +X bashcompinit && bashcompinit\n");
    complete_bash(out);
    (void)buf_puts(out, "_bash_complete -F _pinfold_complete\n");
}

static void put_quoted(struct buf *out, const char *s)
{
    (void)buf_putc(out, '\'');
    for (; *s; s++)
        (void)(*s == '\'' ? buf_puts(out, "\\'") : buf_putc(out, *s));
    (void)buf_putc(out, '\'');
}

static void fish_command(struct buf *out, const struct cli_cmd *cmd)
{
    static const char *const words[] = {
        [WORDS_NONE] = "-x",
        [WORDS_FILE] = "-r -F",
        [WORDS_DIR] = "-x -a '(__fish_complete_directories)'",
        [WORDS_PROFILE] = "-x -a \"(pinfold profile list 2>/dev/null | string split -f1 ' ')\"",
        [WORDS_IMAGE] = "-x -a \"(pinfold image list 2>/dev/null | string split -f1 ' ')\"",
        [WORDS_NET] = "-x -a 'none full allow-list'",
        [WORDS_NET_LOCAL] = "-x -a 'none full'",
    };
    const char *space = strchr(cmd->name, ' ');
    int n = space ? (int)(space - cmd->name) : (int)strlen(cmd->name);
    own_free char *seen = xasprintf("__fish_seen_subcommand_from %.*s", n, cmd->name);
    own_free char *when = space
                              ? xasprintf("%s; and __fish_seen_subcommand_from %s", seen, space + 1)
                              : xstrdup(seen);
    (void)buf_printf(out, "complete -c pinfold -f -n '%s' -a %s -d ",
                     space ? seen : "__fish_use_subcommand", space ? space + 1 : cmd->name);
    put_quoted(out, cmd->doc);
    (void)buf_putc(out, '\n');
    if (cmd->words != WORDS_NONE)
        (void)buf_printf(out, "complete -c pinfold -n '%s' %s\n", when, words[cmd->words] + 3);
    unsigned at = 0;
    for (const struct cli_opt *o; (o = cli_opt_at(cmd, &at));) {
        (void)buf_printf(out, "complete -c pinfold -n '%s' -l %s ", when, o->name);
        if (o->letter)
            (void)buf_printf(out, "-s %c ", o->letter);
        (void)buf_printf(out, "%s -d ", o->arg ? words[o->words] : "");
        put_quoted(out, o->doc);
        (void)buf_putc(out, '\n');
    }
}

static void complete_fish(struct buf *out)
{
    (void)buf_puts(out, "# completion of pinfold for fish; made by pinfold help --generate\n");
    for (unsigned i = 0; i < n_cli_commands; i++) {
        const char *name = cli_commands[i].name, *space = strchr(name, ' ');
        size_t n = space ? (size_t)(space - name) : 0;
        if (space && (!i || strncmp(cli_commands[i - 1].name, name, n + 1)))
            (void)buf_printf(out, "complete -c pinfold -f -n __fish_use_subcommand -a %.*s\n",
                             (int)n, name);
        fish_command(out, &cli_commands[i]);
    }
}

static const struct {
    const char *kind;
    void (*make)(struct buf *out);
} kinds[] = {
    {"pinfold.1", man_pinfold},   {"pinfold.conf.5", man_settings},
    {"pinfoldd.8", man_pinfoldd}, {"pinfold.bash", complete_bash},
    {"_pinfold", complete_zsh},   {"pinfold.fish", complete_fish},
};

int generate(const char *kind, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < N_ELEMS(kinds); i++)
        if (!strcmp(kinds[i].kind, kind)) {
            kinds[i].make(out);
            return 0;
        }
    return err_set(e, ERR_NOT_FOUND,
                   "%.40s is not one of pinfold.1, pinfold.conf.5, pinfoldd.8, pinfold.bash, "
                   "_pinfold, pinfold.fish",
                   kind);
}
