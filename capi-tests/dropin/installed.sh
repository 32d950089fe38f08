#!/bin/sh
# `make install-dropin` puts the drop-in where only those find it who look there, and pkg-config serves it as libvirt.
#
#   installed.sh DROPIN
set -eu

dropin=$1
. "$VIRT_JOBS_SOURCE/capi-tests/packaging/lib.sh"

libdir=$dest/opt/jobs/lib64
mkdir -p own/dropin
ln -sf "$dropin" own/dropin/libvirt.so.0
[ -z "$(find "$dest" -name 'libvirt.so*' -o -name 'libvirt.pc')" ] || fail "'make install' puts it there as well"
run_make install-dropin BUILT="$PWD/own"

cat >wanted <<END
libvirt.so -> libvirt.so.0
libvirt.so.0
pkgconfig/libvirt.pc
END
(cd "$libdir/virt-jobs" && find . -type f -printf '%P\n' -o -type l -printf '%P -> %l\n') | LC_ALL=C sort >found
diff -u wanted found || fail "other files are installed than there should be"

cat >program.c <<'END'
#include <stdio.h>
#include <libvirt/libvirt.h>

int main(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    int number = LIBVIR_VERSION_NUMBER;

    printf("%d.%d.%d: %d domains\n", number / 1000000, number / 1000 % 1000, number % 1000, virConnectNumOfDomains(conn));
    return virConnectClose(conn);
}
END
if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH="$libdir/virt-jobs/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$dest"
    # shellcheck disable=SC2046 # flags are words
    ${CC:-cc} -Wall -Wextra -Werror program.c -o program $(pkg-config --cflags --libs libvirt)
    got=$(LD_LIBRARY_PATH="$libdir/virt-jobs" ./program)
    [ "$got" = "$(pkg-config --modversion libvirt): 1 domains" ] || fail "the program says '$got'"
fi

run_make uninstall-dropin BUILT="$PWD/own"
run_make uninstall
[ -z "$(find "$dest" ! -type d)" ] || fail "left behind: $(find "$dest" ! -type d)"
rm -rf "$dest" own program program.c wanted found
