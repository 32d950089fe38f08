#!/bin/sh
# Runs every check there is, and says at the end how many tests passed and failed.
#
#   scripts/check.sh [STEP...]        all steps without arguments, but for "matrix"; scripts/check.sh --list names them
#
# What is missing on a Debian machine is installed (scripts/install-deps.sh); what still cannot be run is said in a line that
# begins with SKIP. A step that fails before there is anything to test ends the run, the others do not. The output of each
# step is kept in $CARGO_TARGET_DIR/check/STEP.log.
#
# Many tests watch real machines at work, several at a time. One that fails is therefore run again, alone: if it fails again it
# failed; if it passes it is named in a line that begins with UNSTABLE, with the first output kept, and is a mistake to be found.
#
# Exit status: 0 everything passed, 1 something failed, 2 no such step.
set -u

cd "$(dirname "$0")/.." || exit 1
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR CARGO_TERM_COLOR=never
logs=$CARGO_TARGET_DIR/check
jobs=$(nproc 2>/dev/null || echo 1)
cargo=${CARGO:-cargo}
passed=0
failed=0
failures=
# What a command is run by, where it is not to be run as it is.
within=
# How the tests say that something is left out.
skip='\(SKIP\|skipped\): '
# Where nobody watches, a test that hangs is not to hold up everything.
limit=
[ -t 1 ] || limit='timeout -k 10 2400'

# What another libvirt and another QEMU take of that again: "make check-matrix".
more_steps=matrix
all_steps="format deps lint build rust qemu10 c valgrind address thread release"

# The steps. Each is run in a subshell, with what it prints shown and kept.

# Packages and the second QEMU; nothing here is a failure.
step_deps() {
    scripts/install-deps.sh || echo "SKIP: not all packages could be installed; what needs them is left out"
    if emulator=$(scripts/fetch-qemu10.sh "$CARGO_TARGET_DIR/qemu-10"); then
        echo "$emulator" >"$logs/qemu10"
    else
        echo "SKIP: QEMU 10 could not be fetched; its tests are left out"
    fi
    qemu-system-x86_64 --version 2>/dev/null | head -1 || echo "SKIP: no qemu-system-x86_64; its tests are left out"
    [ -w /dev/kvm ] || echo "SKIP: no /dev/kvm that can be used; virtual machines are emulated"
}

step_format() {
    if $cargo fmt --version >/dev/null 2>&1; then
        $cargo fmt --check
    else
        echo "SKIP: no rustfmt"
    fi
}

step_lint() {
    if $cargo clippy --version >/dev/null 2>&1; then
        $cargo clippy --locked --all-targets -- -D warnings
    else
        echo "SKIP: no clippy"
    fi
}

step_build() {
    $cargo build --locked && $cargo test --locked --no-run
}

# All tests in Rust, on the QEMU that is installed.
step_rust() {
    VIRT_JOBS_QEMU=$(command -v qemu-system-x86_64 || echo qemu-system-x86_64)
    export VIRT_JOBS_QEMU
    cargo_tests
}

# Those that start a QEMU, on the other one.
step_qemu10() {
    [ -s "$logs/qemu10" ] || { echo "SKIP: there is no QEMU 10 here"; return; }
    VIRT_JOBS_QEMU=$(cat "$logs/qemu10")
    export VIRT_JOBS_QEMU
    cargo_tests --lib driver::qemu
    library=$?
    cargo_tests --test monitor --test examples --test 'qemu_*' && return $library
}

# The tests in C, and what compares with the stock libvirt.
step_c() {
    configure_ctest "$logs/ctest" -DVIRT_JOBS_ORACLE=ON && run_ctest "$logs/ctest"
}

# The programs of the tests in C again, watched by a tool.
step_valgrind() {
    run_under valgrind
}

step_address() {
    run_under address
}

step_thread() {
    run_under thread
}

run_under() {
    capi-tests/run-under.sh "$1"
    status=$?
    [ $status -ne 77 ] || return 0
    tell_skipped "$CARGO_TARGET_DIR/ctest-$1"
    [ $status -eq 0 ] || ctest_again "$CARGO_TARGET_DIR/ctest-$1"
}

# What gets installed: symbols, packages, and that it runs.
step_release() {
    $cargo build --locked --release || return
    capi-tests/check-symbols.sh "$CARGO_TARGET_DIR/release/libvirt_jobs.so" || return
    if configure_ctest "$logs/ctest-release" -DVIRT_JOBS_LIB="$CARGO_TARGET_DIR/release/libvirt_jobs.so"; then
        run_ctest "$logs/ctest-release" -R 'symbols|pkg-config|installed-files|dropin|stock-python'
    fi
}

