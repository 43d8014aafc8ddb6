#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# New namespaces: each makes more of the kernel reachable, so none may be made.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/box.sh"

namespaces() {
    for ns in user mnt pid net ipc uts cgroup time; do
        attempt "unshare the $ns namespace" "EPERM|ENOSYS" mount unshare $ns
        # clone's number for it is an exit signal: it can only be asked for in other ways.
        [ $ns = time ] || attempt "clone into a new $ns namespace" "EPERM|ENOSYS|EINVAL" mount clone $ns
        attempt "clone3 into a new $ns namespace" "ENOSYS" mount clone3 $ns
    done
    attempt "unshare all at once" "EPERM|ENOSYS" mount unshare 0x7e020000
    attempt "clone with a namespace flag and bits above the 32nd" "EPERM|ENOSYS|EINVAL" mount clone user 0x100000000
    attempt "map its ids anew" "EPERM|EACCES" mount uid-map "0 0 1"
    attempt "map all ids" "EPERM|EACCES" mount uid-map "0 0 4294967295"
}
both namespaces
for ns in user mnt pid net ipc uts cgroup; do
    control "unshare the $ns namespace" mount unshare $ns
done
control "clone into a new user namespace" mount clone user
control "clone3 into a new user namespace" mount clone3 user

# The second wall, should the filter ever fail: the kernel's own count of user namespaces is 0.
is "$(box cat /proc/sys/user/max_user_namespaces)" 0 "the kernel allows no user namespace in here"
judge; PROFILE=build
isnt "$(box sh -c 'echo 10 >/proc/sys/user/max_user_namespaces && cat /proc/sys/user/max_user_namespaces' 2>/dev/null)" 10 "root cannot raise that number again"
fails "bubblewrap cannot start in here" box bwrap --ro-bind / / true
fails "unshare cannot start in here" box unshare -Ur true
judge
done_testing
