#!/bin/sh
# The static library links into a program with the compiler's own linker, symbol versions and all.
#
#   link-static.sh ARCHIVE INCLUDE
set -eu

archive=$1
include=$2
[ -r "$archive" ] || { echo "skipped: no $archive"; exit 77; }

cat >program.c <<'END'
#include <libvirt/libvirt.h>

int main(void)
{
    virConnectPtr conn = virConnectOpen("test+jobs:///default");

    return conn && virConnectClose(conn) == 0 ? 0 : 1;
}
END
${CC:-cc} -Wall -Wextra -Werror -I"$include" program.c "$archive" -lgcc_s -lutil -lrt -lpthread -lm -ldl -o program
./program
rm -f program
