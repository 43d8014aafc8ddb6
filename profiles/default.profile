format=1
# Normal development work as an ordinary user: compilers, interpreters, package managers of
# languages, git, test suites, servers on the sandbox's own loopback.
# Left out on purpose: the table in src/profile/left_out.c gives each call's reason. Most missed:
# ptrace (debuggers and the leak checker of -fsanitize=address; use the profile debug, or
# ASAN_OPTIONS=detect_leaks=0) and nested namespaces (browsers need --no-sandbox).

[Profile]
Description=development work as an ordinary user, without network

[Limits]
MemoryMax=2G
TasksMax=512
CPUQuota=200%
DiskMax=10G
FilesMax=1000000
LimitNOFILE=16384
RuntimeMaxSec=1d
TmpSize=512M
ShmSize=256M

[Sandbox]
User=1000
Group=1000
CapabilityBoundingSet=
Network=none

[SystemCalls]
SystemCallErrorNumber=EPERM
SystemCallFilter=@init @process @memory @signal @timer @io @aio @files
SystemCallFilter=@sockets @ipc @sched @setuid @sandbox

Allow=clone if arg0 & CLONE_NEWANY == 0 # everybody: processes and threads, in no new namespace
Allow=ioctl if arg1 != TIOCSTI and arg1 != TIOCLINUX and arg1 != TIOCSETD # everybody

# The five that change nothing but what uname says; PER_QUERY asks.
Allow=personality if arg0 == PER_LINUX # setarch, build systems
Allow=personality if arg0 == PER_LINUX32 # linux32
Allow=personality if arg0 == UNAME26 # setarch --uname-2.6
Allow=personality if arg0 == PER_LINUX32|UNAME26 # setarch --uname-2.6
Allow=personality if arg0 == PER_QUERY # whoever asks before changing

# SOCK_PACKET is AF_PACKET by its old name. Of the protocols only the plain ones: SCTP, DCCP, L2TP,
# SMC and MPTCP would load code that no test suite needs.
Allow=socket if arg0 == AF_UNIX # everybody
Allow=socketpair if arg0 == AF_UNIX # everybody
Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == 0 # everybody
Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == IPPROTO_TCP # everybody
Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == IPPROTO_UDP # everybody
Allow=socket if arg0 == AF_INET and arg1 & SOCK_TYPE_MASK != SOCK_PACKET and arg2 == IPPROTO_ICMP # ping
Allow=socket if arg0 == AF_INET6 and arg2 == 0 # everybody
Allow=socket if arg0 == AF_INET6 and arg2 == IPPROTO_TCP # everybody
Allow=socket if arg0 == AF_INET6 and arg2 == IPPROTO_UDP # everybody
Allow=socket if arg0 == AF_INET6 and arg2 == IPPROTO_ICMPV6 # ping
Allow=socket if arg0 == AF_NETLINK and arg2 == 0 # getaddrinfo, getifaddrs: NETLINK_ROUTE
