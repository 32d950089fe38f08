#!/bin/sh
# Links the shared library from the static one, with any linker that takes a version script.
#
#   scripts/link-shared.sh ARCHIVE OUTPUT [argument of the compiler, such as -fuse-ld=lld]...
#
# cargo links the shared library by itself where it finds lld; this is for where it does not, and for link-dropin.sh, which sets
# SYMBOLS (a list like src/capi/symbols.map) and SONAME.
set -eu

here=$(dirname "$0")
archive=$1
output=$2
shift 2

script=$(mktemp)
trap 'rm -f "$script"' EXIT

# The list says which symbol has which version. The nodes go in their order, libvirt's before ours.
awk '/^[^#]/ { print $2, $1 }' "${SYMBOLS:-$here/../src/capi/symbols.map}" | sort -V | awk '
    $1 != node { if (node) { print "}" parent ";"; parent = " " node }; node = $1; print node " {\n  global:" }
    { print "    " $2 ";" }
    END { print "  local: *;\n}" parent ";" }
' >"$script"

${CC:-cc} -shared -o "$output" "$@" \
    -Wl,-soname,"${SONAME:-libvirt-jobs.so.0}" -Wl,-z,nodelete -Wl,-z,relro,-z,now \
    -Wl,--version-script="$script" -Wl,--no-undefined-version -Wl,--gc-sections \
    -Wl,--whole-archive "$archive" -Wl,--no-whole-archive \
    -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
