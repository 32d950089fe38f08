#!/bin/sh
# Runs a command that finds other versions of libvirt and QEMU installed than those of this machine.
#
#   with-versions.sh DIRECTORY... -- COMMAND [ARGUMENT...]
#
# The directories are those that fetch-libvirt11.sh and fetch-qemu10.sh made. The command has a /usr of its own, in a mount
# namespace: that of this machine with theirs on top. So daemons find their drivers, helper programs, schemas and firmware
# where they were built to look for them, Python finds its binding, and nothing has to be told where anything is. For the
# rest of the machine nothing changes.
#
# Exit status: that of the command; 77, with the reason, if this cannot be done here.
set -eu

skip() { echo "SKIP: $*" >&2; exit 77; }

layers=
newline="
"
replaced=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    root=$(cd "$1" && pwd)/root
    [ -f "$1/complete" ] || skip "$1 is not complete"
    layers=$layers$root/usr:
    # What these hold is of one build, or is refused: libvirt ends over a driver of another version, and QEMU over a module.
    for directory in "$root"/usr/lib/*/libvirt "$root"/usr/lib/*/qemu; do
        [ ! -d "$directory" ] || replaced=$replaced$directory:${directory#"$root"}$newline
    done
    shift
done
[ $# -gt 1 ] || { echo "usage: $0 DIRECTORY... -- COMMAND [ARGUMENT...]" >&2; exit 2; }
shift

case $(id -u) in
    0) namespace="unshare --mount" ;;
    *) namespace="unshare --user --map-root-user --mount" ;;
esac
$namespace true 2>/dev/null || skip "no mount namespace can be made here"

# shellcheck disable=SC2016
exec $namespace sh -c '
    layers=$1 replaced=$2
    shift 2
    mount -t overlay overlay -o "lowerdir=$layers/usr" /usr || { echo "SKIP: /usr cannot be overlaid here" >&2; exit 77; }
    echo "$replaced" | while IFS=: read -r from to; do
        [ -z "$from" ] || mount --bind "$from" "$to" || exit 77
    done || exit 77
    exec "$@"' sh "$layers" "$replaced" "$@"
