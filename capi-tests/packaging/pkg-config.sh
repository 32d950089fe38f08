#!/bin/sh
set -eu
. "$(dirname "$0")/lib.sh"
command -v pkg-config >/dev/null || { echo "skipped: no pkg-config"; exit 77; }

export PKG_CONFIG_PATH="$dest/opt/jobs/lib64/pkgconfig"

says() { # WANTED ARGUMENT...
    wanted=$1
    shift
    got=$(pkg-config "$@" | sed 's/ *$//')
    [ "$got" = "$wanted" ] || fail "pkg-config $* says '$got', not '$wanted'"
}

says "$version" --modversion libvirt-jobs
says "-I/opt/jobs/include/virt-jobs" --cflags libvirt-jobs
says "-L/opt/jobs/lib64 -lvirt-jobs" --libs libvirt-jobs
says "-L/opt/jobs/lib64 -lvirt-jobs -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc" --static --libs libvirt-jobs

# From here on paths are where the files really are.
export PKG_CONFIG_SYSROOT_DIR="$dest"
cat >program.c <<'END'
#include <stdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/libvirt-jobs.h>

int main(void)
{
    virConnectPtr conn = virConnectOpen("test+jobs:///default");
    virDomainPtr domain = virDomainLookupByName(conn, "test");
    int jobs = virDomainJobList(domain, NULL, 0);

    printf("%d jobs\n", jobs);
    virDomainFree(domain);
    return jobs == 0 && virConnectClose(conn) == 0 ? 0 : 1;
}
END

build_and_run() { # PACKAGE
    # shellcheck disable=SC2046 # flags are words
    ${CC:-cc} -Wall -Wextra -Werror program.c -o "$1" $(pkg-config --cflags "$1") $(pkg-config --libs "$1")
    LD_LIBRARY_PATH="$dest/opt/jobs/lib64" "./$1" >output || fail "the program built by $1 fails"
    [ "$(cat output)" = "0 jobs" ] || fail "the program built by $1 says '$(cat output)'"
    readelf -d "$1" | grep -q 'NEEDED.*\[libvirt-jobs\.so\.0\]' || fail "the program built by $1 does not need libvirt-jobs.so.0"
}

build_and_run libvirt-jobs
if pkg-config --exists libvirt; then
    case $(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs libvirt-jobs-overlay) in
    "-L/opt/jobs/lib64 -lvirt-jobs "*"-lvirt"*) ;;
    *) fail "libvirt-jobs-overlay links libvirt before us, or not at all: $(pkg-config --libs libvirt-jobs-overlay)" ;;
    esac
    build_and_run libvirt-jobs-overlay
    readelf -d libvirt-jobs-overlay | awk '/NEEDED/ { print $NF }' | head -1 | grep -q 'libvirt-jobs' ||
        fail "the overlay is not the first library of the program"
fi

# The static library in a program, and inside somebody's shared library.
static="$dest/opt/jobs/lib64/libvirt-jobs.a"
private=$(sed -n 's/^Libs.private: //p' "$PKG_CONFIG_PATH/libvirt-jobs.pc")
sed 's/int main(void)/int list_jobs(void)/' program.c >plugin.c
echo 'int list_jobs(void); int main(void) { return list_jobs(); }' >host.c
flags="-Wall -Werror $(pkg-config --cflags libvirt-jobs)"
# shellcheck disable=SC2086 # flags are words
${CC:-cc} $flags program.c "$static" $private -o static-program
# shellcheck disable=SC2086
${CC:-cc} $flags -fPIC -shared plugin.c "$static" $private -o libplugin.so
${CC:-cc} host.c ./libplugin.so -o host
for program in static-program host; do
    [ "$(./$program)" = "0 jobs" ] || fail "$program with the static library fails"
    ! readelf -d $program | grep -q 'NEEDED.*libvirt-jobs' || fail "$program needs the shared library all the same"
done
rm -rf "$dest" ./*.c output libvirt-jobs libvirt-jobs-overlay static-program host libplugin.so
