#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What each binary links is what it is able to do: no symbol and no library that its row of the
# process table forbids, no dynamic section where it must be static, and every hardening flag there.
use strict;
use warnings;

my $bin = $ENV{PINFOLD_BIN} // 'build/bin';
my ($n, $failed) = (0, 0);

# A forbidden thing is a library's name or the prefix of its symbols.
my %lib = (
    h2o => [qr/^libh2o/, qr/^(?:h2o_|wslay_)/], yajl => [qr/^libyajl/, qr/^yajl_/],
    sqlite => [qr/^libsqlite/, qr/^sqlite3_/], git2 => [qr/^libgit2/, qr/^git_(?:repository|libgit2|odb|clone|remote)_/],
    curl => [qr/^libcurl/, qr/^curl_/], ssl => [qr/^lib(?:ssl|crypto)\./, qr/^(?:SSL_|EVP_|X509_)/],
    sodium => [qr/^libsodium/, qr/^(?:sodium_|crypto_pwhash)/], seccomp => [qr/^libseccomp/, qr/^seccomp_(?:init|load|rule)/],
    cap => [qr/^libcap\./, qr/^cap_(?:set|get|init)/], nl => [qr/^libnl-/, qr/^(?:nl_|rtnl_)/],
    ares => [qr/^libcares/, qr/^ares_/],
    nft => [qr/^libnftables/, qr/^nft_/],
);
my @all = keys %lib;
my %may = (
    'pinfoldd' => [qw(seccomp)],
    'pinfold-server' => [qw(h2o yajl sqlite ssl sodium seccomp)],
    'pinfold-launcher' => [qw(seccomp cap nl nft)],
    'pinfold-egress' => [qw(ares seccomp sodium ssl)],
    'pinfold-git' => [qw(git2 seccomp)],
    'pinfold-init' => [],
    'pinfold-tool' => [],
    'pinfold' => [qw(seccomp cap nl nft yajl sodium)],
);
my %static = map { $_ => 1 } qw(pinfold-init pinfold-tool);

for my $name (sort keys %may) {
    my $path = "$bin/$name";
    if (!-x $path) {
        report("$name is built", 'it is not there');
        next;
    }
    my $dynamic = `readelf -dW '$path' 2>/dev/null`;
    my @needed = $dynamic =~ /\(NEEDED\).*\[(.*?)\]/g;
    my @symbols = map { (split ' ')[-1] =~ s/@.*//r } split /\n/, `nm '$path' 2>/dev/null; nm -D '$path' 2>/dev/null`;
    my %mine = map { $_ => 1 } @{$may{$name}};
    my @bad;
    for my $l (grep { !$mine{$_} } @all) {
        push @bad, "needs $_" for grep { $_ =~ $lib{$l}[0] } @needed;
        my @s = grep { $_ =~ $lib{$l}[1] } @symbols;
        push @bad, "has $l\'s symbol $s[0] and " . (@s - 1) . ' more' if @s;
    }
    report("$name links only " . (join(', ', 'libc', sort @{$may{$name}})), @bad);
    hardened($name, $path, $dynamic);
}
launcher_speaks_to_nobody();
print "1..$n\n";
exit($failed ? 1 : 0);

sub report {
    my ($what, @bad) = @_;
    $n++;
    $failed++ if @bad;
    print @bad ? 'not ' : '', "ok $n - $what\n", map { "# $_\n" } @bad;
}

sub hardened {
    my ($name, $path, $dynamic) = @_;
    my $all = `readelf -hlnW '$path' 2>/dev/null`;
    my $symbols = `nm '$path' 2>/dev/null; nm -D '$path' 2>/dev/null`;
    my @bad;
    if ($static{$name}) {
        push @bad, 'has a dynamic section' if $dynamic =~ /\(NEEDED\)/ || $all =~ /^\s+INTERP/m;
    } else {
        push @bad, 'is not position independent' unless $all =~ /Type:\s+DYN/;
        push @bad, 'does not bind all symbols at start' unless $dynamic =~ /BIND_NOW|\bNOW\b/;
    }
    push @bad, 'has no RELRO' unless $all =~ /GNU_RELRO/;
    push @bad, 'has an executable stack' unless $all =~ /GNU_STACK\s.*\bRW \s/;
    push @bad, 'has a segment that is writable and executable' if $all =~ /^\s+LOAD\s.*\bRWE\b/m;
    push @bad, 'has no stack protector' unless $symbols =~ /__stack_chk_fail/;
    push @bad, 'is not built with FORTIFY' unless $symbols =~ /__\w+_chk\b/ || $ENV{FLAVOUR} || small($name);
    # Debian's crt files carry no CET note, so the linker drops ours: look at the code instead.
    my $main = `objdump -d --no-show-raw-insn --disassemble=main '$path' 2>/dev/null`;
    push @bad, 'is not built with branch protection' unless $main =~ /endbr64/ || `uname -m` !~ /x86_64/;
    report("$name is hardened", @bad);
}

# FORTIFY leaves no mark where every size is known to the compiler.
sub small { return $static{$_[0]} }

sub launcher_speaks_to_nobody {
    my @symbols = map { (split ' ')[-1] =~ s/@.*//r } split /\n/, `nm -D '$bin/pinfold-launcher' 2>/dev/null`;
    my %forbidden = map { $_ => 1 } qw(accept accept4 getaddrinfo gethostbyname pthread_create);
    report('pinfold-launcher accepts no connection, resolves no name, starts no thread', map { "uses $_" } grep { $forbidden{$_} } @symbols);
}
