#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An image with the tool of an agent, from npm's registry as this machine is configured to ask it.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/common.sh"
need ROOT USERNS OVERLAY MMDEBSTRAP
need_binary pinfold pinfoldd pinfold-server pinfold-launcher
command -v npm >/dev/null && timeout 60 npm view opencode-linux-x64 version >/dev/null 2>&1 ||
    { echo "1..0 # SKIP needs AGENTS: npm reaches no registry"; exit 0; }
images_start
AGENTS=$WORK/prefix/share/pinfold/profiles/agents
printf '[Image]\nExtends=debian-bookworm\n[Steps]\nAgent=codex\n' >"$IMAGES/coder.image"
builds coder || done_testing
version=$(sed -n 's/^Packages=.*@\([0-9.]*\)-linux-{arch}$/\1/p' "$AGENTS/codex.agent")
is "$(inside coder 'codex --version')" "codex-cli $version" "its tool is on PATH, in the version of its file"
is "$(inside coder 'ls /usr/local/lib/agents; find /usr/local/lib/agents /usr/local/bin -newermt @0 -perm /022 ! -type l | head -n 1; id -un')" \
    $'codex\nuser' "and no user's to write"
is "$(inside coder 'grep -rl "https*://registry" /usr/local/lib/agents --include=.package-lock.json')" "" "where it came from is not told"
builds coder
like "$LOG" "agent codex: is there already" "it is not fetched again"
sed -i 's/^Description=.*/Description=other words/' "$AGENTS/codex.agent"
builds coder
like "$LOG" "agent codex: is there already" "nor for other words about it"

sed -i "s/@$version-linux/@0.0.0-linux/" "$AGENTS/codex.agent"
breaks coder
like "$LOG" "npm does not give @openai/codex@0.0.0-linux-" "a version that is not there is named"
sed -i "s/@0.0.0-linux/@latest-linux/" "$AGENTS/codex.agent"
breaks coder
like "$LOG" "names no exact version" "one that would be another each day is refused"
printf '[Image]\nExtends=debian-bookworm\n[Steps]\nAgent=cursor\n' >"$IMAGES/coder.image"
breaks coder
like "$LOG" "coder.image:4: agent cursor is in no registry" "as is one that no registry has"
done_testing
