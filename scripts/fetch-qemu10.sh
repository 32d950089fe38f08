#!/bin/sh
# Unpacks the QEMU of bookworm-backports into a directory, beside the one that is installed, and prints the emulator's path.
#
#   fetch-qemu10.sh DEST
#
# Nothing is installed and no root is needed: the packages come from the mirrors that apt is set up for, and what DEST/bin
# holds runs with the libraries and the firmware that were unpacked. A second run finds what is there and does nothing.
set -eu

say() { echo "fetch-qemu10: $*" >&2; }
die() { say "$*"; exit 1; }

[ $# -eq 1 ] || die "usage: $0 DEST"
suite=bookworm
packages="qemu-system-x86 qemu-utils"
mkdir -p "$1"
dest=$(cd "$1" && pwd)
emulator=$dest/bin/qemu-system-x86_64

if [ -f "$dest/complete" ] && "$emulator" --version >/dev/null 2>&1; then
    echo "$emulator"
    exit 0
fi

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "apt-get and dpkg-deb are needed"
(. /etc/os-release && [ "${VERSION_CODENAME:-}" = "$suite" ]) || die "this is not Debian $suite"

work=$(mktemp -d "$dest/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# What apt is set up for, and the same mirror's backports.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
options=
[ ! -r $keyring ] || options="[signed-by=$keyring] "
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Identifier: Packages' |
    while read -r uri release component origin; do
        case "$origin/$release/$component" in
            Debian/$suite/main)
                echo "deb $options$uri $release main"
                echo "deb $options$uri $suite-backports main" ;;
            Debian/$suite*/main)
                echo "deb $options$uri $release main" ;;
        esac
    done >"$work/sources.list"
grep -q -- "$suite-backports" "$work/sources.list" || die "apt is not set up for $suite; try apt-get update"

mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
cp -p /var/lib/apt/lists/*_"$suite"* "$work/lists/" 2>/dev/null || :
# A QEMU that is installed, of whichever version, does not count as being there.
awk 'BEGIN { RS = ""; ORS = "\n\n" } !/^Package: (qemu-|seabios|ipxe-qemu)/' /var/lib/dpkg/status >"$work/status"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::status="$work/status" -o Dir::State::lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User="" \
        -o Acquire::Retries=3 -o Acquire::http::Timeout=30 "$@" >&2
}
apt update || die "cannot read the package lists"
# Everything that the emulator needs and this system does not have already.
# shellcheck disable=SC2086
apt install -y --download-only --no-install-recommends --allow-change-held-packages -t "$suite-backports" $packages ||
    die "cannot download the packages"

rm -rf "$dest/root" "$dest/bin" "$dest/complete"
mkdir -p "$dest/root" "$dest/bin"
for deb in "$work"/cache/archives/*.deb; do
    [ -e "$deb" ] || die "nothing was downloaded"
    dpkg-deb -x "$deb" "$dest/root"
done

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
