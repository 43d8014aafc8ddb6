format=1
# pinfold-git (libgit2): the repository's mirror, the workspace and one remote. It gives up more
# itself before it reads a byte from the remote: src/confine/roles.c.

[Profile]
Description=pinfold's own git helper
Internal=yes

[Limits]
MemoryMax=1G
TasksMax=32
CPUQuota=200%
DiskMax=20G
FilesMax=4000000
LimitNOFILE=1024
RuntimeMaxSec=1h
TmpSize=64M
ShmSize=1M

[Sandbox]
User=1000
Group=1000
CapabilityBoundingSet=
Network=none

[SystemCalls]
SystemCallErrorNumber=EPERM
SystemCallFilter=@init @memory @signal @timer @io @files @sockets @sandbox
SystemCallFilter=~mknod mknodat name_to_handle_at mlock mlock2 mlockall bind listen accept
SystemCallFilter=~inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
# libgit2 asks how many threads to start.
SystemCallFilter=sysinfo getrlimit getcpu sched_getaffinity

Allow=clone if arg0 & CLONE_NEWANY == 0 # threads of the pack builder
Allow=ioctl if arg1 != TIOCSTI and arg1 != TIOCLINUX and arg1 != TIOCSETD # init
Allow=socketpair if arg0 == AF_UNIX # init
Allow=socket if arg0 == AF_UNIX # name service
Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == 0 # name service
Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == IPPROTO_TCP # the remote
Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == IPPROTO_UDP # name service
Allow=socket if arg0 == AF_INET6 and arg2 == 0 # name service
Allow=socket if arg0 == AF_INET6 and arg2 == IPPROTO_TCP # the remote
Allow=socket if arg0 == AF_INET6 and arg2 == IPPROTO_UDP # name service
Allow=socket if arg0 == AF_NETLINK and arg2 == 0 # getaddrinfo
