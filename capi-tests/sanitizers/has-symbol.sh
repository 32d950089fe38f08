#!/bin/sh
# has-symbol.sh SYMBOL FILE...: succeeds if each file has or needs the symbol.
symbol=$1
shift
for file in "$@"; do
    nm --dynamic "$file" | grep -qw "$symbol" || { echo "$file has no $symbol"; exit 1; }
done
