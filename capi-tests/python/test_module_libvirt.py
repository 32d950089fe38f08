"""The Python module over libvirt-python's objects, on a libvirtd of one's own."""

import os
import shutil
import sys
import tempfile
import threading
import unittest

try:
    import libvirt
except ImportError:
    print("SKIP: no python3-libvirt here")
    sys.exit(77)

import machines
from machines import DISK, virt_jobs
from module import SOON, SOURCE, run_python
from virt_jobs import JobState, JobType, ListFlags

sys.path.insert(0, os.path.join(SOURCE, "capi-tests", "support"))
import private_libvirtd  # noqa: E402

EVENTS_OF_LIBVIRT = libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2


def run_loop():
    while True:
        libvirt.virEventRunDefaultImpl()


class Libvirt(machines.Machines, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.mkdtemp(prefix="libvirtd-")
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        try:
            cls.uri = private_libvirtd.start(cls.place)["ORACLE_URI"]
        except private_libvirtd.Skip as reason:
            print(f"SKIP: {reason}")
            sys.exit(77)
        cls.addClassCleanup(private_libvirtd.stop, cls.place)
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=run_loop, daemon=True).start()

    def setUp(self):
        self.conn = libvirt.open(self.uri)
        self.addCleanup(self.close)

    def close(self):
        # Nothing of ours may hold it open.
        self.assertEqual(self.conn.close(), 0)

    def start(self, xml):
        return virt_jobs.domain(self.conn.createXML(xml))

    def theirs(self):
        return self.conn.lookupByName("machine")

    def slow_copy(self, disk="vda"):
        """A copy that libvirt-python starts, and nobody ends."""
        target = DISK.format(self.file(f"{disk}.copy"), disk)
        self.theirs().blockCopy(disk, target, {"bandwidth": 1 << 20}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)

    def copy_of(self, dom):
        [job] = [job for job in virt_jobs.jobs(dom, ListFlags.ACTIVE) if job.type is JobType.BLOCK_COPY]
        return job

    def test_a_job_that_libvirt_python_started_is_listed_followed_and_aborted(self):
        self.machine()
        dom = self.theirs()
        with virt_jobs.events(dom) as events:
            self.slow_copy()
            while (event := events.get(SOON)).type is not JobType.BLOCK_COPY:
                pass
            job = self.copy_of(dom)
            self.assertEqual((event.name, event.state, job.state), (job.name, JobState.RUNNING, JobState.RUNNING))
            self.assertEqual((job.config().disks, job.stats().end), (("vda",), 16 << 20))
            job.abort()
            self.assertEqual(self.states(events, job.name), [JobState.ABORTED])
        self.assertEqual(virt_jobs.jobs(dom), [])
        self.assertEqual(dom.blockJobInfo("vda"), {})

    def test_a_copy_that_libvirt_python_started_is_paused_resumed_and_finalized(self):
        self.machine()
        dom = self.theirs()
        with virt_jobs.events(dom) as events:
            self.slow_copy()
            job = self.copy_of(dom)
            self.take_a_copy_through_all_states(job)
            seen = self.states(events, job.name)
        self.check_life_of_a_copy(seen)
        self.assertIn(self.file("vda.copy"), dom.XMLDesc())

    def test_libvirts_own_calls_and_events_go_on_as_ever(self):
        self.machine()
        dom = self.theirs()
        told = []
        done = threading.Event()

        def on_block_job(_conn, _dom, disk, kind, status, _opaque):
            told.append((disk, kind, status))
            done.set()

        number = self.conn.domainEventRegisterAny(dom, EVENTS_OF_LIBVIRT, on_block_job, None)
        self.slow_copy()
        with virt_jobs.events(dom):
            self.assertEqual(self.copy_of(dom).state, JobState.RUNNING)
            self.assertEqual(dom.blockJobInfo("vda")["type"], libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY)
            dom.blockJobAbort("vda")
        self.assertTrue(done.wait(SOON))
        copy, canceled = libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, libvirt.VIR_DOMAIN_BLOCK_JOB_CANCELED
        self.assertEqual(told, [("vda", copy, canceled)])
        self.conn.domainEventDeregisterAny(number)

    def test_errors_are_those_of_both(self):
        self.machine()
        self.slow_copy()
        job = self.copy_of(self.theirs())
        with self.assertRaises(libvirt.libvirtError) as caught:
            virt_jobs.domain(self.theirs()).job("nobody")
        self.assertIsInstance(caught.exception, virt_jobs.NoSuchJob)
        self.assertEqual(caught.exception.get_error_code(), 0x1006E)
        self.assertIn("nobody", caught.exception.get_error_message())
        with self.assertRaises(virt_jobs.Error) as caught:
            job.finalize()
        self.assertEqual(caught.exception.get_error_code(), caught.exception.code)
        self.assertEqual(caught.exception.code, libvirt.VIR_ERR_OPERATION_INVALID)
        # libvirt's own come through with libvirt's codes.
        with self.assertRaises(libvirt.libvirtError) as caught:
            virt_jobs.connection(self.conn).domain("nobody")
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_NO_DOMAIN)

    def test_a_closed_connection_and_a_wrong_object_are_refused(self):
        conn = libvirt.open(self.uri)
        wrapped = virt_jobs.connection(conn)
        conn.close()
        for refused in (lambda: wrapped.jobs(), lambda: virt_jobs.all_jobs(conn), lambda: virt_jobs.events(conn)):
            with self.assertRaises(libvirt.libvirtError):
                refused()
        with self.assertRaises(TypeError):
            virt_jobs.jobs(self.conn)

    def test_a_read_only_connection_lists_and_does_not_touch(self):
        self.machine()
        self.slow_copy()
        conn = libvirt.openReadOnly(self.uri)
        dom = conn.lookupByName("machine")
        job = self.copy_of(dom)
        self.assertEqual(job.state, JobState.RUNNING)
        with self.assertRaises(libvirt.libvirtError) as caught:
            job.abort()
        self.assertEqual(caught.exception.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)
        del dom, job
        self.assertEqual(conn.close(), 0)

    def test_ten_thousand_wrapped_calls_leave_nothing_behind(self):
        self.machine()
        dom = self.theirs()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10000):
            self.assertEqual(virt_jobs.domain(dom).name, "machine")
        for _ in range(100):
            self.assertEqual(virt_jobs.jobs(dom), [])
            virt_jobs.events(dom).close()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_asyncio_with_libvirts_own_loop(self):
        self.machine()
        status, said, errors = run_python("""
import asyncio, sys, libvirt, libvirtaio, virt_jobs

async def main():
    libvirtaio.virEventRegisterAsyncIOImpl()
    conn = libvirt.open(sys.argv[1])
    dom = conn.lookupByName("machine")
    with virt_jobs.events(dom, timeout=20) as events:
        xml = f"<disk><driver type='qcow2'/><source file='{sys.argv[2]}'/></disk>"
        dom.blockCopy("vda", xml, {"bandwidth": 1 << 20}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
        async for event in events:
            if event.type is virt_jobs.JobType.BLOCK_COPY:
                print(event.state.name)
                if event.state.final:
                    break
                event.job.abort()
    conn.close()

# libvirtaio lets no other thread wake it where asyncio checks that, and libvirt does from whatever thread asks it.
asyncio.run(main(), debug=False)
""", self.uri, self.file("copy"), PYTHONWARNINGS="default")
        self.assertEqual((status, said), (0, "RUNNING\nABORTED\n"), errors)

    def test_nothing_has_to_be_closed_at_the_end(self):
        self.machine()
        begin = """
import sys, threading, libvirt, virt_jobs
def run():
    while True:
        libvirt.virEventRunDefaultImpl()
libvirt.virEventRegisterDefaultImpl()
conn = libvirt.open(sys.argv[1])
dom = conn.lookupByName("machine")
"""
        for program in (
            "events = virt_jobs.events(dom); jobs = virt_jobs.jobs(dom)",
            "events = virt_jobs.events(conn); del conn",
            "threading.Thread(target=run, daemon=True).start(); events = virt_jobs.events(conn)",
            "cycle = [dom, conn, virt_jobs.domain(dom), virt_jobs.events(conn)]; cycle.append(cycle); del conn, dom",
            "own = virt_jobs.open(sys.argv[1]); domain = own.domain('machine'); jobs = domain.jobs()",
        ):
            with self.subTest(program):
                self.assertEqual(run_python(begin + program, self.uri), (0, "", ""))

    def test_the_example_follows_a_copy(self):
        self.machine()
        with open(os.path.join(SOURCE, "examples", "with_libvirt.py"), encoding="utf-8") as file:
            status, said, errors = run_python(file.read(), self.uri, "machine", "vda", self.file("copy.qcow2"))
        self.assertEqual((status, errors), (0, ""), said)
        for line in ("before:\n", " is running\n", "<job type='block-copy'", " is ready\n", " is completed\n"):
            self.assertIn(line, said)
        self.assertIn(self.file("copy.qcow2"), self.theirs().XMLDesc())

    def test_its_own_connections_reach_libvirt_without_libvirt_python(self):
        status, said, errors = run_python("""
import sys, virt_jobs
with virt_jobs.open(sys.argv[1]) as conn:
    print(conn.domains(), conn.jobs(), conn.uri == sys.argv[1], "libvirt" in sys.modules)
""", self.uri)
        self.assertEqual((status, said, errors), (0, "[] [] True False\n", ""))


if __name__ == "__main__":
    machines.main()
