#!/bin/sh
# The drop-in exports what its table says and what is ours alone, and what the installed libvirt exports to applications,
# with the same versions.
#
#   symbols.sh DROPIN [LIBVIRT]
set -eu

dropin=$1
libvirt=${2:-}
table=$VIRT_JOBS_SOURCE/dropin/libvirt.map

fail() {
    echo "$*" >&2
    exit 1
}

{ cat "$table"; grep VIRT_JOBS_ "$VIRT_JOBS_SOURCE/src/capi/symbols.map"; } >list
"$VIRT_JOBS_SOURCE/capi-tests/check-symbols.sh" "$dropin" list libvirt.so.0
! readelf -W -d "$dropin" | grep 'NEEDED.*libvirt' || fail "it needs a libvirt itself"

# What libvirt's own parts share among them is exported under versions of another form.
exported() {
    readelf -W --dyn-syms "$1" | awk '$7 ~ /^[0-9]+$/ && $4 != "NOTYPE" && $8 ~ /@@LIBVIRT_[0-9]/ && $8 !~ /^LIBVIRT_/ { print $4, $8 }' |
        LC_ALL=C sort
}
if [ -z "$libvirt" ]; then
    echo "no libvirt.so.0 is installed; the drop-in is compared with its table only"
else
    exported "$dropin" >ours
    exported "$libvirt" >theirs
    [ "$(wc -l <theirs)" -gt 500 ] || fail "$libvirt exports $(wc -l <theirs) symbols only: it is not read well"
    missing=$(LC_ALL=C comm -13 ours theirs)
    [ -z "$missing" ] || fail "$libvirt has, and the drop-in lacks: $missing"
    echo "$(wc -l <theirs) symbols are those of $libvirt"
fi
rm -f list ours theirs
