#!/bin/sh
# Links the drop-in libvirt.so.0 from the static library, with stubs for what the library does not implement.
#
#   scripts/link-dropin.sh ARCHIVE OUTPUT [argument of the compiler, such as -fuse-ld=lld]...
set -eu

here=$(dirname "$0")
archive=$1
output=$2
shift 2

ours=$here/../src/capi/symbols.map
libvirts=$here/../dropin/libvirt.map
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What libvirt has, and what is ours alone.
{ cat "$libvirts"; grep VIRT_JOBS_ "$ours"; } >"$work/symbols.map"

# The functions that symbols.map does not have; and which virErrorDomain the functions of each header belong to.
awk '
    BEGIN {
        from["libvirt-domain"] = 20; from["libvirt-domain-checkpoint"] = 69; from["libvirt-domain-snapshot"] = 35
        from["libvirt-host"] = 20; from["libvirt-interface"] = 26; from["libvirt-network"] = 19; from["libvirt-nodedev"] = 22
        from["libvirt-nwfilter"] = 33; from["libvirt-secret"] = 30; from["libvirt-storage"] = 18; from["libvirt-stream"] = 38
        failure["-1"] = -1; failure["NULL"] = 0; failure["0"] = 0; failure["void"] = 1
    }
    !/^[^#]/ { next }
    FNR == NR { implemented[$1]; next }
    $1 in implemented { next }
    !($3 in failure && $4 in from) { print "link-dropin.sh: no stub can be made of: " $0 >"/dev/stderr"; exit 1 }
    { print "stub " $1 ", " from[$4] ", " failure[$3] }
' "$ours" "$libvirts" >"$work/stubs.inc"
${CC:-cc} -c -I"$work" "$here/../dropin/stubs.S" -o "$work/stubs.o"

SYMBOLS="$work/symbols.map" SONAME=libvirt.so.0 "$here/link-shared.sh" "$archive" "$output" "$work/stubs.o" \
    -Wl,-z,nostart-stop-gc "$@"
