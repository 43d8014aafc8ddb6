// SPDX-License-Identifier: Apache-2.0
// The table of settings against itself, the reader, and the trip to a child.
#include <pinfold/conf.h>
#include <pinfold/own.h>
#include <tap.h>

static struct conf c;
static struct err e;

static int read_text(const char *text)
{
    conf_init(&c);
    return conf_parse(&c, "f", text, strlen(text), &e);
}
static void refused(const char *text, const char *why)
{
    int r = read_text(text);
    r = r ? r : conf_check(&c, &e);
    if (!ok(r && strstr(e.text, why), "refused: %s", text))
        printf("# got %d '%s', want '%s'\n", r, r ? e.text : "", why);
}
static void accepted(const char *text)
{
    bool good = !read_text(text) && !conf_check(&c, &e);
    if (!ok(good, "accepted: %s", text))
        printf("# %s\n", e.text);
}

static void rows(void)
{
    conf_init(&c);
    is_int(conf_check(&c, &e), 0, "the defaults hold together");
    for (unsigned i = 0; i < n_conf_rows; i++) {
        const struct conf_row *row = &conf_rows[i];
        ok(row->doc[0] && row->who && row->who != FOR_START, "%s has a sentence and a reader",
           row->name);
        for (unsigned k = i + 1; k < n_conf_rows; k++)
            if (!strcmp(conf_rows[k].name, row->name) || conf_rows[k].offset == row->offset)
                ok(false, "%s and %s are the same", row->name, conf_rows[k].name);
        if (row->type == CONF_BOOL || row->type == CONF_NUMBER || row->type == CONF_SIZE ||
            row->type == CONF_DURATION)
            ok(row->size == 8 && row->min <= row->max, "%s is a number with bounds", row->name);
        bool start = row->who & FOR_START;
        ok(!start || conf_set(&c, row->name, "1", &e), "%s cannot be set from outside", row->name);
    }
}

static void reader(void)
{
    accepted("");
    accepted("# only a comment\n\n");
    accepted("Listen = 1.2.3.4:80 [::1]:8080\nLogLevel=debug\nHTTP2=no");
    is_str(c.listen, "1.2.3.4:80 [::1]:8080", "a text is kept");
    is_int(c.log_level, 3, "a word becomes its number");
    accepted("MaxBody=1M\nIdleStop=2min\nMaxExecs=99");
    ok(c.max_body == 1 << 20 && c.idle_stop_ms == 120000 && c.max_execs == 99, "units count");
    accepted(
        "Mirror.debian-bookworm=https://example.org/debian\nMirror.arch-linux=http://127.0.0.1:1/");
    ok(c.n_mirrors == 2 && !strcmp(c.mirrors[1].image, "arch-linux") &&
           !strcmp(c.mirrors[0].url, "https://example.org/debian"),
       "mirrors are kept by image");

    refused("Nothing=1", "f:1: there is no setting Nothing");
    refused("\nMaxBody=1M\n\nMaxBody=1M", "f:4: MaxBody is set twice");
    refused("[x]\n", "f:1: settings have no [sections]");
    refused("maxbody=1M", "no setting maxbody");
    refused("MaxBody=", "MaxBody: '' is not a size");
    refused("MaxBody=1", "MaxBody: 1 is not from 4096 to");
    refused("StopTimeout=0", "StopTimeout: 0 is not from 1000ms to 600000ms");
    refused("LogLevel=loud", "LogLevel: 'loud'");
    refused("Strict=maybe", "neither yes nor no");
    refused("AdminToken=x", "pinfoldd sets this itself");
    refused("ServerUid=0", "pinfoldd sets this itself");
    refused("Mirror=http://x/", "no setting Mirror");
    refused("Mirror.=http://x/", "is not the name of an image");
    refused("Mirror.../x=http://x/", "is not the name of an image");
    refused("Mirror.a=http://x/\nMirror.a=http://y/", "f:2: Mirror.a: set twice");
    refused("Mirror.a=/etc", "is not an https, http, git or file URL");
    refused("Mirror.a=http://u:p@x/", "credential");
    refused("Mirror.a=http://x/$(id)", "a character no URL has");
}

