#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The rules of src/README.md that a script can check. Each is one test; what breaks it is listed.
use strict;
use warnings;

(my $top = $0) =~ s{[^/]*$}{../..};
chdir $top or die "$top: $!\n";
my @tracked = grep { -f } split /\n/, `git ls-files --cached --others --exclude-standard`;
my @c = grep { m{^(?:src|include|tests)/.*\.[ch]$} } @tracked;
my @src = grep { m{^(?:src|include)/} } @c;
my $n = 0;
my $failed = 0;
my %text;
$text{$_} = slurp($_) for @c;

top_level();
formatted();
spdx();
include_table();
headers_alone();
banned();
begun();
close_on_exec();
shapes();
paths_and_hosts();
documents();
clang();
print "1..$n\n";
exit($failed ? 1 : 0);

sub slurp {
    my ($path) = @_;
    open my $f, '<', $path or return '';
    local $/;
    return <$f> // '';
}

sub report {
    my ($what, @bad) = @_;
    $n++;
    $failed++ if @bad;
    print @bad ? 'not ' : '', "ok $n - $what\n";
    print "# $_\n" for @bad > 40 ? (@bad[0 .. 39], (@bad - 40) . ' more') : @bad;
}

# The code without comments and without what strings hold; lines keep their numbers.
sub code_of {
    my ($s) = @_;
    my $blank = sub { (my $t = $_[0]) =~ s/[^\n]/ /g; $t };
    $s =~ s{("(?:[^"\\\n]|\\.)*")|('(?:[^'\\\n]|\\.)*')|(//[^\n]*|/\*.*?\*/)}
           { defined $1 ? '"' . ' ' x (length($1) - 2) . '"' : defined $2 ? $2 : $blank->($3) }gse;
    return $s;
}

