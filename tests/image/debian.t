#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# debian-bookworm as it ships, from the host's own archive, and images that stand on it.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS OVERLAY MMDEBSTRAP
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
images_start

builds debian-bookworm || done_testing
between "$BUILD_MS" 0 120000 "in less than two minutes"
here() { inside debian-bookworm "$1"; }
like "$(here 'cat /etc/debian_version')" '^12\.' "it is Debian 12"
is "$(here 'id -un; pwd; echo $HOME')" $'user\n/workspace\n/home/user' "with the user that commands run as"
is "$(here 'test -c /dev/null && test -d /proc/self && echo yes')" yes "on the sandbox's own /dev and /proc"
is "$(here 'ls /usr/share/doc/*/changelog* /usr/share/man/man1 /var/lib/apt/lists 2>/dev/null | grep -c "[.]"')" 0 "with nothing left of the packages"
is "$(here 'test -s /etc/ssl/certs/ca-certificates.crt && echo yes')" yes "with certificates"
like "$(here 'cat /etc/apt/sources.list.d/*')" 'bookworm-security' "with security updates among its archives"
like "$(here 'dpkg --audit; dpkg -s apt')" '^Package: apt' "dpkg finds nothing amiss"
root=$STATE/layers/$(pinfold image show debian-bookworm | awk '$1 == "key" { next } $1 == "base" { print $2 }')
is "$(ls -A "$root"*/dev "$root"*/run "$root"*/tmp | grep -cv :)" 2 "nothing is left in /dev, /run and /tmp"

builds debian-bookworm
between "$BUILD_MS" 0 3000 "an unchanged image is there at once"
like "$LOG" 'there already' "and the log says so"

cat >"$IMAGES/app.image" <<'END'
[Image]
Extends=debian-bookworm
[Steps]
Run=echo one >/etc/one && printf 'made %d\n' 11
Env=GREETING=hello
Copy=files /opt/files/
Run=echo "$GREETING" >/etc/two && printf 'made %d\n' 22
Packages=tree
END
mkdir "$IMAGES/files"
echo data >"$IMAGES/files/data"
printf '#!/bin/sh\necho ran\n' >"$IMAGES/files/program"
chmod 700 "$IMAGES/files/program"
builds app || done_testing
like "$LOG" 'made 11.*made 22' "steps are run in their order"
is "$(inside app 'cat /etc/one /etc/two /opt/files/data; /opt/files/program; echo $GREETING')" $'one\nhello\ndata\nran\nhello' "and what they made is there"
is "$(inside app 'stat -c "%U %a" /opt/files /opt/files/data /opt/files/program')" $'root 755\nroot 644\nroot 755' "what was copied is root's"
is "$(inside app 'tree --version | cut -c1-6; ls /var/lib/apt/lists | wc -l')" $'tree v\n0' "packages come over the step's own network"

builds app
unlike "$LOG" 'made 11|made 22' "no step of an unchanged image is run again"

echo other >"$IMAGES/files/data"
builds app
unlike "$LOG" 'made 11' "what stands before a change is not run again"
like "$LOG" 'made 22' "what stands after it is"
is "$(inside app 'cat /opt/files/data')" other "on the new files"

printf '[Image]\nExtends=debian-bookworm\n[Steps]\nRun=echo before it breaks && \\\n cat /nothing/here\n' >"$IMAGES/broken.image"
n=$(ls "$STATE/layers" | wc -l)
breaks broken
like "$LOG" 'before it breaks' "its output is shown"
like "$LOG" '/nothing/here: No such file' "to the end"
like "$LOG" 'broken:4: .*exit code 1' "the error names the step's line and its end"
is "$(ls "$STATE/layers" | wc -l)" "$n" "a step that failed leaves no layer"
is "$(ls -A "$STATE/dirs" "$STATE/trash" | grep -cv :)" 1 "and nothing else"
printf '[Image]\nExtends=debian-bookworm\n[Steps]\nPackages=no-such-package\n' >"$IMAGES/broken.image"
breaks broken
like "$LOG" 'Unable to locate package no-such-package' "a package that is not there is named"

# What a step does as root, it does as root of its sandbox.
cat >"$IMAGES/nosy.image" <<'END'
[Image]
Extends=debian-bookworm
[Steps]
Run=! mknod /dev/x b 8 0 && ! mount -t tmpfs t /mnt && ! unshare -U true && \
    ! ls /workspace/../proc/1/root/home/user 2>/dev/null && grep -q "^CapEff:.*" /proc/self/status
END
builds nosy

# The same through a server, on the same layers.
server_start "ImagesDir=$IMAGES" || done_testing
workspace() { # IMAGE: make it and build it
    api POST /v1/workspaces -H 'content-type: application/json' -d "{\"image\": \"$1\"}"
    WS=$(json .id)
    api POST "/v1/workspaces/$WS/build?wait=120"
    LOG=$(curl -sS -H "Authorization: Bearer $TOKEN" "$URL/v1/workspaces/$WS/build/log")
    api GET "/v1/workspaces/$WS"
}
workspace app
is "$(json .status)" ready "a workspace uses the layers that are there"
unlike "$LOG" 'made 11|made 22' "none is made again"
like "$LOG" 'cached|already' "its log says so"
workspace broken
is "$(json .status)" error "a workspace whose image cannot be built is in error"
like "$LOG" 'Unable to locate package no-such-package' "its log says why"
done_testing
