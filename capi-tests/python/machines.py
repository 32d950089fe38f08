"""Machines with disks, and what the module is to do with any of them, whoever runs them."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

from module import SOON, virt_jobs
from virt_jobs import JobState, JobType

EMULATOR = os.environ.get("VIRT_JOBS_QEMU") or shutil.which("qemu-system-x86_64")

MACHINE = """\
<domain type='{kind}'>
  <name>{name}</name>
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
DISK = "<disk type='file'><driver name='qemu' type='qcow2'/><source file='{0}'/><target dev='{1}' bus='virtio'/></disk>"


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)


def needs():
    """What is missing to run machines; None if nothing is."""
    for tool in (EMULATOR, "qemu-img", "qemu-io"):
        if not tool or not shutil.which(tool):
            return f"no {tool or 'qemu-system-x86_64'} here"
    return None


def image(path, backing=None):
    """An image of 16 MiB full of data, or one on top of another."""
    if backing:
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", backing, "-F", "qcow2", path)
    else:
        run("qemu-img", "create", "-q", "-f", "qcow2", path, "16M")
        run("qemu-io", "-f", "qcow2", "-c", "write -q -P 7 0 16M", path)
    return path


def main():
    """Runs the tests of the program that imports this, if there is what they need."""
    missing = needs()
    if missing:
        print(f"SKIP: {missing}")
        sys.exit(77)
    unittest.main()


class Machines:
    """For a test case that has `start(xml)`, which gives a virt_jobs.Domain."""

    def machine(self, name="machine"):
        self.directory = tempfile.mkdtemp(prefix="machine-")
        self.addCleanup(shutil.rmtree, self.directory)
        base = image(self.file("base.qcow2"))
        disks = [DISK.format(image(self.file("vda.qcow2"), base), "vda"), DISK.format(image(self.file("vdb.qcow2")), "vdb")]
        kind = "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) else "qemu"
        xml = MACHINE.format(kind=kind, name=name, emulator=shutil.which(EMULATOR), disks="".join(disks))
        domain = self.start(xml)
        self.addCleanup(lambda: domain.active and domain.destroy())
        return domain

    def file(self, name):
        return os.path.join(self.directory, name)

    def take_a_copy_through_all_states(self, job):
        """From a slow start to the disk's pivot to it."""
        job.pause()
        self.assertEqual(job.wait(JobState.PAUSED, timeout=SOON), JobState.PAUSED)
        job.resume()
        job.set_speed(0)
        self.assertEqual(job.wait(JobState.READY, timeout=SOON), JobState.READY)
        job.finalize()

    def check_life_of_a_copy(self, seen):
        """One that was paused. QEMU may have it ready at once when it is resumed, whatever its bandwidth."""
        rest = [JobState.READY, JobState.COMPLETED]
        self.assertEqual(seen[:2], [JobState.RUNNING, JobState.PAUSED])
        self.assertIn(seen[2:], [[JobState.RUNNING, *rest], rest])

    def states(self, events, name):
        """The states of that job, to the last."""
        seen = []
        while not seen or not seen[-1].final:
            event = events.get(SOON)
            if event.name == name:
                seen.append(event.state)
        return seen


class Scenarios(Machines):
    """What starts jobs through the module, whoever runs the machine."""

    def test_a_pull_is_followed_from_its_start_to_its_end(self):
        domain = self.machine()
        with virt_jobs.events(domain) as events:
            job = domain.pull("vda", persist=True)
            self.assertEqual(job.type, JobType.BLOCK_PULL)
            self.assertEqual(self.states(events, job.name), [JobState.RUNNING, JobState.COMPLETED])
        self.assertEqual([(one.name, one.state) for one in domain.jobs()], [(job.name, JobState.COMPLETED)])
        self.assertEqual(job.config().disks, ("vda",))
        job.dismiss()
        self.assertEqual(domain.jobs(), [])

    def test_a_copy_is_paused_resumed_and_finalized(self):
        domain = self.machine()
        copy = self.file("copy.qcow2")
        with virt_jobs.events(domain) as events:
            job = domain.copy("vda", copy, format="qcow2", bandwidth=1 << 20, flags=virt_jobs.Copy.TRANSIENT_JOB, persist=True)
            self.assertGreater(job.stats().end, 0)
            self.take_a_copy_through_all_states(job)
            self.assertEqual(job.wait(timeout=SOON), JobState.COMPLETED)
            seen = self.states(events, job.name)
            self.check_life_of_a_copy(seen)
        self.assertIn(f"<source file='{copy}'", domain.xml())
        domain.destroy()
        run("qemu-img", "compare", "-q", copy, self.file("base.qcow2"))

    def test_a_job_is_aborted_by_its_name(self):
        domain = self.machine()
        job = domain.copy("vda", self.file("copy.qcow2"), bandwidth=1 << 20, flags=virt_jobs.Copy.TRANSIENT_JOB)
        other = domain.copy("vdb", self.file("other.qcow2"), bandwidth=1 << 20, flags=virt_jobs.Copy.TRANSIENT_JOB)
        self.assertNotEqual(job.name, other.name)
        job.abort()
        self.assertEqual(job.wait(timeout=SOON), JobState.ABORTED)
        self.assertEqual([one.name for one in virt_jobs.all_jobs(domain.connection) if one.type is JobType.BLOCK_COPY], [other.name])
        with self.assertRaises(virt_jobs.NoSuchJob):
            job.abort()
        self.assertEqual(other.refresh(), JobState.RUNNING)

    def test_a_backup_of_two_disks_is_one_job(self):
        domain = self.machine()
        disks = "".join(f"<disk name='{disk}' type='file'><target file='{self.file(disk + '.backup')}'/><driver type='qcow2'/></disk>"
                        for disk in ("vda", "vdb"))
        job = domain.backup(f"<domainbackup mode='push'><disks>{disks}</disks></domainbackup>", persist=True)
        self.assertEqual(job.type, JobType.BLOCK_BACKUP)
        self.assertEqual(job.wait(timeout=SOON), JobState.COMPLETED)
        self.assertEqual(set(job.config().disks), {"vda", "vdb"})
        domain.destroy()
        run("qemu-img", "compare", "-q", self.file("vdb.backup"), self.file("vdb.qcow2"))

    def test_a_save_is_seen_by_another_thread_and_undone_by_a_restore(self):
        domain = self.machine()
        conn = domain.connection
        with virt_jobs.events(conn) as events:
            saving = threading.Thread(target=domain.save, args=[self.file("saved")])
            saving.start()
            event = events.get(SOON)
            self.assertEqual((event.type, event.state), (JobType.SAVE, JobState.RUNNING))
            self.assertEqual(self.states(events, event.name)[-1], JobState.COMPLETED)
            saving.join()
        conn.restore(self.file("saved"))
        self.assertTrue(conn.domain("machine").active)
        conn.domain("machine").destroy()
