#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What README.md names is there: files, settings, commands, targets. (Its routes: lint.t.)
use strict;
use warnings;

(my $top = $0) =~ s{[^/]*$}{../..};
my $bin = $ENV{PINFOLD_BIN} // "$top/build/bin";
my $text = slurp("$top/README.md");
my $settings = `$bin/pinfoldd --settings`;
my $help = `$bin/pinfold help`;
my $targets = `make -s -C $top help`;
my $n = 0;
my $failed = 0;
named('the file', sub { -e "$top/$_[0]" }, $text =~ m{`((?:src|include|profiles|images|tests)/[\w./-]*)`}g);
named('the setting', sub { $settings =~ /^\W*\Q$_[0]\E=/m }, $text =~ /`([A-Z][A-Za-z0-9]+)=[^`]*`/g);
named('the command', sub { $help =~ /^\s+(?:pinfold )?\Q$_[0]\E\b/m }, $text =~ /`(?:pinfold) ((?:ws|token|profile|image) [a-z]+|[a-z]+)\b/g);
named('the target', sub { $targets =~ /^(?:[a-z -]* )?\Q$_[0]\E\b/m }, $text =~ /(?:^    |`)make ([a-z]+)/mg);
print "1..$n\n";
exit($failed ? 1 : 0);

sub slurp {
    open my $f, '<', $_[0] or die "$_[0]: $!\n";
    local $/;
    return <$f>;
}

sub named {
    my ($what, $there, @names) = @_;
    my %seen;
    for my $name (grep { !$seen{$_}++ } @names) {
        my $good = $there->($name);
        $n++;
        $failed++ unless $good;
        print $good ? '' : 'not ', "ok $n - $what $name is there\n";
    }
}
