#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# debian-bookworm as it ships, from the host's own archive, and what stands on it.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS OVERLAY MMDEBSTRAP
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
images_start
cat >"$IMAGES/app.image" <<'END'
[Image]
Extends=debian-bookworm
[Steps]
Run=echo one >/etc/one && echo built-one
Env=GREETING=hello
Copy=files /opt/files/
Run=echo "$GREETING" >/etc/two && echo built-two
END
mkdir "$IMAGES/files"
echo data >"$IMAGES/files/data"
printf '#!/bin/sh\necho ran\n' >"$IMAGES/files/program"
chmod 755 "$IMAGES/files/program"
server_start "ImagesDir=$IMAGES" || done_testing

built debian-bookworm || done_testing
between "$BUILD_MS" 0 120000 "in less than two minutes"
like "$(inside 'cat /etc/debian_version')" '^12\.' "it is Debian 12"
is "$(inside 'id -un; pwd; echo $HOME')" $'user\n/workspace\n/home/user' "with the user that commands run as"
is "$(inside 'ls -A /dev/null /etc/resolv.conf; test -c /dev/null && echo device')" $'/dev/null\n/etc/resolv.conf\ndevice' "on the sandbox's own devices"
is "$(inside 'ls /usr/share/doc/*/changelog* /var/lib/apt/lists 2>/dev/null | wc -l')" 0 "with nothing left of the packages"
is "$(inside 'test -s /etc/ssl/certs/ca-certificates.crt && echo yes')" yes "with certificates"
like "$(inside 'cat /etc/apt/sources.list.d/*')" 'bookworm-security' "with security updates among its archives"

build debian-bookworm
between "$BUILD_MS" 0 3000 "an unchanged image is there at once"
like "$LOG" cached "and the log says that it was cached"

built app || done_testing
like "$LOG" built-one "steps are run"
like "$LOG" built-two "all of them"
is "$(inside 'cat /etc/one /etc/two /opt/files/data; /opt/files/program; echo $GREETING')" $'one\nhello\ndata\nran\nhello' "and are there"
is "$(inside 'stat -c "%U %a" /opt/files/data /opt/files/program')" $'root 644\nroot 755' "copied files are root's"

build app
unlike "$LOG" built-one "no step of an unchanged image is run again"
unlike "$LOG" built-two "none"

echo other >"$IMAGES/files/data"
server_stop
server_start "ImagesDir=$IMAGES" || done_testing
built app
unlike "$LOG" built-one "what stands before a change is not run again"
like "$LOG" built-two "what stands after it is"
is "$(inside 'cat /opt/files/data')" other "on the new files"

cat >"$IMAGES/broken.image" <<'END'
[Image]
Extends=debian-bookworm
[Steps]
Run=echo before it breaks && cat /nothing/here
END
server_stop
server_start "ImagesDir=$IMAGES" || done_testing
build broken
is "$(json .status)" error "a step that fails makes an error of the workspace"
like "$LOG" 'before it breaks' "its output is in the log"
like "$LOG" '/nothing/here: No such file' "to the end"
api GET "/v1/workspaces/$WS/debug"
like "$BODY" 'cat /nothing/here' "and debug names the step"
done_testing
