#!/bin/sh
# Runs the test programs watched by a tool, after the tool has proved that it finds mistakes.
#
#   capi-tests/run-under.sh valgrind|address|thread [CTEST-ARGUMENT...]
#
# address and thread are sanitizers: the library is built for them, into $CARGO_TARGET_DIR/TOOL, and so are the programs,
# by clang, with the runtime that rustc brings. Rust's standard library is used as it is delivered, uninstrumented: what it
# does to memory is not looked at. Its locks would not be known to the thread sanitizer; the library locks with parking_lot,
# which is instrumented like itself, so that little has to be suppressed (sanitizers/thread.supp).
#
# Exit status: that of ctest, or 77 if the tool cannot be had here.
set -eu

tool=${1:?run-under.sh valgrind|address|thread}
shift
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
build=$target/ctest-$tool
jobs=$(nproc 2>/dev/null || echo 1)

missing() {
    echo "SKIP: $*"
    exit 77
}

need() {
    command -v "$1" >/dev/null || missing "no $1"
}

need cmake
case $tool in
valgrind)
    need valgrind
    cargo build --locked --lib
    library=$target/debug/libvirt_jobs.so
    ;;
address | thread)
    need clang
    need clang++
    triple=$(rustc -vV | sed -n 's/^host: //p')
    for runtime in "$(rustc --print sysroot)/lib/rustlib/$triple"/lib/librustc-*_rt."${tool%"${tool#?}"}san.a"; do :; done
    [ -e "$runtime" ] || missing "rustc has no $tool sanitizer for $triple"
    # Every release has the sanitizers, but lets only those use them who say that they know what that means.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$tool -Cunsafe-allow-abi-mismatch=sanitizer" \
        cargo build --locked --lib --no-default-features --target "$triple" --target-dir "$target/$tool"
    library=$target/$tool/$triple/debug/libvirt_jobs.so
    CC=clang
    CXX=clang++
    export CC CXX
    ;;
*)
    echo "run-under.sh: $tool is none of valgrind, address, thread" >&2
    exit 2
    ;;
esac

cmake -S capi-tests -B "$build" -DVIRT_JOBS_TOOL="$tool" -DVIRT_JOBS_RUNTIME="${runtime:-}" -DVIRT_JOBS_LIB="$library" \
    >"$build.log" || { cat "$build.log"; exit 1; }
cmake --build "$build" --parallel "$jobs" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
ctest --test-dir "$build" --label-regex '^program$' --parallel "$jobs" --output-on-failure "$@"
