format=1
# Making a distribution's first layer with mmdebstrap or pacman: root of the sandbox, who may mount
# inside it. CAP_SYS_ADMIN counts in the sandbox's own user namespace; with mount(2) it reaches file
# system code of the kernel that allows user namespaces. So this is for pinfold's own builders
# only, never for a user's steps, which run in the profile build.

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
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID
CapabilityBoundingSet=CAP_SETGID CAP_SETUID CAP_KILL CAP_SETFCAP CAP_SYS_CHROOT
# chroot/dev, chroot/proc; MKNOD is tried and refused by the kernel, and mmdebstrap goes on
CapabilityBoundingSet=CAP_SYS_ADMIN CAP_MKNOD
Network=host
PrivilegedMounts=yes

[SystemCalls]
SystemCallFilter=@mount
SystemCallFilter=~clone
Allow=chroot # mmdebstrap, pacman
Allow=unshare if arg0 & CLONE_NEWUSER|CLONE_NEWNET|CLONE_NEWTIME == 0 # mmdebstrap, pacstrap: unshare --mount --pid
Allow=clone if arg0 & CLONE_NEWUSER|CLONE_NEWNET == 0 # unshare --fork --pid
