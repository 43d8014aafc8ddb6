#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Sizes: what is over its budget is split, or stands below with its reason.
use strict;
use warnings;

# path or path:function => reason
my %excused = (
);

(my $top = $0) =~ s{[^/]*$}{../..};
chdir $top or die "$top: $!\n";
my @files = grep { -f } split /\n/, `git ls-files --cached --others --exclude-standard src include tests`;
my ($n, $failed) = (0, 0);
my (%lines, %used);
$lines{$_} = [do { open my $f, '<', $_ or die "$_: $!\n"; <$f> }] for grep { /\.[ch]$/ } @files;

files();
functions();
rooms();
report('every excuse is needed', map { "$_ is within its budget" } grep { !$used{$_} } sort keys %excused);
print "1..$n\n";
exit($failed ? 1 : 0);

sub report {
    my ($what, @bad) = @_;
    $n++;
    $failed++ if @bad;
    print @bad ? 'not ' : '', "ok $n - $what\n", map { "# $_\n" } @bad;
}

sub excused {
    my ($key) = @_;
    $used{$key} = 1 if exists $excused{$key};
    return exists $excused{$key};
}

sub files {
    my (@long, @headers, @mains);
    for my $f (sort keys %lines) {
        my $n = @{$lines{$f}};
        push @long, "$f: $n" if $n > 600 && !excused($f);
        push @headers, "$f: $n" if $f =~ m{^include/} && $n > 200 && !excused($f);
        push @mains, "$f: $n" if $f =~ m{^src/\w+/main\.c$} && $n > 250 && !excused($f);
    }
    report('no source file is longer than 600 lines', @long);
    report('no public header is longer than 200 lines', @headers);
    report("no process's main.c is longer than 250 lines", @mains);
}

# With this brace style a function's body is between a { and a } in the first column.
sub functions {
    my (@long, @many);
    for my $f (grep { m{^src/} && /\.c$/ } sort keys %lines) {
        my @l = @{$lines{$f}};
        for (my $i = 1; $i < @l; $i++) {
            next unless $l[$i] =~ /^\{/ && $l[$i - 1] =~ /\)\s*$/;
            my $start = $i - 1;
            $start-- while $start > 0 && $l[$start] =~ /^\s/;
            my $end = $i;
            $end++ while $end < $#l && $l[$end] !~ /^\}/;
            my $head = join '', @l[$start .. $i - 1];
            my ($name) = $head =~ /(\w+)\s*\(/;
            my $cases = grep { /^\s+case\b/ } @l[$i .. $end];
            my $limit = $cases >= 10 ? 100 : 60;
            my $size = $end - $start + 1;
            push @long, "$f:" . ($start + 1) . ": $name has $size lines" if $size > $limit && !excused("$f:$name");
            my $count = parameters($head);
            push @many, "$f:" . ($start + 1) . ": $name has $count parameters" if $count > 5 && !excused("$f:$name()");
        }
    }
    report('no function is longer than 60 lines, or 100 with ten cases', @long);
    report('no function has more than 5 parameters', @many);
}

# A pointer and its length are one, and where the error goes is none.
sub parameters {
    my ($head) = @_;
    my ($args) = $head =~ /\((.*)\)/s;
    my $depth = 0;
    my @list = split /\0/, join '', map { $depth += /\(/ ? 1 : /\)/ ? -1 : 0; $_ eq ',' && !$depth ? "\0" : $_ } split //, $args // '';
    return scalar grep { !/struct (?:err|json_fault) \*\w+$/ && !/\b(?:n|len|room|size|max|n_\w+|\w+_len)\s*$/ } @list;
}

sub sum {
    my ($sum, @rooms) = (0, @_);
    for my $r (@rooms) {
        $sum += @{$lines{$_}} for grep { m{^src/\Q$r\E/[^/]*$} } keys %lines;
    }
    return $sum;
}

sub rooms {
    # What runs with root's rights and is the launcher's alone; init with the user's code beside it.
    # init is above the 200 lines of style's model because ours starts many commands, each with its
    # own cgroup, terminal, user and filter, and passes descriptors; the model starts one.
    my @budget = ([4000, 'the launcher and its sandbox', qw(launcher box)], [500, 'what the launcher freezes and stacks', 'strata'], [800, 'the set-up in init', 'stage'], [1100, 'init', 'init'], [200, 'a command until it executes', 'birth'], [1200, 'pinfoldd', 'pinfoldd']);
    for my $b (@budget) {
        my ($limit, $what, @rooms) = @$b;
        my $size = sum(@rooms);
        report("$what: at most $limit lines", $size > $limit ? "it has $size" : ());
        print "# $what: $size lines\n";
    }
    my %room;
    for (keys %lines) { $room{$1} += @{$lines{$_}} if m{^src/(.*)/[^/]*$} }
    print "# $_: $room{$_} lines\n" for sort keys %room;
}
