#!/bin/sh
# The shared library that a linker makes of the static one has the same symbols, and works.
#
#   relink.sh LINKER ARCHIVE PROGRAM (which takes a library and uses it)
set -eu

linker=$1
archive=$2
program=$3

command -v "ld.$linker" >/dev/null || { echo "skipped: no ld.$linker"; exit 77; }
[ -r "$archive" ] || { echo "skipped: no $archive"; exit 77; }

"$VIRT_JOBS_SOURCE/scripts/link-shared.sh" "$archive" libvirt-jobs.so.0 "-fuse-ld=$linker"
"$VIRT_JOBS_SOURCE/capi-tests/check-symbols.sh" libvirt-jobs.so.0
"$program" "$PWD/libvirt-jobs.so.0"
rm -f libvirt-jobs.so.0
