#!/usr/bin/env bash
# Builds and runs the benchmarks of benches/, each beside its floor. Prints ratios and the bars that they should meet;
# never fails because of a timing. Needs QEMU, qemu-img and qemu-storage-daemon (scripts/install-deps.sh).
#
#   BENCH_PROFILE   release (default) or debug
#   BENCH_MONITORS  how many storage daemons (default 50)
#   BENCH_JOBS      how many monitors with a job each (default 200)
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${BENCH_PROFILE:-release}
monitors=${BENCH_MONITORS:-50}
jobs=${BENCH_JOBS:-200}
target=${CARGO_TARGET_DIR:-target}
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
for source in benches/*.c; do
    cc -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude "$source" -o "$work/$(basename "$source" .c)" \
        -L"$work" -lvirt-jobs -Wl,-rpath,"$work" -lpthread -ldl
done
# It opens the library itself, so it must not be loaded before.
cc -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude benches/cold_open.c -o "$work/cold_open" -ldl

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
"$work/list" "test+jobs://$work/many.xml"

mkdir "$work/vm"
qemu-img create -q -f qcow2 "$work/disk.qcow2" 64M
qemu-io -f qcow2 -c 'write -q -P 1 0 64M' "$work/disk.qcow2"
if [ -w /dev/kvm ]; then accel=kvm; else accel=tcg; fi
qemu-system-x86_64 -S -machine q35 -accel "$accel" -m 64 -nodefaults -no-user-config -display none \
    -qmp "unix:$work/other.sock,server=on,wait=off" -qmp "unix:$work/vm/vm.qmp,server=on,wait=off" \
    -blockdev "driver=qcow2,node-name=disk,file.driver=file,file.filename=$work/disk.qcow2" \
    -device virtio-blk-pci,drive=disk,id=disk0 &
pids+=($!)
await_socket "$work/vm/vm.qmp"
sleep 0.5
"$work/round_trip" "qemu+qmp://$work/vm" vm vda "$work/copy.qcow2" "$work/other.sock"

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
"$work/start_to_finish" "qemu+qmp://$work/vm" vm vda $((64 << 20)) "$work/other.sock" "$work" "$work/saved.xml" "$work/saved.sock"

# The record that the last one has left, a thousand times, as of a domain that has ended.
mkdir "$work/ended"
mkdir -m 700 "$work/ended/old.jobs"
record=$(echo "$work"/vm/vm.jobs/block-copy-vda-*.json)
name=$(basename "$record" .json)
for n in $(seq 1000); do
    sed "s/$name/block-copy-vda-$n/g" "$record" >"$work/ended/old.jobs/block-copy-vda-$n.json"
done
chmod 600 "$work"/ended/old.jobs/*
"$work/recovery" "qemu+qmp://$work/ended" "$work/ended/old.jobs" 1000

mkdir "$work/event"
"$work/event_latency" "$work/event"

mkdir "$work/fifty" "$work/none"
for n in $(seq "$monitors"); do
    qemu-storage-daemon --chardev "socket,path=$work/fifty/d$n.qmp,server=on,wait=off,id=m" --monitor chardev=m &
    pids+=($!)
done
await_socket "$work/fifty/d$monitors.qmp"
sleep 1
"$work/monitors" "qemu+qmp://$work/fifty" "$monitors" "qemu+qmp://$work/none"

mkdir "$work/jobs"
"$work/many_jobs" "$work/jobs" "$jobs"

"$work/cold_open" "$work/libvirt-jobs.so.0"
"$work/forward"