# What meets libvirt and QEMU, on a pair that is newer than the installed one: all of it finds that installed.
step_matrix() {
    if ! libvirt=$(scripts/fetch-libvirt11.sh "$CARGO_TARGET_DIR/libvirt-11") ||
        ! scripts/fetch-qemu10.sh "$CARGO_TARGET_DIR/qemu-10" >/dev/null; then
        echo "SKIP: libvirt 11 and QEMU 10 could not be fetched; there is nothing to compare with"
        return
    fi
    within="scripts/with-versions.sh $libvirt $CARGO_TARGET_DIR/qemu-10 --"
    $within sh -c 'virsh --version && qemu-system-x86_64 --version | head -1'
    case $? in 0) ;; 77) return ;; *) return 1 ;; esac
    configure_ctest "$logs/ctest-matrix" -DVIRT_JOBS_ORACLE=ON || return
    cargo_tests --test 'overlay_*'
    rust=$?
    run_ctest "$logs/ctest-matrix" -L '^libvirt$' && return $rust
}

# configure_ctest DIRECTORY [ARGUMENT...]: configures and builds. What CMake leaves out becomes a SKIP.
configure_ctest() {
    command -v cmake >/dev/null || { echo "SKIP: no cmake; the tests in C are left out"; return; }
    directory=$1
    shift
    cmake -S capi-tests -B "$directory" -DVIRT_JOBS_LIB="$CARGO_TARGET_DIR/debug/libvirt_jobs.so" "$@" >"$directory.configure" 2>&1 ||
        { cat "$directory.configure"; return 1; }
    sed -n 's/^-- \(.*\(left out\|not compared\|[Nn]o libvirt\).*\)/SKIP: \1/p' "$directory.configure"
    cmake --build "$directory" -j "$jobs" >"$directory.build" 2>&1 || { cat "$directory.build"; return 1; }
}

# run_ctest DIRECTORY [ARGUMENT...]: runs the tests; those that skipped themselves say why.
run_ctest() {
    [ -d "$1" ] || return 0
    directory=$1
    shift
    $within ctest --test-dir "$directory" --output-on-failure --no-tests=error -j "$jobs" "$@"
    status=$?
    tell_skipped "$directory"
    [ $status -eq 0 ] || ctest_again "$directory"
}

# cargo_tests [ARGUMENT...]: runs tests in Rust.
cargo_tests() {
    $within $limit $cargo test --locked --no-fail-fast "$@" >"$logs/cargo" 2>&1 &
    tests=$!
    tail -n +1 -f --pid=$tests "$logs/cargo" 2>/dev/null
    wait $tests || cargo_again "$logs/cargo"
}

# cargo_again LOG: runs the tests again that failed in it, one after the other. Whether they, and whatever else there was, are
# well now: what is not a test, such as a program that crashed, cannot be run again.
cargo_again() {
    again=0
    awk '/^ +Running unittests src\/lib.rs/ { target = "--lib" }
         /^ +Running tests\// { target = $2; sub(/^tests\//, "", target); sub(/(\/main)?\.rs$/, "", target); target = "--test " target }
         /^ +Running unittests src\/bin|^ +Doc-tests/ { target = "" }
         /^test .* \.\.\. FAILED$/ { print target == "" ? "none" : target, $2 }' "$1" >"$1.failed"
    failures_of_tests=$(awk '/^test result: FAILED/ { for (i = 1; i < NF; i++) if ($(i + 1) == "failed;") f += $i } END { print f + 0 }' "$1")
    [ "$failures_of_tests" -gt 0 ] && [ "$failures_of_tests" -eq "$(wc -l <"$1.failed")" ] || return 1
    ! grep -q 'signal: ' "$1" || return 1
    while read -r kind target name; do
        [ "$kind" != none ] || return 1
        [ "$kind" = --test ] || { name=$target; target=; }
        # shellcheck disable=SC2086
        if $within $limit $cargo test --locked $kind $target -- --exact "$name" --nocapture >"$logs/again" 2>&1 </dev/null; then
            echo "UNSTABLE: $name: failed, and passed when it was run again alone"
        else
            sed 's/^/| /' "$logs/again"
            again=1
        fi
    done <"$1.failed"
    return $again
}

