#!/bin/sh
# same.sh EXPECTED PROGRAM: the program prints what is in the file.
set -eu
"$2" >printed
diff -u "$1" printed
