#!/bin/sh
# The tests in this directory go through a table of functions. It has every function of the headers that takes a handle,
# and knows of every one that takes flags.
#
# every-call-is-in-the-table.sh HEADER... 
set -eu

table=$(dirname "$0")/../calls.inc

# NAME HAS-FLAGS of every prototype with a handle among its parameters; a prototype may go over several lines.
prototypes() {
    sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' -e '/^#/d' "$@" | tr '\n' ' ' | tr ';' '\n' |
        sed -n -e '/typedef/d' -e '/vir\(Connect\|Domain\|DomainSnapshot\)Ptr \(conn\|dom\|domain\|snapshot\)[,)]/s/.*[ *]\(vir[A-Za-z0-9]*\)(\(.*\)).*/\1 \2/p' |
        awk '{ print $1, ($0 ~ / flags(,|$)/) ? "flags" : "plain" }' | sort
}

listed() {
    tr '\n' ' ' < "$table" | sed 's/CALL(/\n&/g' |
        sed -n 's/^CALL([A-Z]*, [A-Z_]*, [A-Z]*, \([^,]*\), \(vir[A-Za-z0-9]*\), .*/\2 \1/p' |
        awk '{ print $1, ($2 == "NO_FLAGS") ? "plain" : "flags" }' | sort
}

prototypes "$@" > headers.txt
listed > table.txt
[ "$(wc -l < headers.txt)" -gt 100 ] || { echo "only $(wc -l < headers.txt) prototypes found"; exit 1; }
diff headers.txt table.txt && echo "$(wc -l < table.txt) functions"
