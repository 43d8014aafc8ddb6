format=1
# Coding agents and what they start: node, python, ripgrep, language servers, headless browsers.
# Their calls are those of default; they need more room, and the network for their model.
# An agent's own sandbox (bubblewrap) needs nested user namespaces and does not start; one made
# of Landlock and seccomp does.

[Profile]
Description=coding agents: more room than default, with network
Extends=default

[Limits]
MemoryMax=4G
TasksMax=2048
LimitNOFILE=65536
TmpSize=2G
ShmSize=1G

[Sandbox]
Network=full
# What an ordinary user may write anyway: a second wall, which also holds for one who becomes root.
Landlock=yes
ReadWritePaths=/workspace /tmp /var/tmp /dev/shm /home

[SystemCalls]
Allow=personality if arg0 == ADDR_NO_RANDOMIZE # ThreadSanitizer starts itself again with it
