format=1
# Running code that one does not trust over a repository that it must not change: judging,
# analysing, trying. It writes to /tmp and its own root only; sockets are for the inside.

[Profile]
Description=untrusted code over a read-only workspace, local sockets only
Extends=default

[Limits]
MemoryMax=512M
TasksMax=128
CPUQuota=100%
DiskMax=1G
FilesMax=100000
LimitNOFILE=1024
OutputMax=64M
RuntimeMaxSec=1h
TmpSize=128M
ShmSize=64M

[Sandbox]
WorkspaceReadOnly=yes
# Said twice on purpose: ids and mounts already keep an ordinary user from writing elsewhere.
Landlock=yes
ReadWritePaths=/workspace /tmp /var/tmp /dev/shm /home
CoreScheduling=yes

[SystemCalls]
SystemCallFilter=~@aio @ipc socket personality
SystemCallFilter=~mlock mlock2 mlockall munlock munlockall
SystemCallFilter=~ioprio_set sched_setattr sched_setparam sched_setscheduler
SystemCallFilter=~inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
SystemCallFilter=~name_to_handle_at tee splice

Allow=socket if arg0 == AF_UNIX # pipes between processes, name service of the C library
