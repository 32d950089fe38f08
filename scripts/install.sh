#!/bin/sh
# Installs what has been built, or removes what was installed: scripts/install.sh install|uninstall
#
# The Makefile sets: BUILT (where cargo put the results), VERSION, DESTDIR, PREFIX, BINDIR, LIBDIR, INCLUDEDIR, DATADIR.
set -eu

cd "$(dirname "$0")/.."
major=${VERSION%%.*}

put() { # MODE FILE TARGET
    case $action in
    install) install -D -m "$1" "$2" "$DESTDIR$3" ;;
    uninstall) rm -f "$DESTDIR$3" ;;
    esac
}

link() { # TO FROM
    case $action in
    install) ln -sf "$1" "$DESTDIR$2" ;;
    uninstall) rm -f "$DESTDIR$2" ;;
    esac
}

pkgconfig() { # NAME
    filled=$(mktemp)
    sed -e "s|@PREFIX@|$PREFIX|" -e "s|@LIBDIR@|$LIBDIR|" -e "s|@INCLUDEDIR@|$INCLUDEDIR|" -e "s|@VERSION@|$VERSION|" \
        "pkgconfig/$1.pc.in" >"$filled"
    put 644 "$filled" "$LIBDIR/pkgconfig/$1.pc"
    rm -f "$filled"
}

action=${1:-}
case $action in
install | uninstall) ;;
*)
    echo "usage: $0 install|uninstall" >&2
    exit 2
    ;;
esac

put 755 "$BUILT/virt-jobs" "$BINDIR/virt-jobs"
put 755 "$BUILT/libvirt_jobs.so" "$LIBDIR/libvirt-jobs.so.$VERSION"
link "libvirt-jobs.so.$VERSION" "$LIBDIR/libvirt-jobs.so.$major"
link "libvirt-jobs.so.$major" "$LIBDIR/libvirt-jobs.so"
put 644 "$BUILT/libvirt_jobs.a" "$LIBDIR/libvirt-jobs.a"
pkgconfig libvirt-jobs
pkgconfig libvirt-jobs-overlay

# A whole tree of our own, out of the way of libvirt's headers; and the additions alone, which go beside them.
for header in include/libvirt/*.h; do
    put 644 "$header" "$INCLUDEDIR/virt-jobs/libvirt/${header##*/}"
done
put 644 include/libvirt/libvirt-jobs.h "$INCLUDEDIR/libvirt/libvirt-jobs.h"

for schema in docs/schemas/*.rng; do
    put 644 "$schema" "$DATADIR/virt-jobs/schemas/${schema##*/}"
done