sub line_of { return 1 + (substr($_[0], 0, $_[1]) =~ tr/\n//) }

sub top_level {
    my %want = map { $_ => 1 } qw(Makefile README.md src include profiles images tests);
    my %seen;
    for (@tracked) {
        my ($first) = m{^([^/]+)};
        $seen{$first} = 1 unless $first =~ /^\./;
    }
    report('the top level is what it should be', map { "$_ is not one of them" } grep { !$want{$_} } sort keys %seen);
}

sub formatted {
    my @list = @c;
    my %bad;
    while (my @some = splice @list, 0, 50) {
        $bad{$1}++ for join("\n", `clang-format --dry-run @some 2>&1`) =~ /^(\S+?):\d+:\d+: warning/mg;
    }
    my $there = `clang-format --version 2>/dev/null` ne '';
    report('clang-format agrees', $there ? map { "$_ ($bad{$_} places)" } sort keys %bad : 'clang-format is not installed');
}

sub spdx {
    my @bad;
    for my $f (@tracked) {
        next unless $f =~ m{^(?:src|include|tests)/} && ($f =~ /\.(?:[ch]|sh|t|py|pl)$/ || slurp($f) =~ /^#!/);
        my $head = join "\n", (split /\n/, slurp($f), 4)[0 .. 2];
        push @bad, $f if $head !~ /SPDX-License-Identifier: Apache-2\.0/;
    }
    report('each source file names its licence', @bad);
}

# --- the include table of src/README.md --------------------------------------------------------

my (%allowed, %owns, %room_of_header);

sub read_table {
    my %third = (
        yajl => qr{^yajl/}, sodium => qr{^sodium}, h2o => qr{^h2o[./]}, wslay => qr{^wslay}, openssl => qr{^openssl/},
        seccomp => qr{^seccomp\.h$}, sqlite3 => qr{^sqlite3}, capability => qr{^sys/capability\.h$},
        netlink => qr{^netlink/}, nftables => qr{^nftables/}, git2 => qr{^git2}, curl => qr{^curl/}, ares => qr{^ares},
    );
    my $section = '';
    my @bad;
    for (split /\n/, slurp('src/README.md')) {
        $section = $1 if /^## (.*)/;
        next unless /^\|/ && !/^\| (?:room|---)/;
        my @cell = map { ($_ // '') =~ s/^\s+|\s+$//gr } (split /\|/, $_, -1)[1 .. 4];
        if ($section eq 'Map') {
            for my $room (split /,\s*/, $cell[0]) {
                $room_of_header{$_} = $room for split ' ', $cell[1];
                push @bad, "the map names src/$room, which is not there" unless -d "src/$room";
            }
        } elsif ($section eq 'Who may include what') {
            $allowed{$cell[0]} = {map { $_ => 1 } $cell[0], split ' ', $cell[1]};
            for my $lib (split /[,\s]+/, $cell[2]) {
                push @bad, "no headers are known for $lib" unless $third{$lib};
                push @{$owns{$cell[0]}}, $third{$lib} if $third{$lib};
            }
        }
    }
    $room_of_header{$_} //= $_ =~ s/_.*//r for map { m{^include/pinfold/(\w+)\.h$} ? $1 : () } @src;
    for my $h (sort keys %room_of_header) {
        push @bad, "no room has the header $h.h" unless $allowed{$room_of_header{$h}};
        push @bad, "the map has $h.h, which is not there" unless -f "include/pinfold/$h.h";
    }
    return ([values %third], @bad);
}

sub include_table {
    my ($third, @bad) = read_table();
    for my $f (grep { m{^src/} } @src) {
        my ($room) = $f =~ m{^src/(.*)/};
        my $may = $allowed{$room};
        if (!$may) {
            push @bad, "$f: the table has no row for $room";
            next;
        }
        while ($text{$f} =~ /^\s*#\s*include\s*([<"])([^>"]+)/mg) {
            my ($kind, $name) = ($1, $2);
            push @bad, "$f: #include \"$name\" leaves the room" if $kind eq '"' && $name =~ m{/};
            next if $kind eq '"';
            if ($name =~ m{^pinfold/(\w+)\.h$}) {
                my $owner = $room_of_header{$1} // '?';
                push @bad, "$f: $room may not include $name, which is ${owner}'s" unless $may->{$owner};
                push @bad, "$f: a library room does not log" if $1 eq 'log' && $room ne 'base' && !-f "src/$room/main.c";
            } elsif (grep { $name =~ $_ } @$third) {
                push @bad, "$f: <$name> is not ${room}'s" unless grep { $name =~ $_ } @{$owns{$room} // []};
            }
        }
    }
    for my $f (grep { m{^include/} } @src) {
        while ($text{$f} =~ /^\s*#\s*include\s*<([^>]+)>/mg) {
            my $name = $1;
            push @bad, "$f: a public header shows <$name>" if grep { $name =~ $_ } @$third;
        }
    }
    report('each room includes only what the table allows', @bad);
}

sub headers_alone {
    my @bad;
    my $flags = '-std=gnu17 -D_GNU_SOURCE -Iinclude -Wall -Wextra -fsyntax-only';
    for my $h (grep { m{^include/} } @src) {
        push @bad, "$h does not begin with #pragma once after its comment" unless $text{$h} =~ m{\A(?://[^\n]*\n)+#pragma once\n};
        (my $name = $h) =~ s{^include/}{};
        my $out = `echo '#include <$name>' | \${CC:-gcc} $flags -x c - 2>&1`;
        push @bad, $h, map { "  $_" } (split /\n/, $out)[0 .. 3] if $?;
    }
    report('each public header compiles alone', grep { defined } @bad);
}

sub banned {
    my $names = join '|', qw(strcpy strcat sprintf vsprintf strtok atoi atol atoll atof gets alloca system popen
        signal tmpnam tempnam mktemp asctime ctime gmtime localtime setjmp longjmp strtol strtoul);
    my @bad;
    for my $f (@src) {
        my $code = code_of($text{$f});
        while ($code =~ /(?<![\w.>])($names)\s*\(/g) {
            push @bad, "$f:" . line_of($code, $-[0]) . ": $1";
        }
    }
    report('no banned function is called', @bad);
}

# What cleans itself up is released at each return: it has been begun before the first.
sub begun {
    my @bad;
    for my $f (@src) {
        my (%open, $n);
        for my $line (split /\n/, code_of($text{$f})) {
            $n++;
            %open = () if $line =~ /^}/;
            $open{$_} = 1 for $line =~ /^\s*own_(?:buf|json_pool) struct \w+ ([\w, ]+);/ ? split /, /, $1 : ();
            delete @open{$line =~ /&(\w+)/g};
            push @bad, map { "$f:$n: $_ is not begun, and released" } sort keys %open if $line =~ /\breturn\b/;
        }
    }
    report('what cleans itself up was begun', @bad);
}

sub close_on_exec {
    my %flag = (
        open => 'O_CLOEXEC', openat => 'O_CLOEXEC', socket => 'SOCK_CLOEXEC', socketpair => 'SOCK_CLOEXEC',
        pipe => 'pipe2', pipe2 => 'O_CLOEXEC', accept => 'accept4', accept4 => 'SOCK_CLOEXEC',
        memfd_create => 'MFD_CLOEXEC', epoll_create1 => 'EPOLL_CLOEXEC', eventfd => 'EFD_CLOEXEC',
        timerfd_create => 'TFD_CLOEXEC', signalfd => 'SFD_CLOEXEC', inotify_init1 => 'IN_CLOEXEC',
        fopen => 'e"', dup => 'F_DUPFD_CLOEXEC', dup3 => 'O_CLOEXEC',
    );
    my $names = join '|', keys %flag;
    my @bad;
    for my $f (@src) {
        my $code = code_of($text{$f});
        while ($code =~ /(?<![\w.>])($names)\s*(\((?:[^()]++|(?2))*\))/g) {
            my ($name, $at) = ($1, $-[0]);
            my $args = substr $text{$f}, $-[2], $+[2] - $-[2];
            push @bad, "$f:" . line_of($code, $at) . ": $name without $flag{$name}" if index($args, $flag{$name}) < 0;
        }
    }
    report('every descriptor is close-on-exec from birth', @bad);
}

sub shapes {
    my @bad;
    for my $f (@src) {
        my $code = code_of($text{$f});
        my @rules = (
            [qr/\btypedef\s+(?:struct|union|enum)\b/, 'typedef of a struct'],
            [qr/#\s*include\s+"\.\./, 'an include by ..'],
            [qr/\t/, 'a tab'],
        );
        for my $r (@rules) {
            push @bad, "$f:" . line_of($code, $-[0]) . ": $r->[1]" while $code =~ /$r->[0]/g;
        }
        push @bad, "$f:" . line_of($text{$f}, $-[0]) . ': TODO without a sentence' while $text{$f} =~ /\b(?:TODO|FIXME|XXX)\b/g;
    }
    report('no typedef of a struct, no tab, no bare TODO', @bad);
}

# The patterns are in pieces so that this file does not match itself.
sub paths_and_hosts {
    my $path = join '|', map { "(?<![\\w.])/$_" } 'work' . '/main', 'work' . '/shared', 'tmp' . '/pf', 'home' . '/(?!user\\b)[a-z]+/';
    my $host = join '|', map { $_ =~ s/ /\\./gr } 'deb debian org', 'security debian org', 'debian org/debian', 'archive ubuntu com',
        'ubuntu com/ubuntu', 'archlinux org', 'npm' . 'js', 'pypi org', 'crates io', 'proxy golang';
    my @bad;
    for my $f (@tracked) {
        my $s = slurp($f);
        next if $s =~ /\0/;
        push @bad, "$f:" . line_of($s, $-[0]) . ": path of one machine: $&" while $s =~ /$path/g;
        push @bad, "$f:" . line_of($s, $-[0]) . ": host of an archive: $&" while $s =~ /$host/g;
    }
    report("no path of one machine and no archive's host", @bad);
}

# What README.md says about the routes is what the server's tables say; --fix puts it there.
sub documents {
    my $server = ($ENV{PINFOLD_BIN} // 'build/bin') . '/pinfold-server';
    my $want = `'$server' --routes 2>&1`;
    my $readme = slurp('README.md');
    my ($have) = $readme =~ /<!-- routes begin[^\n]*-->\n(.*)<!-- routes end -->/s;
    if (grep { $_ eq '--fix' } @ARGV) {
        $readme =~ s/(<!-- routes begin[^\n]*-->\n).*(<!-- routes end -->)/$1$want$2/s;
        open my $f, '>', 'README.md' or die "README.md: $!\n";
        print $f $readme;
        $have = $want;
    }
    report('the routes in README.md are those of the server',
        $? || !defined $have || $have ne $want ? 'they are not; make links && tests/check/lint.t --fix' : ());
}

sub clang {
    if (`clang --version 2>/dev/null` eq '') {
        report('clang builds it without a warning', 'clang is not installed');
        return;
    }
    local $ENV{MAKEFLAGS} = '';
    my $jobs = `nproc`;
    chomp $jobs;
    my $out = `make -k -j$jobs FLAVOUR=clang CC=clang DEVELOPER=1 all 2>&1`;
    report('clang builds it without a warning', $? ? grep { /error|warning|\*\*\*/ } split /\n/, $out : ());
}
