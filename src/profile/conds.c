// SPDX-License-Identifier: Apache-2.0
// Conditions on arguments: text to rows and back. The words for values hold for one argument of one
// call, so that text reads as the manual page does and still has one canonical form.
#include "profile_int.h"

#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#define LOW_HALF 0xffffffffull

#define ANY_NAMESPACE                                                                              \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

struct value_row {
    const char *call;
    uint8_t arg;
    const char *name;
    uint64_t value;
};
static const struct value_row values[] = {
    {"socket", 0, "AF_UNIX", AF_UNIX},
    {"socket", 0, "AF_INET", AF_INET},
    {"socket", 0, "AF_INET6", AF_INET6},
    {"socket", 0, "AF_NETLINK", AF_NETLINK},
    {"socket", 1, "SOCK_TYPE_MASK", 0xf}, // without SOCK_CLOEXEC and SOCK_NONBLOCK
    {"socket", 1, "SOCK_PACKET", 10},
    // Of an INET socket; in netlink 0 is NETLINK_ROUTE, which is written as IPPROTO_IP's number.
    {"socket", 2, "IPPROTO_ICMP", IPPROTO_ICMP},
    {"socket", 2, "IPPROTO_TCP", IPPROTO_TCP},
    {"socket", 2, "IPPROTO_UDP", IPPROTO_UDP},
    {"socket", 2, "IPPROTO_ICMPV6", IPPROTO_ICMPV6},
    {"socketpair", 0, "AF_UNIX", AF_UNIX},
    {"ioctl", 1, "TIOCSTI", TIOCSTI},
    {"ioctl", 1, "TIOCLINUX", TIOCLINUX},
    {"ioctl", 1, "TIOCSETD", TIOCSETD},
    {"clone", 0, "CLONE_NEWANY", ANY_NAMESPACE},
    {"clone", 0, "CLONE_NEWUSER", CLONE_NEWUSER},
    {"clone", 0, "CLONE_NEWNET", CLONE_NEWNET},
    // unshare takes the time namespace's bit too; in clone that bit is part of the signal.
    {"unshare", 0, "CLONE_NEWANY", ANY_NAMESPACE | CLONE_NEWTIME},
    {"unshare", 0, "CLONE_NEWUSER", CLONE_NEWUSER},
    {"unshare", 0, "CLONE_NEWNET", CLONE_NEWNET},
    {"unshare", 0, "CLONE_NEWTIME", CLONE_NEWTIME},
    {"personality", 0, "PER_LINUX", PER_LINUX},
    {"personality", 0, "PER_LINUX32", PER_LINUX32},
    {"personality", 0, "UNAME26", UNAME26},
    {"personality", 0, "ADDR_NO_RANDOMIZE", ADDR_NO_RANDOMIZE},
    {"personality", 0, "PER_QUERY", LOW_HALF},
};

static const struct {
    const char *text;
    enum profile_op op;
} ops[] = {{"==", COND_EQ}, {"!=", COND_NE}, {"<=", COND_LE}};

static bool find_value(const char *call, uint8_t arg, const char *word, uint64_t *ret)
{
    for (size_t i = 0; i < N_ELEMS(values); i++)
        if (values[i].arg == arg && !strcmp(values[i].call, call) &&
            !strcmp(values[i].name, word)) {
            *ret = values[i].value;
            return true;
        }
    return false;
}

static bool parse_hex(const char *word, uint64_t *ret)
{
    if (word[0] != '0' || word[1] != 'x' || !word[2] || strlen(word) > 18 ||
        word[2 + strspn(word + 2, "0123456789abcdefABCDEF")])
        return false;
    *ret = strtoull(word + 2, NULL, 16); // cannot overflow: at most 16 digits
    return true;
}

