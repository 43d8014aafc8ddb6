format=1
# Making a distribution's first layer with mmdebstrap or pacstrap: root of the sandbox over the
# host's /usr, with the host's network, its /etc/apt and /etc/npmrc. Both builders would like to mount in the new
# root and to make device nodes; they do without and the result is the same (images/README.md), so
# neither CAP_SYS_ADMIN nor mount(2) is here. For pinfold's own scripts only; a user's steps run in
# the profile build, which has a network of its own.

[Profile]
Description=pinfold's own image builders
Extends=default
Internal=yes

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
# dpkg, tar, pacman: owners, modes and file capabilities of what they unpack
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_SETFCAP
# apt's _apt user; maintainer scripts run in the new root
CapabilityBoundingSet=CAP_SETGID CAP_SETUID CAP_SYS_CHROOT
Network=host

[SystemCalls]
Allow=chroot # mmdebstrap
