#!/bin/sh
# Installs what has been built, or removes what was installed: scripts/install.sh install|uninstall [dropin]
#
# The Makefile sets: BUILT (where cargo put the results), VERSION, DESTDIR, PREFIX, BINDIR, LIBDIR, INCLUDEDIR, DATADIR,
# DROPINDIR, PYTHONDIR.
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

pkgconfig() { # NAME DIRECTORY
    filled=$(mktemp)
    sed -e "s|@PREFIX@|$PREFIX|" -e "s|@LIBDIR@|$2|" -e "s|@INCLUDEDIR@|$INCLUDEDIR|" -e "s|@VERSION@|$VERSION|" \
        "pkgconfig/$1.pc.in" >"$filled"
    put 644 "$filled" "$2/pkgconfig/$1.pc"
    rm -f "$filled"
}

# The first directory below PREFIX in which the system's Python looks for what is installed by hand, or one like it.
python_directory() {
    for python in /usr/bin/python3 python3; do
        "$python" -c '
import site, sys
print(next((path for path in site.getsitepackages() if path.startswith(sys.argv[1] + "/")), sys.argv[1] + "/lib/python3/dist-packages"))
' "$PREFIX" 2>/dev/null && return
    done
    echo "$PREFIX/lib/python3/dist-packages"
}

action=${1:-}
case $action in
install | uninstall) ;;
*)
    echo "usage: $0 install|uninstall [dropin]" >&2
    exit 2
    ;;
esac

# What stands in for libvirt itself goes to a directory of its own, so that nobody finds it who does not look there.
if [ "${2:-}" = dropin ]; then
    put 755 "$BUILT/dropin/libvirt.so.0" "$DROPINDIR/libvirt.so.0"
    link libvirt.so.0 "$DROPINDIR/libvirt.so"
    pkgconfig libvirt "$DROPINDIR"
    exit
fi

put 755 "$BUILT/virt-jobs" "$BINDIR/virt-jobs"
put 755 "$BUILT/libvirt_jobs.so" "$LIBDIR/libvirt-jobs.so.$VERSION"
link "libvirt-jobs.so.$VERSION" "$LIBDIR/libvirt-jobs.so.$major"
link "libvirt-jobs.so.$major" "$LIBDIR/libvirt-jobs.so"
put 644 "$BUILT/libvirt_jobs.a" "$LIBDIR/libvirt-jobs.a"
pkgconfig libvirt-jobs "$LIBDIR"
pkgconfig libvirt-jobs-overlay "$LIBDIR"

# A whole tree of our own, out of the way of libvirt's headers; and the additions alone, which go beside them.
for header in include/libvirt/*.h; do
    put 644 "$header" "$INCLUDEDIR/virt-jobs/libvirt/${header##*/}"
done
put 644 include/libvirt/libvirt-jobs.h "$INCLUDEDIR/libvirt/libvirt-jobs.h"

for schema in docs/schemas/*.rng; do
    put 644 "$schema" "$DATADIR/virt-jobs/schemas/${schema##*/}"
done

directory=${PYTHONDIR:-$(python_directory)}
if [ "$directory" != no ]; then
    for file in python/virt_jobs/*.py python/virt_jobs/py.typed; do
        put 644 "$file" "$directory/virt_jobs/${file##*/}"
    done
    case $action in uninstall) rmdir "$DESTDIR$directory/virt_jobs" 2>/dev/null || : ;; esac
fi
