"""Events of all kinds, on libvirt's own event loop in the main thread; calls are made from the loop's timers."""

import os
import subprocess

import libvirt

DIR, URI = os.environ["DIR"], os.environ["URI"]
XML = f"""<domain type='qemu'><name>py</name><uuid>0e1a2b3c-0000-4000-8000-000000000011</uuid><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>
<disk type='file'><driver name='qemu' type='qcow2'/><source file='{DIR}/py.qcow2'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>"""
COPY = f"<disk type='file'><driver type='qcow2'/><source file='{DIR}/copy.qcow2'/></disk>"


class Opaque:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("freed", self.name)


def teller(kind):
    def tell(connection, domain, *arguments):
        if "cycle" in kind and arguments[0] == libvirt.VIR_DOMAIN_EVENT_SHUTDOWN:
            return  # which a machine that is destroyed has time for, or has not
        # Whether there is a rate depends on how fast the machine is saved.
        told = [
            a.name if isinstance(a, Opaque) else sorted(key for key in a if key != "memory_bps") if isinstance(a, dict) else a
            for a in arguments
        ]
        print(kind, domain.name(), told)
        happened.append(kind)

    return tell


def run_until(kind, count=1):
    libvirt.virEventUpdateTimeout(patience, 20000)
    while happened.count(kind) < count and not late:
        libvirt.virEventRunDefaultImpl()
    happened.clear()


happened, late = [], []
subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", f"{DIR}/py.qcow2", "4M"], check=True, env={"PATH": os.environ["PATH"]})
libvirt.virEventRegisterDefaultImpl()
patience = libvirt.virEventAddTimeout(-1, lambda timer, opaque: late.append(print("too late")), None)
conn = libvirt.open(URI)
kinds = {
    "lifecycle": libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    "block-job": libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
    "block-job-path": libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB,
    "completed": libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
    "reboot": libvirt.VIR_DOMAIN_EVENT_ID_REBOOT,
    "metadata": libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
    "tray": libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE,
}
ids = [conn.domainEventRegisterAny(None, number, teller(kind), Opaque(kind)) for kind, number in kinds.items()]
print("ids", ids)
domain = conn.defineXML(XML)
run_until("lifecycle")
domain.create()
run_until("lifecycle", 2)
one = conn.domainEventRegisterAny(domain, kinds["lifecycle"], teller("life cycle"), Opaque("this one"))
domain.suspend()
domain.resume()
run_until("life cycle", 2)
domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "title", None, None, libvirt.VIR_DOMAIN_AFFECT_LIVE)
run_until("metadata")
domain.blockCopy("vda", COPY, None, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
run_until("block-job")
print(domain.blockJobInfo("vda", 0).keys())
domain.blockJobAbort("vda", libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
run_until("block-job")
domain.save(f"{DIR}/saved")
run_until("life cycle", 2)
conn.restore(f"{DIR}/saved")
run_until("life cycle", 2)
domain.destroy()
run_until("life cycle")
conn.domainEventDeregisterAny(one)
for number in ids:
    conn.domainEventDeregisterAny(number)
try:
    conn.domainEventDeregisterAny(ids[0])
except libvirt.libvirtError as error:
    print(error.get_error_code(), error)
try:
    conn.domainEventRegisterAny(None, 0x10019, teller("none"), None)
except (libvirt.libvirtError, KeyError, OverflowError) as error:
    print("refused")
domain.undefine()
for _ in range(3):
    timer = libvirt.virEventAddTimeout(0, lambda *arguments: None, None)
    libvirt.virEventRunDefaultImpl()
    libvirt.virEventRemoveTimeout(timer)
del domain
print("closed", conn.close())
print("done")
