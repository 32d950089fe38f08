#!/bin/sh
# fails-saying.sh WORDS COMMAND...: succeeds if the command fails and says the words.
words=$1
shift
said=$("$@" 2>&1)
status=$?
echo "$said" | head -20
[ $status -ne 0 ] || { echo "it did not fail"; exit 1; }
case $said in
*"$words"*) ;;
*) echo "it did not say: $words"; exit 1 ;;
esac
