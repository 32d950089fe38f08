# What every shell script in programs/ starts with: virsh as the programs call it, and a machine with nothing to run.
#
# What virsh shows the progress of must take a moment: a save that fails at once can hang it, with and without us.
# Only virsh has the library preloaded. URI, DIR and PRELOAD are set by same.py.

virsh() {
    echo "+ virsh $*"
    env LD_PRELOAD="$PRELOAD" virsh -c "$URI" "$@" 2>&1
    echo "= $?"
}

# As virsh, without a word.
quietly() {
    virsh "$@" > /dev/null
}

image() {
    qemu-img create -q -f qcow2 "$@"
}

# machine NAME: its XML, with the disk vda that DIR/NAME.qcow2 is.
machine() {
    image "$DIR/$1.qcow2" 4M
    cat > "$DIR/$1.xml" <<XML
<domain type='qemu'>
  <name>$1</name>
  <uuid>${2:-0e1a2b3c-0000-4000-8000-000000000001}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$DIR/$1.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <serial type='pty'/>
  </devices>
</domain>
XML
}

# until_ready COMMAND...: waits until a command succeeds, for some seconds.
until_ready() {
    for _ in $(seq 200); do
        "$@" > /dev/null 2>&1 && return
        sleep 0.05
    done
    echo "$* does not succeed"
}