# ctest_again DIRECTORY: runs the tests again that failed there, one after the other; whether they all pass now.
ctest_again() {
    failed_before=$1/Testing/Temporary/LastTestsFailed.log
    [ -s "$failed_before" ] || return 1
    cp "$failed_before" "$logs/failed"
    $within ctest --test-dir "$1" --output-on-failure --rerun-failed >"$logs/again" 2>&1
    again=$?
    sed 's/^/| /' "$logs/again"
    while IFS=: read -r number name; do
        if [ $again -ne 0 ] && grep -q "^$number:" "$failed_before"; then continue; fi
        echo "UNSTABLE: $name: failed, and passed when it was run again alone"
    done <"$logs/failed"
    return $again
}

# tell_skipped DIRECTORY: why tests in C were left out there; ctest itself says only that they were.
tell_skipped() {
    [ -f "$1/Testing/Temporary/LastTest.log" ] || return 0
    awk '/^[0-9]+\/[0-9]+ Test: / { name = $3 } /^(skipped|SKIP): / { sub(/^[A-Za-z]+: /, ""); print "SKIP: " name ": " $0 }' \
        "$1/Testing/Temporary/LastTest.log"
}

# The frame around them.

# count LOG: adds up what cargo and ctest say in it.
count() {
    counted=$(awk '
        /^test result: / { for (i = 1; i < NF; i++) { if ($(i + 1) == "passed;") p += $i; if ($(i + 1) == "failed;") f += $i } }
        /^[ 0-9\/]+Test +#.* Passed / { p++ }
        /^[0-9]+% tests passed, [0-9]+ tests failed out of / { f += $4 }
        /^UNSTABLE: / { p++; f-- }
        END { print p + 0, f + 0 }' "$1")
    tests_passed=${counted% *}
    tests_failed=${counted#* }
}

run_step() {
    log=$logs/$1.log
    echo
    echo "=== $1"
    began=$(date +%s)
    { "step_$1" 2>&1 </dev/null; echo $? >"$logs/status"; } | tee "$log"
    status=$(cat "$logs/status")
    count "$log"
    if [ "$((tests_passed + tests_failed))" -eq 0 ]; then
        # A step without tests is one itself, unless it was left out.
        if [ "$status" -ne 0 ]; then
            tests_failed=1
        elif [ "$1" != deps ] && ! grep -q "$skip" "$log"; then
            tests_passed=1
        fi
    elif [ "$status" -ne 0 ] && [ "$tests_failed" -eq 0 ]; then
        tests_failed=1
    fi
    passed=$((passed + tests_passed))
    failed=$((failed + tests_failed))
    [ "$tests_failed" -eq 0 ] || failures="$failures $1"
    echo "--- $1: $tests_passed passed, $tests_failed failed, $(($(date +%s) - began)) s"
}

# tell_failed: which tests failed, and were not better when they were run again.
tell_failed() {
    for step in $failures; do
        grep -hE '^test .* \.\.\. FAILED$|^[ 0-9/]+Test +#.*(\*\*\*|Not Run)' "$logs/$step.log" |
            sed -E "s/^test (.*) \.\.\. FAILED$/\1/; s/^[ 0-9\/]+Test +#[0-9]+: ([^ ]+).*/\1/" |
            while read -r name; do grep -qF "UNSTABLE: $name:" "$logs/$step.log" || echo "FAILED: $step: $name"; done
    done
}

finish() {
    echo
    echo "=== summary"
    cat $(for step in $steps; do echo "$logs/$step.log"; done) 2>/dev/null | sed -n "s/^.*$skip/SKIP: /p" | sort -u
    cat $(for step in $steps; do echo "$logs/$step.log"; done) 2>/dev/null | grep '^UNSTABLE: ' | sort -u
    [ -z "$failures" ] || tell_failed
    [ -z "$failures" ] || echo "failed steps:$failures (their output is in $logs)"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

if [ "${1:-}" = --list ]; then
    echo "$all_steps $more_steps"
    exit 0
fi
steps=${*:-$all_steps}
for step in $steps; do
    case " $all_steps $more_steps " in
    *" $step "*) ;;
    *)
        echo "check.sh: there is no step '$step', only: $all_steps $more_steps" >&2
        exit 2
        ;;
    esac
done

mkdir -p "$logs"
for step in $steps; do
    rm -f "$logs/$step.log"
done
for step in $steps; do
    run_step "$step"
    case $step in
    format | lint | build) [ "$failed" -eq 0 ] || finish ;;
    esac
done
finish
