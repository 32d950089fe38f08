#!/usr/bin/env bash
# Builds and runs the benchmarks of benches/, each beside its floor. Prints ratios and the bars that they should meet;
# never fails because of a timing. Needs QEMU, qemu-img and qemu-storage-daemon (scripts/install-deps.sh).
#
#   scripts/bench.sh [NAME...]    all, or those of benches/NAME.c
#
#   BENCH_PROFILE   release (default) or debug
#   BENCH_MONITORS  how many storage daemons (default 50)
#   BENCH_JOBS      how many monitors with a job each (default 200)
#   BENCH_UNDER     a command to run each benchmark under, such as "strace -f -c"
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${BENCH_PROFILE:-release}
monitors=${BENCH_MONITORS:-50}
jobs=${BENCH_JOBS:-200}
under=${BENCH_UNDER:-}
target=${CARGO_TARGET_DIR:-target}
chosen=" ${*:-list round_trip start_to_finish recovery event_latency monitors many_jobs cold_open forward overlay} "
if [ "$profile" = release ]; then cargo build --quiet --release --lib; else cargo build --quiet --lib; fi

work=$(mktemp -d)
pids=()
clean_up() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap clean_up EXIT

ln -s "$(realpath "$target")/$profile/libvirt_jobs.so" "$work/libvirt-jobs.so.0"
ln -s libvirt-jobs.so.0 "$work/libvirt-jobs.so"
if [ -w /dev/kvm ]; then accel=kvm; else accel=tcg; fi

wanted() { [[ $chosen == *" $1 "* ]]; }

# Compiles a benchmark and runs it with the arguments that follow.
run() {
    local name=$1 libraries=(-L"$work" -lvirt-jobs -Wl,-rpath,"$work" -lpthread -ldl)
    shift
    # It opens the library itself, so it must not be loaded before.
    [ "$name" = cold_open ] && libraries=(-ldl)
    cc -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude "benches/$name.c" -o "$work/$name" "${libraries[@]}"
    # shellcheck disable=SC2086
    $under "$work/$name" "$@"
}

await_socket() {
    for _ in $(seq 200); do [ -S "$1" ] && return; sleep 0.05; done
    echo "no monitor at $1" >&2
    exit 1
}

cat >"$work/many.xml" <<'XML'
<node xmlns:jobs='urn:virt-jobs:test:1.0'>
  <domain type='test'>
    <name>many</name>
    <memory unit='MiB'>64</memory>
    <os><type>hvm</type></os>
    <devices><disk type='file'><source file='/images/a'/><target dev='vda'/></disk></devices>
    <jobs:job type='block-pull' disk='vda' state='completed' count='10000'/>
  </domain>
</node>
XML
if wanted list; then run list "test+jobs://$work/many.xml"; fi

# A guest with one disk and two monitors, the second of which is for doing things by hand.
start_guest() {
    [ -d "$work/vm" ] && return
    mkdir "$work/vm"
    qemu-img create -q -f qcow2 "$work/disk.qcow2" 64M
    qemu-io -f qcow2 -c 'write -q -P 1 0 64M' "$work/disk.qcow2"
    qemu-system-x86_64 -S -machine q35 -accel "$accel" -m 64 -nodefaults -no-user-config -display none \
        -qmp "unix:$work/other.sock,server=on,wait=off" -qmp "unix:$work/vm/vm.qmp,server=on,wait=off" \
        -blockdev "driver=qcow2,node-name=disk,file.driver=file,file.filename=$work/disk.qcow2" \
        -device virtio-blk-pci,drive=disk,id=disk0 &
    pids+=($!)
    await_socket "$work/vm/vm.qmp"
    sleep 0.5
}

if wanted round_trip; then
    start_guest
    run round_trip "qemu+qmp://$work/vm" vm vda "$work/copy.qcow2" "$work/other.sock"
fi

cat >"$work/saved.xml" <<XML
<domain type='$([ $accel = kvm ] && echo kvm || echo qemu)' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>saved</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>$(command -v qemu-system-x86_64)</emulator>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-qmp'/>
    <qemu:arg value='unix:$work/saved.sock,server=on,wait=off'/>
  </qemu:commandline>
</domain>
XML
if wanted start_to_finish; then
    start_guest
    run start_to_finish "qemu+qmp://$work/vm" vm vda $((64 << 20)) "$work/other.sock" "$work" "$work/saved.xml" "$work/saved.sock"
fi

# A record a thousand times, as of a domain that has ended.
if wanted recovery; then
    mkdir "$work/ended"
    mkdir -m 700 "$work/ended/old.jobs"
    for n in $(seq 1000); do
        sed "s/NUMBER/$n/g" benches/record.json >"$work/ended/old.jobs/block-copy-vda-$n.json"
    done
    chmod 600 "$work"/ended/old.jobs/*
    run recovery "qemu+qmp://$work/ended" "$work/ended/old.jobs" 1000
fi

if wanted event_latency; then
    mkdir "$work/event"
    run event_latency "$work/event"
fi

if wanted monitors; then
    mkdir "$work/fifty" "$work/none"
    for n in $(seq "$monitors"); do
        qemu-storage-daemon --chardev "socket,path=$work/fifty/d$n.qmp,server=on,wait=off,id=m" --monitor chardev=m &
        pids+=($!)
    done
    await_socket "$work/fifty/d$monitors.qmp"
    sleep 1
    run monitors "qemu+qmp://$work/fifty" "$monitors" "qemu+qmp://$work/none"
fi

if wanted many_jobs; then
    mkdir "$work/jobs"
    run many_jobs "$work/jobs" "$jobs"
fi

if wanted cold_open; then run cold_open "$work/libvirt-jobs.so.0"; fi
if wanted forward; then run forward; fi

if wanted overlay; then
    under="python3 capi-tests/support/private_libvirtd.py run" run overlay || [ $? = 77 ]
fi
