format=1
# Steps of an image and a workspace's init script: package managers as root of the sandbox. These
# capabilities count in its user namespace alone. Left out: SYS_ADMIN and NET_ADMIN (the larger
# half of the kernel's holes), NET_RAW, MKNOD (device nodes are refused there in any case),
# AUDIT_WRITE (the audit socket is refused, as by a kernel without audit, which PAM and shadow take).

[Profile]
Description=package managers and build steps as root of the sandbox, with network
Extends=default

[Limits]
MemoryMax=4G
TasksMax=1024
CPUQuota=400%
DiskMax=20G
FilesMax=2000000
RuntimeMaxSec=6h
TmpSize=2G

[Sandbox]
User=0
Group=0
# dpkg, tar: owners and modes of what they unpack
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID
# apt's _apt user, su in maintainer scripts, services that tests start
CapabilityBoundingSet=CAP_SETGID CAP_SETUID CAP_KILL CAP_NET_BIND_SERVICE
# setcap in postinst (ping, dumpcap); chroot
CapabilityBoundingSet=CAP_SETFCAP CAP_SYS_CHROOT
Network=full

[SystemCalls]
Allow=chroot # pacman, dpkg --root, sshd
