#!/bin/sh
# Unpacks the libvirt of bookworm-backports into a directory, beside the one that is installed, and prints the directory's path.
#
#   fetch-libvirt11.sh DEST
#
# with-versions.sh runs a command that finds it installed. A second run finds what is there and does nothing.
set -eu

. "$(dirname "$0")/backports.sh"
[ $# -eq 1 ] || die "usage: $0 DEST"
begin "$1"

if [ ! -f "$dest/complete" ]; then
    alone="libvirt-daemon-driver-network libvirt-daemon-driver-nodedev libvirt-daemon-driver-nwfilter
        libvirt-daemon-driver-secret libvirt-daemon-driver-storage libvirt-daemon-driver-interface"
    unpack 'libvirt|python3-libvirt' \
        libvirt0 libvirt-common libvirt-daemon libvirt-daemon-common libvirt-daemon-driver-qemu libvirt-clients python3-libvirt
    [ -x "$dest/root/usr/sbin/libvirtd" ] || die "there is no libvirtd in these packages"
    : >"$dest/complete"
fi
echo "$dest"
