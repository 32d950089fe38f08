"""Debian's libvirt-python, unchanged, on qemu+qmp: with a real QEMU."""

import os
import shutil
import subprocess
import tempfile
import unittest

from stock import Watch, error_of, libvirt, skip

QEMU = shutil.which(os.environ.get("VIRT_JOBS_QEMU", "qemu-system-x86_64"))
if not QEMU or not shutil.which("qemu-img"):
    skip("no QEMU")

DOMAIN = """\
<domain type='{kind}'>
  <name>guest</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{directory}/disk'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
"""


class BareQemu(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="virt-jobs-")
        self.addCleanup(shutil.rmtree, self.directory)
        for command in (["create", "-q", "-f", "qcow2", "base", "8M"],
                        ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "disk"]):
            subprocess.run(["qemu-img", *command], cwd=self.directory, check=True)
        self.conn = libvirt.open(f"qemu+qmp://{self.directory}")
        self.watch = Watch(self.conn)
        kind = "kvm" if os.access("/dev/kvm", os.W_OK) else "qemu"
        self.domain = self.conn.createXML(DOMAIN.format(kind=kind, emulator=QEMU, directory=self.directory))
        self.addCleanup(self.stop)

    def stop(self):
        for domain in self.conn.listAllDomains():
            domain.destroy()
        self.watch.end()

    def path(self, name):
        return os.path.join(self.directory, name)

    def test_a_guest_is_started_listed_and_stopped(self):
        self.assertEqual(self.conn.getType(), "QEMU")
        self.assertEqual([domain.name() for domain in self.conn.listAllDomains()], ["guest"])
        self.assertEqual(self.domain.state()[0], libvirt.VIR_DOMAIN_RUNNING)
        self.assertIn(f"<source file='{self.path('base')}'", self.domain.XMLDesc())
        self.watch.wait_for("lifecycle", "guest", libvirt.VIR_DOMAIN_EVENT_STARTED)
        self.domain.destroy()
        self.watch.wait_for("lifecycle", "guest", libvirt.VIR_DOMAIN_EVENT_STOPPED)
        self.assertEqual(self.conn.listAllDomains(), [])

    def test_block_jobs_do_what_they_say(self):
        self.domain.blockPull("vda")
        self.watch.wait_for("block-job", "guest", "vda", libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL,
                            libvirt.VIR_DOMAIN_BLOCK_JOB_COMPLETED)
        self.assertNotIn(self.path("base"), self.domain.XMLDesc())

        copy = f"<disk type='file'><driver type='qcow2'/><source file='{self.path('copy')}'/></disk>"
        self.domain.blockCopy("vda", copy, flags=libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
        self.watch.wait_for("block-job", "guest", "vda", libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY,
                            libvirt.VIR_DOMAIN_BLOCK_JOB_READY)
        info = self.domain.blockJobInfo("vda")
        self.assertEqual((info["type"], info["cur"]), (libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, info["end"]))
        self.domain.blockJobAbort("vda", libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
        self.watch.wait_for("block-job", "guest", "vda", libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY,
                            libvirt.VIR_DOMAIN_BLOCK_JOB_COMPLETED)
        self.assertIn(self.path("copy"), self.domain.XMLDesc())

    def test_a_guest_is_saved_and_restored(self):
        self.domain.save(self.path("image"))
        self.watch.wait_for("job-completed", "guest")
        self.assertIn("<name>guest</name>", self.conn.saveImageGetXMLDesc(self.path("image")))
        self.conn.restore(self.path("image"))
        self.domain = self.conn.lookupByName("guest")
        self.assertEqual(self.domain.state()[0], libvirt.VIR_DOMAIN_RUNNING)

    def test_a_snapshot_of_the_disk_is_on_top_of_it(self):
        snapshot = self.domain.snapshotCreateXML("<domainsnapshot><name>later</name></domainsnapshot>",
                                                 libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY)
        self.assertEqual(snapshot.getName(), "later")
        self.assertIn(f"<source file='{self.path('disk.later')}'", self.domain.XMLDesc())

    def test_errors_have_libvirts_codes(self):
        self.assertEqual(error_of(lambda: self.domain.blockJobAbort("vda")).get_error_code(), libvirt.VIR_ERR_INVALID_ARG)
        self.assertEqual(error_of(lambda: self.conn.lookupByName("nobody")).get_error_code(), libvirt.VIR_ERR_NO_DOMAIN)
        self.assertEqual(error_of(self.conn.listAllNetworks).get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)


if __name__ == "__main__":
    libvirt.virEventRegisterDefaultImpl()
    unittest.main()
