# SPDX-License-Identifier: Apache-2.0
# Installs the packages that are its arguments, and leaves no list, cache or log behind.
set -eu
apt-get -q update
apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install -- "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt/* /var/log/*.log \
    /var/cache/ldconfig/* /var/cache/debconf/*-old /var/lib/dpkg/*-old
