#!/bin/sh
# Unpacks the QEMU of bookworm-backports into a directory, beside the one that is installed, and prints the emulator's path.
#
#   fetch-qemu10.sh DEST
#
# What DEST/bin holds runs with the libraries and the firmware that were unpacked. A second run finds what is there and does
# nothing.
set -eu

. "$(dirname "$0")/backports.sh"
[ $# -eq 1 ] || die "usage: $0 DEST"
begin "$1"
emulator=$dest/bin/qemu-system-x86_64

if [ -f "$dest/complete" ] && "$emulator" --version >/dev/null 2>&1; then
    echo "$emulator"
    exit 0
fi

unpack 'qemu-|seabios|ipxe-qemu' qemu-system-x86 qemu-utils

# Each program is started by a script that has its libraries, modules and firmware found. It takes its place with exec, so
# that a pidfile, or a signal, is about the program itself.
for program in "$dest"/root/usr/bin/qemu-*; do
    [ -f "$program" ] && [ ! -L "$program" ] || continue
    name=$(basename "$program")
    firmware=
    case $name in qemu-system-*) firmware='-L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu"' ;; esac
    cat >"$dest/bin/$name" <<END
#!/bin/sh
root=$(printf "'%s'" "$(echo "$dest/root" | sed "s/'/'\\\\''/g")")
libraries=\$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
export LD_LIBRARY_PATH="\$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
export QEMU_MODULE_DIR="\$libraries/qemu"
exec "\$root/usr/bin/$name" $firmware "\$@"
END
    chmod 755 "$dest/bin/$name"
done

"$emulator" --version >&2 || die "the emulator does not run"
: >"$dest/complete"
echo "$emulator"
