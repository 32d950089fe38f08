#!/bin/sh
# Fuzzes the readers of input that is not trusted.
#
#   scripts/fuzz.sh [TARGET...]       all targets without arguments; scripts/fuzz.sh --list names them
#
# Each target runs for FUZZ_SECONDS (60 without) with what fuzz/corpus has and what earlier runs found; what is new goes to
# fuzz/target/corpus, what breaks something to fuzz/artifacts. cargo-fuzz and a nightly toolchain are installed if they are
# missing; if that cannot be done, nothing is run and a line that begins with SKIP says why.
#
# FUZZ_MINIMIZE=1 replaces the kept corpus of each target by the inputs that are needed to reach what all inputs reach.
#
# Exit status: 0 nothing was found, 1 something was, 2 no such target.
set -u

cd "$(dirname "$0")/.." || exit 1
# The fuzzer's build has a place of its own.
unset CARGO_TARGET_DIR
seconds=${FUZZ_SECONDS:-60}
cargo=${CARGO:-cargo}
all=$(sed -n 's/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml | grep -v '^virt-jobs-fuzz$')

if [ "${1:-}" = --list ]; then
    echo "$all"
    exit 0
fi
for target in "$@"; do
    echo "$all" | grep -qxF -- "$target" || { echo "there is no target '$target'; there are:" >&2; echo "$all" >&2; exit 2; }
done

skip() {
    echo "SKIP: $1; nothing is fuzzed"
    exit 0
}
rustup run nightly rustc --version >/dev/null 2>&1 ||
    rustup toolchain install nightly --profile minimal >&2 || skip "there is no nightly toolchain"
$cargo +nightly fuzz --version >/dev/null 2>&1 || $cargo install --locked cargo-fuzz >&2 || skip "there is no cargo-fuzz"

# Once for all targets, so that the time is spent on fuzzing.
$cargo +nightly fuzz build -O || exit 1
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
found=0
for target in ${*:-$all}; do
    binary=fuzz/target/$host/release/$target
    corpus=fuzz/target/corpus/$target
    mkdir -p "$corpus" "fuzz/artifacts/$target"
    echo "== $target, ${seconds} s"
    "$binary" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="fuzz/artifacts/$target/" "$corpus" "fuzz/corpus/$target" || found=1
    if [ "${FUZZ_MINIMIZE:-0}" = 1 ]; then
        new=fuzz/target/minimized
        rm -rf "$new" && mkdir -p "$new"
        "$binary" -set_cover_merge=1 -max_len=1000 -timeout=10 -verbosity=0 "$new" "$corpus" "fuzz/corpus/$target" &&
            rm -rf "fuzz/corpus/$target" && mv "$new" "fuzz/corpus/$target"
    fi
done
exit $found
