#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pinfold-tool inside a sandbox, as its user, beside processes that work against it.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"
need_binary pinfold-tool

cp "$PINFOLD_BIN/pinfold-tool" "$WS/tool"
chown 1000:1000 "$WS/tool"
EX=64 # exit code of an error: 64 and the number of its code
bad=$((EX + 1)) missing=$((EX + 2)) conflict=$((EX + 4)) limit=$((EX + 5)) denied=$((EX + 6)) full=$((EX + 9))
tool() { box ./tool "$@"; }
code() { local want=$1 what=$2; shift 2; tool "$@" >"$WORK/out" 2>"$WORK/err" </dev/null; is $? "$want" "$what" || tap_show err: "$(cat "$WORK/err")"; }

printf hello | tool write f - 5 "" - >/dev/null; is "$? $(cat "$WS/f")" "0 hello" "write"
is "$(stat -c '%u:%g %a' "$WS/f")" "1000:1000 644" "a written file belongs to the sandbox's user"
is "$(tool read f 0 - | tail -c 5)" hello "read"
is "$(tool read f 1 3 | tail -c 3)" ell "read a range"
code 0 "stat" stat f
code 0 "ps" ps 100
isnt "$(tool ps 100 | grep -ac pinfold-init)" 0 "ps lists init"
code $missing "stat of nothing" stat nothing
code $bad "a path that climbs" stat ../../etc/passwd
code $denied "delete what is root's" delete /etc/passwd -
code $denied "write where it may not" write /etc/new - 0 "" -
code $denied "write into a read-only tree" write /usr/new - 0 "" -
code $bad "the workspace itself is not deleted" delete . r
code $bad "an unknown operation" explode
code $bad "too few arguments" stat
like "$(cat "$WORK/err")" 'takes 1 arg' "with a sentence"
code $conflict "a device is not read" read /dev/zero 0 -
code $conflict "nor a terminal" read /dev/ptmx 0 -
BOX_SECONDS=10 code $conflict "nor /dev/tty" read /dev/tty 0 -
ln -s /proc/self/root/etc/passwd "$WS/magic"; ln -s /proc/1/root "$WS/magic-dir"
code $conflict "a link through /proc/self/root is not followed" read magic 0 -
tool stat magic-dir/etc/passwd >/dev/null 2>&1; isnt $? 0 "nor one through /proc/1/root"

# Real tars, both ways.
mkdir -p "$WORK/tree/a/b" && cp /etc/passwd "$WORK/tree/a/b/" && ln -s b/passwd "$WORK/tree/a/l" && ln "$WORK/tree/a/b/passwd" "$WORK/tree/hard"
long=$(printf 'l%.0s' {1..200}); mkdir -p "$WORK/tree/$long/$long" && echo deep >"$WORK/tree/$long/$long/f"
printf 'new\nline' >"$WORK/tree/new"$'\n'"line"; chmod 755 "$WORK/tree/hard"
head -c 300000 /dev/urandom >"$WORK/tree/random"
for format in gnu pax ustar v7; do
    (cd "$WORK/tree" && tar --format=$format -cf "$WORK/$format.tar" $([ $format = v7 ] || [ $format = ustar ] && echo a hard random || echo .)) 2>/dev/null
    tool tar-in "in-$format" 100000000 1000 p <"$WORK/$format.tar" >/dev/null; is $? 0 "a $format archive of tar(1) is unpacked"
    is "$(diff -r "$WORK/tree/a" "$WS/in-$format/a" && cmp "$WORK/tree/random" "$WS/in-$format/random")" "" "to the same files ($format)"
done
is "$(diff -r "$WORK/tree" "$WS/in-pax")" "" "long names and names with newlines too"
tool tar-out in-pax >"$WORK/out.tar"; is $? 0 "pack it again"
mkdir "$WORK/back"; tar -xf "$WORK/out.tar" -C "$WORK/back" 2>"$WORK/err"; is "$? $(cat "$WORK/err")" "0 " "tar(1) unpacks it without a word"
is "$(diff -r "$WORK/tree" "$WORK/back")" "" "to the same files"
tar --version | grep -q bsdtar || ! command -v bsdtar >/dev/null || { bsdtar -tf "$WORK/out.tar" >/dev/null; is $? 0 "bsdtar reads it"; }
(cd "$WORK/tree" && truncate -s 1M sparse && tar --sparse -cf "$WORK/sparse.tar" sparse)
tool tar-in s 1000000 10 p <"$WORK/sparse.tar" 2>"$WORK/err" >/dev/null; is $? $bad "a sparse archive is refused"
like "$(cat "$WORK/err")" sparse "with its reason"
gzip -k "$WORK/pax.tar"; tool tar-in z 1000000 10 p <"$WORK/pax.tar.gz" 2>"$WORK/err" >/dev/null; is $? $bad "a compressed one too"
if has PYTHON; then
    python3 - "$WORK" <<'EOP'
