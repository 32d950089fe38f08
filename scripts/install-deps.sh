#!/bin/sh
# Installs the Debian packages that the tests need, from the mirrors that apt is set up for. Does nothing, quickly, where all of
# them are there. Rust itself is not among them.
set -eu

# What is built against and with; what C and its checkers need; what the tests run.
packages="
    libvirt-dev pkg-config gcc g++ libc6-dev cmake make
    clang lld libclang-rt-14-dev valgrind binutils
    qemu-system-x86 qemu-utils
    libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system libvirt-clients
    python3 python3-libvirt libxml2-utils
"

say() { echo "install-deps: $*" >&2; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is no Debian. What the tests need is called there:" $packages
    exit 1
fi

# shellcheck disable=SC2086
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null | sed -n 's/^installed //p')
missing=
for package in $packages; do
    echo "$installed" | grep -qx "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    root=
elif command -v sudo >/dev/null; then
    root=sudo
else
    say "not root, and there is no sudo. To be installed:$missing"
    exit 1
fi

candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: //p' | grep -v '^(none)$'; }

known() {
    for package in $missing; do
        candidate "$package" >/dev/null || return 1
    done
}

install() {
    wanted=
    for package in $missing; do
        case $package in
            qemu-*) ;;
            *) wanted="$wanted $package" ;;
        esac
    done
    case $missing in
        *qemu-*)
            # The packages of QEMU go together in one version only. A newer one of them may be there, from backports.
            version=$(candidate qemu-system-x86)
            wanted="$wanted qemu-system-x86=$version qemu-utils=$version" ;;
    esac
    # What dpkg says is of interest only if it fails.
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends --allow-downgrades -o Dpkg::Use-Pty=0 $wanted >"$said" 2>&1 || {
        cat "$said" >&2
        return 1
    }
}

said=$(mktemp)
trap 'rm -f "$said"' EXIT
say "installing:$missing"
if known && install; then
    exit 0
fi
# The lists are old, or there are none yet.
$root apt-get update -qq >&2
install
