#!/usr/bin/python3
"""Has libvirt restore what this library saved, and this library what libvirt saved; VIRT_JOBS_LIB names the library.

One machine goes to and fro, with a disk on each bus: every device must be found where it was, or QEMU gives up.

Exit status: 0 if all went well, 77 if there is no libvirtd or QEMU here, 1 otherwise.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import private_libvirtd  # noqa: E402

MACHINE = """\
<domain type='{kind}'>
  <name>traveller</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>{emulator}</emulator>
    {disks}
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""

DISK = "<disk type='file'><driver name='qemu' type='qcow2'/><source file='{file}'/><target dev='{target}' bus='{bus}'/></disk>"
ACTIVE = "running"


class Failed(Exception):
    """A call that must succeed did not."""


class Ours:
    def __init__(self, library, directory):
        self.library = ctypes.CDLL(library)
        for function in ("virConnectOpen", "virDomainCreateXML", "virDomainLookupByName", "virGetLastErrorMessage"):
            getattr(self.library, function).restype = ctypes.c_void_p
        self.connection = self.call("virConnectOpen", f"qemu+qmp://{directory}".encode())

    def call(self, function, *arguments):
        result = getattr(self.library, function)(*arguments)
        if result is None or result == -1:
            raise Failed(f"{function}: {ctypes.string_at(self.library.virGetLastErrorMessage()).decode()}")
        return ctypes.c_void_p(result)

    def create(self, xml):
        self.call("virDomainCreateXML", self.connection, xml.encode(), 0)

    def machine(self):
        return self.call("virDomainLookupByName", self.connection, b"traveller")

    def save(self, file):
        self.call("virDomainSave", self.machine(), file.encode())

    def restore(self, file):
        self.call("virDomainRestore", self.connection, file.encode())

    def state(self):
        state = ctypes.c_int()
        self.call("virDomainGetState", self.machine(), ctypes.byref(state), None, 0)
        return ACTIVE if state.value == 1 else f"state {state.value}"

    def destroy(self):
        self.call("virDomainDestroy", self.machine())


class Theirs:
    def __init__(self, uri):
        self.uri = uri

    def virsh(self, *arguments):
        done = subprocess.run(["virsh", "-q", "-c", self.uri, *arguments], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Failed(f"virsh {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def save(self, file):
        self.virsh("save", "traveller", file)

    def restore(self, file):
        self.virsh("restore", file)

    def state(self):
        return self.virsh("domstate", "traveller")


def travel(directory, uri):
    disks = ""
    for target, bus in (("vda", "virtio"), ("sda", "scsi"), ("sdb", "sata")):
        file = f"{directory}/{target}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", file, "4M"], check=True)
        disks += DISK.format(file=file, target=target, bus=bus)
    kind = "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "qemu"
    os.mkdir(f"{directory}/machines")
    ours, theirs = Ours(os.environ["VIRT_JOBS_LIB"], f"{directory}/machines"), Theirs(uri)
    ours.create(MACHINE.format(kind=kind, emulator=shutil.which(private_libvirtd.QEMU), disks=disks))
    try:
        for n, (here, there) in enumerate(((ours, theirs), (theirs, ours)) * 2):
            image = f"{directory}/image-{n}"
            here.save(image)
            there.restore(image)
            if there.state() != ACTIVE:
                raise Failed(f"after journey {n} the machine is {there.state()}")
            print(f"journey {n}: {type(there).__name__.lower()} restored what {type(here).__name__.lower()} saved")
    finally:
        try:
            ours.destroy()
        except Failed:
            pass


def main():
    directory = tempfile.mkdtemp(prefix="saved-")
    try:
        with private_libvirtd.serving() as variables:
            travel(directory, variables["ORACLE_URI"])
        return 0
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    private_libvirtd.as_program(main, Failed)
