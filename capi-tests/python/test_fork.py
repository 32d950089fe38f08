"""A program that forks: the child opens connections of its own, and does no harm to those of its parent."""

import os
import signal
import tempfile
import time
import unittest

import virtjobs as v
from fake_monitor import Monitor
from virtjobs import lib

ERR_OPERATION_INVALID = 55


def in_child(work):
    """Runs `work` in a child; says how it ended: 0 if `work` returned true."""
    child = os.fork()
    if child == 0:
        signal.alarm(v.SOON // 1000)
        code = 2
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Fork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        v.quiet_errors()

    def monitor(self, jobs):
        """A monitor that has these jobs, with its directory as a URI."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        monitor = Monitor(os.path.join(directory.name, "fake.qmp"))
        self.addCleanup(monitor.close)
        monitor.jobs = {job: {"id": job, "type": "backup", "status": "running"} for job in jobs}
        return monitor, b"qemu+qmp://" + directory.name.encode()

    def open(self, uri):
        conn = lib.virConnectOpen(uri)
        self.assertTrue(conn, v.last_error())
        domain = lib.virDomainLookupByName(conn, b"fake")
        self.assertTrue(domain, v.last_error())
        return conn, domain

    def test_a_child_opens_connections_of_its_own(self):
        (_, parents), (_, childs) = self.monitor(["one"]), self.monitor(["two"])
        conn, domain = self.open(parents)

        def work():
            mine, found = self.open(childs)
            listed = v.jobs(found, v.LIST_STATS)
            return listed == [("two", "running")] and lib.virDomainFree(found) == 0 and lib.virConnectClose(mine) == 0

        self.assertEqual(in_child(work), 0)
        self.assertEqual(v.jobs(domain, v.LIST_STATS), [("one", "running")])
        self.assertEqual((lib.virDomainFree(domain), lib.virConnectClose(conn)), (0, 0))

    def test_what_a_child_inherits_is_refused_and_left_alone(self):
        monitor, uri = self.monitor(["one"])
        conn, domain = self.open(uri)
        # What the parent wants to know about a job that it has just met, it asks in its own time.
        while monitor.asked():
            time.sleep(0.5)

        def work():
            refused = [lib.virDomainJobList(domain, None, 0), lib.virDomainJobControl(domain, b"one", v.ABORT, 0)]
            code, message = v.last_error()
            closed = lib.virDomainFree(domain) == 0 and lib.virConnectClose(conn) == 0
            return refused == [-1, -1] and code == ERR_OPERATION_INVALID and "another process" in message and closed

        self.assertEqual(in_child(work), 0)
        self.assertEqual(monitor.asked(), [])
        # The parent still hears what its monitor says, and is answered.
        monitor.add_job("two", "backup")
        self.assertEqual(lib.virDomainJobControl(domain, b"one", v.ABORT, 0), 0)
        self.assertEqual(v.wait(domain, b"one"), "aborted")
        self.assertEqual(v.jobs(domain), [("two", "running")])
        self.assertEqual((lib.virDomainFree(domain), lib.virConnectClose(conn)), (0, 0))

    def test_simulated_jobs_run_in_a_child(self):
        with v.World() as world:
            # It keeps the parent's clock running.
            slow = v.start_endless(world.domain)

            def work():
                assert lib.virDomainBlockPull(world.domain, b"vdb", 0, v.START_PERSIST) == 0
                return v.wait(world.domain, v.take(lib.virDomainJobLastStarted(world.domain, 0)).encode()) == "completed"

            self.assertEqual(in_child(work), 0)
            self.assertEqual(v.jobs(world.domain), [(slow.decode(), "running")])
            self.assertEqual(lib.virDomainJobControl(world.domain, slow, v.ABORT, 0), 0)
            self.assertEqual(v.wait(world.domain, slow), "aborted")

    def test_simulated_jobs_of_the_parent_end_in_a_child_that_only_waits(self):
        with v.World() as world:
            assert lib.virDomainBlockPull(world.domain, b"vda", 0, 0) == 0
            first = v.take(lib.virDomainJobLastStarted(world.domain, 0)).encode()
            self.assertEqual(in_child(lambda: v.wait(world.domain, first) == "completed"), 0)
            self.assertEqual(v.wait(world.domain, first), "completed")

    def test_a_job_of_a_child_ends_that_began_while_a_shorter_one_of_the_parent_ran(self):
        with v.World() as world:
            # Its end is the next thing that the parent's clock waits for, and comes before that of the child's.
            assert lib.virDomainBlockPull(world.domain, b"vda", 0, 0) == 0

            def work():
                assert lib.virDomainBlockPull(world.domain, b"vdb", 0, 0) == 0
                return v.wait(world.domain, v.take(lib.virDomainJobLastStarted(world.domain, 0)).encode()) == "completed"

            self.assertEqual(in_child(work), 0)


if __name__ == "__main__":
    unittest.main()