static void bounds(void)
{
    refused("Listen=", "no address");
    refused("Listen=7070", "is not ADDR:PORT");
    refused("Listen=localhost:7070", "address in numbers");
    refused("Listen=1.2.3.4:70707", "is not ADDR:PORT");
    refused("Listen=::1:80", "address in numbers");
    refused("Listen=1.2.3.4:1 x", "is not ADDR:PORT");
    refused("StateDir=here", "is not an absolute path");
    refused("StateDir=", "StateDir= is empty");
    refused("ServerUser=0", "must not run as root");
    refused("ServerUser=a b", "is not the name of a user");
    refused("NetworkRange=10.1.0.0/24", "is not A.B.0.0/16");
    refused("NetworkRange=8.8.0.0/16", "private range");
    refused("NetworkRange=10.1.2.0/16", "private range");
    refused("NameServers=dns.example.org", "is not an address");
    accepted("NetworkRange=172.31.0.0/16\nNameServers=1.1.1.1 2606:4700::1111");
    refused("TLSKey=/k", "belong together");
    refused("HTTP2=yes", "needs TLSCertificate=");
    refused("ExecTimeout=2d", "above ExecTimeoutMax=");
    refused("IdBase=1000000000", "multiple of 65536");
    refused("IdBase=2147418112\nIdRanges=2", "below 2147483648");
    accepted("IdBase=2147352576\nIdRanges=1");
    char longer[400] = "StateDir=/";
    memset(longer + 10, 'x', sizeof(longer) - 11);
    refused(longer, "longer than 255 bytes");
    char addr[64];
    uint16_t port;
    ok(!conf_parse_address("[2001:db8::1]:443", addr, &port, &e) && port == 443, "an IPv6 address");
    is_str(addr, "2001:db8::1", "loses its brackets");
}

// What a child reads is what pinfoldd has, for each row that is the child's.
static void trip(unsigned who, const char *name)
{
    static struct conf back;
    own_buf struct buf text, again;
    buf_init(&text, 1 << 20);
    buf_init(&again, 1 << 20);
    conf_init(&back);
    is_int(conf_format(&c, who, &text), 0, "the settings of %s are written", name);
    if (!ok(!conf_parse_start(&back, text.data, text.len, &e), "they are read"))
        printf("# %s\n", e.text);
    (void)conf_format(&back, who, &again);
    is_str(again.data, text.data, "and read back as they were");
    if (who == FOR_SERVER) {
        ok(back.tls_key.len == c.tls_key.len &&
               !memcmp(back.tls_key.text, c.tls_key.text, c.tls_key.len),
           "the text of a file arrives byte for byte");
        ok(!*back.tls_key.path && !strcmp(back.admin_token, "pft_secret"), "and not its path");
        is_int(back.n_mirrors, 1, "mirrors arrive");
    } else {
        ok(!strstr(text.data, "pft_secret") && !strstr(text.data, "TLSKey"), "no secret is for %s",
           name);
    }
    conf_release(&back);
}

int main(void)
{
    rows();
    reader();
    bounds();
    accepted("Mirror.x=http://127.0.0.1/a%20b\nRepositoryRoots=/a \"/b c\"");
    static const char odd[] = "a\0b\n\\%\n \xff\x01";
    c.tls_key.text = xmemdup0(odd, sizeof(odd));
    c.tls_key.len = sizeof(odd);
    snprintf(c.admin_token, sizeof(c.admin_token), "pft_secret");
    trip(FOR_SERVER, "the server");
    trip(FOR_LAUNCHER, "the launcher");
    own_buf struct buf doc;
    buf_init(&doc, 1 << 20);
    conf_document(&doc);
    ok(strstr(doc.data, "#MaxBody=16M\n") && !strstr(doc.data, "AdminToken"),
       "the manual shows what a file may hold");
    conf_release(&c);
    return done_testing();
}