import tarfile, io, sys
def make(name, *members):
    with tarfile.open(sys.argv[1] + "/" + name, "w") as t:
        for m in members:
            i = tarfile.TarInfo(m[0]); i.type = m[1]; i.linkname = m[2]; i.size = len(m[3]); i.mode = 0o777
            t.addfile(i, io.BytesIO(m[3]))
R, S, H, D = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
make("abs.tar", ("/home/user/evil", R, "", b"x"))
make("up.tar", ("../evil", R, "", b"x"))
make("link.tar", ("l", S, "/home/user", b""), ("l/evil", R, "", b"x"))
make("swap.tar", ("d", D, "", b""), ("d", S, "/home/user", b""), ("d/evil", R, "", b"x"))
make("hard.tar", ("h", H, "/etc/passwd", b""), ("h", R, "", b"x"))
make("dev.tar", ("n", tarfile.CHRTYPE, "", b""))
make("fifo.tar", ("p", tarfile.FIFOTYPE, "", b""))
EOP
    for t in abs up link swap hard dev fifo; do
        tool tar-in "x-$t" 1000000 10 p <"$WORK/$t.tar" >/dev/null 2>"$WORK/err"; rc=$?
        like "$rc" "^($bad|$conflict)$" "hostile archive refused: $t" || tap_show err: "$(cat "$WORK/err")"
    done
    is "$(find "$WS" -name evil | wc -l)" 0 "none of them wrote anything"
fi

# Races: processes of the same user swap files and links under the tool's hands.
# 'delete DIR r' removes a link, never what it points to.
cat >"$WS/race2" <<'EOP'
#!/bin/bash
mkdir -p ~/target && echo precious >~/target/f
mkdir one && ln -s ~/target two
probe/files exchange one two & a=$!
for i in $(seq 300); do
    [ $SECONDS -lt 60 ] || break # where every instruction is emulated
    ./tool delete one r >/dev/null 2>&1
    [ -e one ] || [ -L one ] || mkdir one 2>/dev/null
    [ -L two ] || [ -L one ] || { rm -rf two; ln -s ~/target two; } 2>/dev/null
done
kill $a; wait $a 2>/dev/null
cat ~/target/f
EOP
chmod 755 "$WS/race2"
is "$(BOX_SECONDS=120 box ./race2 2>&1 | tail -n 1)" precious "delete never empties what a link points to, in up to 300 races"
cat >"$WS/race3" <<'EOP'
#!/bin/bash
mkdir -p ~/target
mkdir -p in/d && ln -s ~/target in/e
tar -cf /tmp/t.tar --transform 's,^,d/,' -C /etc passwd hosts services protocols 2>/dev/null
probe/files exchange in/d in/e & a=$!
for i in $(seq 150); do [ $SECONDS -lt 60 ] || break; ./tool tar-in in 10000000 100 - </tmp/t.tar >/dev/null 2>&1; done
kill $a; wait $a 2>/dev/null
ls -A ~/target
EOP
chmod 755 "$WS/race3"
is "$(BOX_SECONDS=120 box ./race3 2>&1)" "" "tar-in writes nothing through a link, in up to 150 races"

# Disks that are full, readers and writers that go away.
BOX_OPTS=(--disk 8M)
head -c 20000000 /dev/zero | tool write /home/user/big - 20000000 "" - >/dev/null 2>"$WORK/err"; is $? $full "a full disk is told as such"
is "$(box sh -c 'head -c 20000000 /dev/zero | ./tool write /home/user/big - 20000000 "" - >/dev/null 2>&1; ls -A ~ | wc -l')" 0 "and leaves no temporary"
tar -C /usr/bin -cf - . 2>/dev/null | head -c 30000000 | tool tar-in /home/user 1000000000 100000 - >/dev/null 2>"$WORK/err"
is $? $full "for archives too"
BOX_OPTS=()
is "$(box sh -c 'yes | head -c 100 | timeout -s KILL 1 ./tool write cut - 1000000 "" - >/dev/null 2>&1; ls -A | grep -c "^\.tmp"')" 0 "a writer that is killed half way leaves no temporary"
out=$(box sh -c './tool tar-out /usr/bin 2>/dev/null | head -c 1000 | wc -c'); is "$out" 1000 "a reader that goes away ends the packing"
yes | tar -cf "$WORK/many.tar" -C "$WORK/tree" a random
tool tar-in few 100000000 2 p <"$WORK/many.tar" >/dev/null 2>&1; is $? $limit "more entries than allowed"
tool tar-in small 100 100 p <"$WORK/many.tar" >/dev/null 2>&1; is $? $limit "more bytes than allowed"
# Nobody of the same user gets at the tool's descriptors while it works.
is "$(box sh -c 'sleep 60 | ./tool write slow - 10 "" - >/dev/null 2>&1 &
    for i in $(seq 200); do ls "/proc/$(pgrep -x tool)/fd" 2>&1 | grep "Permission denied" && exit; sleep 0.05; done' | wc -l)" 1 \
    "the tool's descriptors are its own"
done_testing
