#!/bin/sh
# Checks what a built libvirt-jobs.so exports against src/capi/symbols.map, or another library against another list: every
# symbol with its version, and no other; the name that programs are linked to; and that it is never unloaded.
#
#   capi-tests/check-symbols.sh LIBRARY [LIST SONAME]
set -eu

library=$1
list=${2:-$(dirname "$0")/../src/capi/symbols.map}
soname=${3:-libvirt-jobs.so.0}
[ -r "$library" ] || { echo "$library: no such file" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
    echo "$library: $*" >&2
    failed=1
}

awk '/^[^#]/ { print $1 "@@" $2 }' "$list" | LC_ALL=C sort >"$work/wanted"
# Version nodes themselves appear as absolute symbols with some linkers.
readelf -W --dyn-syms "$library" |
    awk '$5 ~ /GLOBAL|WEAK|UNIQUE/ && $7 ~ /^[0-9]+$/ { print $8 }' | LC_ALL=C sort >"$work/found"

LC_ALL=C comm -23 "$work/wanted" "$work/found" >"$work/missing"
LC_ALL=C comm -13 "$work/wanted" "$work/found" >"$work/extra"
[ -s "$work/wanted" ] || fail "$list lists nothing"
[ ! -s "$work/missing" ] || fail "not exported: $(tr '\n' ' ' <"$work/missing")"
[ ! -s "$work/extra" ] || fail "exported, but not listed like this: $(tr '\n' ' ' <"$work/extra")"

readelf -W -d "$library" >"$work/dynamic"
grep 'SONAME' "$work/dynamic" | grep -qF "[$soname]" || fail "its SONAME is not $soname"
grep -q 'FLAGS_1.*NODELETE' "$work/dynamic" || fail "it can be unloaded (no NODELETE)"
grep -q 'TEXTREL' "$work/dynamic" && fail "it has text relocations"

[ "$failed" = 0 ] && echo "$library: $(wc -l <"$work/found") symbols, as listed"
exit "$failed"
