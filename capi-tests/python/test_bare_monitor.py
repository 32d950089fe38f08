"""What a program over `qemu+qmp:` costs its QEMU, and what it hears of it, with a monitor that counts."""

import os
import tempfile
import time
import unittest

import virtjobs as v
from fake_monitor import Monitor
from virtjobs import lib


class BareMonitor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert lib.virEventRegisterDefaultImpl() == 0
        v.quiet_errors()

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def start(self, name="fake", **how):
        monitor = Monitor(os.path.join(self.dir.name, name + ".qmp"), **how)
        self.addCleanup(monitor.close)
        return monitor

    def open(self):
        conn = lib.virConnectOpen(b"qemu+qmp://" + self.dir.name.encode())
        self.assertTrue(conn, v.last_error())
        domain = lib.virDomainLookupByName(conn, b"fake")
        self.assertTrue(domain, v.last_error())
        self.addCleanup(lambda: (lib.virDomainFree(domain), lib.virConnectClose(conn)))
        return conn, domain

    def wait_for_jobs(self, domain, count):
        deadline = time.monotonic() + v.SOON / 1000
        while lib.virDomainJobList(domain, None, 0) != count:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.002)

    def let_it_settle(self, monitor):
        """Events are hints that the library confirms: waits until it has asked all that it had to."""
        while monitor.asked():
            time.sleep(0.1)

    def test_without_statistics_nobody_is_asked(self):
        monitor = self.start()
        conn, domain = self.open()
        for job in ("one", "two"):
            monitor.add_job(job, "backup")
        self.wait_for_jobs(domain, 2)
        self.let_it_settle(monitor)
        for _ in range(20):
            self.assertEqual(v.jobs(domain), [("one", "running"), ("two", "running")])
            self.assertEqual(len(v.jobs(domain, v.LIST_XML)), 2)
            self.assertEqual(lib.virConnectListAllDomainJobs(conn, None, 0), 2)
            self.assertIn("<name>one</name>", v.take(lib.virDomainJobGetXMLDesc(domain, b"one", v.XML_NO_STATS)))
            self.assertEqual(lib.virDomainJobWait(domain, b"one", 0, 0, 0), 0)
        self.assertEqual(monitor.asked(), [])

    def test_statistics_cost_one_question(self):
        monitor = self.start()
        _, domain = self.open()
        monitor.add_job("one", "backup")
        self.wait_for_jobs(domain, 1)
        self.let_it_settle(monitor)
        monitor.jobs["one"]["current-progress"] = 7
        self.assertIn("<current>7</current>", v.take(lib.virDomainJobGetXMLDesc(domain, b"one", 0)))
        self.assertEqual(monitor.asked(), ["query-jobs"])

    def test_a_job_of_an_unknown_kind_is_listed_and_aborted(self):
        monitor = self.start()
        _, domain = self.open()
        monitor.event("AN_EVENT_OF_THE_FUTURE", {"x": 1})
        monitor.add_job("vendor <7>", "defragment")
        self.wait_for_jobs(domain, 1)
        self.assertEqual(v.jobs(domain), [("vendor <7>", "running")])
        self.assertIn("<job type='other'", v.take(lib.virDomainJobGetXMLDesc(domain, b"vendor <7>", 0)))
        self.assertEqual(lib.virDomainJobControl(domain, b"vendor <7>", v.ABORT, 0), 0)
        self.assertEqual(v.wait(domain, b"vendor <7>"), "aborted")
        self.assertEqual(v.jobs(domain), [])

    def test_a_monitor_that_breaks_fails_the_jobs_with_an_event(self):
        monitor = self.start()
        conn, domain = self.open()
        seen = []
        callback = v.JobStateCallback(lambda _c, _d, name, _t, state, _o: seen.append((name, v.STATES[state])))
        number = lib.virConnectDomainEventRegisterAny(conn, domain, v.EVENT_JOB_STATE, callback, None, v.FreeCallback())
        monitor.add_job("one", "backup")
        self.assertEqual(self.run_loop_until(seen, 1), [(b"one", "running")])
        monitor.connection.shutdown(2)
        self.assertEqual(self.run_loop_until(seen, 2), [(b"one", "running"), (b"one", "failed")])
        self.assertEqual(lib.virConnectDomainEventDeregisterAny(conn, number), 0)

    def run_loop_until(self, seen, count):
        late = []
        on_time = v.TimeoutCallback(lambda _timer, _opaque: late.append(True))
        timer = lib.virEventAddTimeout(v.SOON, on_time, None, v.FreeCallback())
        while len(seen) < count and not late:
            self.assertEqual(lib.virEventRunDefaultImpl(), 0)
        self.assertEqual(lib.virEventRemoveTimeout(timer), 0)
        return list(seen)

    def test_domains_that_do_not_answer_cost_a_listing_of_all_one_time_out(self):
        names = [b"a", b"b", b"c", b"fake"]
        monitors = [self.start(name.decode()) for name in names]
        for monitor in monitors:
            monitor.jobs["job"] = {"id": "job", "type": "backup", "status": "running", "current-progress": 1, "total-progress": 10}
        conn, domain = self.open()
        self.wait_for_jobs(domain, 1)
        for monitor in monitors:
            monitor.jobs["job"]["current-progress"] = 7
            monitor.silent = monitor is not monitors[-1]
        began = time.monotonic()
        listed = v.listing(lib.virConnectListAllDomainJobs, conn, v.LIST_STATS)
        self.assertLess(time.monotonic() - began, 20)
        figures = {data["domain.name"]: data["current"] for data in (dict(data) for _, _, _, data in listed)}
        # Those have what was last heard of them.
        self.assertEqual(figures, {b"a": 1, b"b": 1, b"c": 1, b"fake": 7})

    def test_a_monitor_that_somebody_else_has_is_said_to_be_taken(self):
        self.start(greets=False)
        began = time.monotonic()
        conn = lib.virConnectOpen(b"qemu+qmp://" + self.dir.name.encode() + b"/fake.qmp")
        self.assertIsNone(conn)
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("another client", v.last_error()[1])


if __name__ == "__main__":
    unittest.main()