// NAME, NUMBER, or several of them with | between. Cuts word up.
static int parse_value(const char *call, uint8_t arg, char *word, uint64_t *ret, struct err *e)
{
    uint64_t all = 0, one;
    for (char *next = word; next; word = next) {
        next = strchr(word, '|');
        if (next)
            *next++ = '\0';
        if (!find_value(call, arg, word, &one) && !parse_hex(word, &one) &&
            num_parse_u64(word, 0, UINT64_MAX, &one, NULL))
            return err_set(e, ERR_BAD_REQUEST,
                           "'%.30s' is neither a number nor a value of %s's argument %u", word,
                           call, arg);
        all |= one;
    }
    *ret = all;
    return 0;
}

// The next word, cut off; "" at the end.
static char *next_token(char **rest)
{
    *rest += strspn(*rest, " \t");
    char *word = *rest;
    *rest += strcspn(word, " \t");
    if (**rest)
        *(*rest)++ = '\0';
    return word;
}

static int parse_op(const char *word, enum profile_op *ret, struct err *e)
{
    for (size_t i = 0; i < N_ELEMS(ops); i++)
        if (!strcmp(ops[i].text, word)) {
            *ret = ops[i].op;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "'%.20s' is not one of == != <=", word);
}

// argN [& MASK] OP VALUE
static int parse_cond(const char *call, char **rest, struct profile_cond *c, struct err *e)
{
    char *word = next_token(rest);
    if (strncmp(word, "arg", 3) || word[3] < '0' || word[3] > '5' || word[4])
        return err_set(e, ERR_BAD_REQUEST, "'%.20s' stands where arg0 to arg5 must", word);
    *c = (struct profile_cond){.arg = (uint8_t)(word[3] - '0'), .mask = LOW_HALF};
    word = next_token(rest);
    if (!strcmp(word, "&")) {
        if (parse_value(call, c->arg, next_token(rest), &c->mask, e))
            return -1;
        word = next_token(rest);
    }
    if (parse_op(word, &c->op, e) || parse_value(call, c->arg, next_token(rest), &c->value, e))
        return -1;
    if (c->op == COND_EQ && c->mask != LOW_HALF)
        c->op = COND_MASKED_EQ;
    if (c->value & ~c->mask && c->op != COND_LE)
        return err_set(e, ERR_BAD_REQUEST, "the value has bits outside the mask");
    return 0;
}

int conds_parse(const char *call, char *text, struct profile_call *row, struct err *e)
{
    do {
        if (row->n_conds == N_ELEMS(row->conds))
            return err_set(e, ERR_LIMIT, "more than %zu conditions", N_ELEMS(row->conds));
        if (parse_cond(call, &text, &row->conds[row->n_conds], e))
            return -1;
        row->n_conds++;
        const char *word = next_token(&text);
        if (!*word)
            return 0;
        if (strcmp(word, "and"))
            return err_set(e, ERR_BAD_REQUEST, "'%.20s' stands where 'and' must", word);
    } while (true);
}

static int format_value(const char *call, uint8_t arg, uint64_t v, struct buf *out)
{
    for (size_t i = 0; i < N_ELEMS(values); i++)
        if (values[i].arg == arg && values[i].value == v && !strcmp(values[i].call, call))
            return buf_puts(out, values[i].name);
    return v < 10 ? buf_printf(out, "%u", (unsigned)v)
                  : buf_printf(out, "0x%llx", (unsigned long long)v);
}

int conds_format(const char *call, const struct profile_call *row, struct buf *out)
{
    for (unsigned i = 0; i < row->n_conds; i++) {
        const struct profile_cond *c = &row->conds[i];
        enum profile_op op = c->op == COND_MASKED_EQ ? COND_EQ : c->op;
        size_t o = 0;
        while (ops[o].op != op)
            o++;
        if (buf_printf(out, "%sarg%u ", i ? " and " : "", c->arg))
            return -1;
        if (c->mask != LOW_HALF &&
            (buf_puts(out, "& ") || format_value(call, c->arg, c->mask, out) || buf_putc(out, ' ')))
            return -1;
        if (buf_printf(out, "%s ", ops[o].text) || format_value(call, c->arg, c->value, out))
            return -1;
    }
    return 0;
}
