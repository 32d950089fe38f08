"""Monitors that lie, seen by a program over the C interface: what it costs is bounded, and another domain does not notice."""

import json
import os
import tempfile
import threading
import time
import unittest

import virtjobs as v
from fake_monitor import Monitor
from virtjobs import lib


def held():
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


def resident_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


class Caller(threading.Thread):
    """Calls a domain that is well all the time."""

    def __init__(self, domain):
        super().__init__()
        self.domain, self.slowest, self.failures, self.over = domain, 0, 0, False

    def run(self):
        while not self.over:
            began = time.monotonic()
            jobs = v.Jobs()
            if lib.virDomainJobList(self.domain, v.c.byref(jobs), v.LIST_STATS) != 0:
                self.failures += 1
            v.libc.free(jobs)
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.003)


class HostileMonitor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert lib.virEventRegisterDefaultImpl() == 0
        v.quiet_errors()

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.good, self.bad = (self.start(name) for name in ("good", "bad"))
        self.bad.uuid = "6695eb01-f6a4-8304-79aa-97f2502e1940"
        self.conn = lib.virConnectOpen(b"qemu+qmp://" + self.dir.name.encode())
        self.assertTrue(self.conn, v.last_error())
        self.domains = {name: lib.virDomainLookupByName(self.conn, name) for name in (b"good", b"bad")}
        self.assertTrue(all(self.domains.values()), v.last_error())
        self.caller = Caller(self.domains[b"good"])
        # What the library says on stderr, beside the errors of calls.
        self.said = tempfile.TemporaryFile()
        self.stderr = os.dup(2)
        os.dup2(self.said.fileno(), 2)
        self.before = resident_mib()
        self.caller.start()

    def tearDown(self):
        self.caller.over = True
        self.caller.join()
        os.dup2(self.stderr, 2)
        os.close(self.stderr)
        self.said.seek(0)
        said = self.said.read()
        self.said.close()
        for domain in self.domains.values():
            lib.virDomainFree(domain)
        lib.virConnectClose(self.conn)
        self.assertEqual(self.caller.failures, 0)
        self.assertLess(self.caller.slowest, 2)
        self.assertLess(len(said), 2000, said)
        self.assertLess(sum(len(files) for _, _, files in os.walk(self.dir.name)), 20)

    def start(self, name):
        monitor = Monitor(os.path.join(self.dir.name, name + ".qmp"))
        self.addCleanup(monitor.close)
        return monitor

    def wait(self, happened):
        deadline = time.monotonic() + v.SOON / 1000
        while not happened():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)

    def test_a_flood_of_events_is_gone_through_and_leaves_nothing(self):
        events = [{"event": "JOB_STATUS_CHANGE", "data": {"id": f"j{n}", "status": s}} for n in range(1000) for s in ("created", "null")]
        events += [{"event": "NEW", "data": {"x": [[[n]]]}} for n in range(2000)]
        flood = b"".join(json.dumps(event).encode() + b"\n" for event in events)
        for _ in range(25):
            self.bad.say(flood)
        self.bad.add_job("last", "backup")
        self.wait(lambda: ("last", "running") in v.jobs(self.domains[b"bad"]))
        self.assertLess(resident_mib() - self.before, 100)

    def test_what_is_no_message_ends_the_domain_with_one_error(self):
        for garbage in (b"{]\n", b"x" * (11 << 20)):
            before = held()
            monitor = Monitor(os.path.join(self.dir.name, "garbage.qmp"))
            domain = lib.virDomainLookupByName(self.conn, b"garbage")
            self.assertTrue(domain, v.last_error())
            monitor.add_job("one", "backup")
            self.wait(lambda: lib.virDomainJobList(domain, None, 0) == 1)
            try:
                monitor.say(garbage)
            except OSError:
                pass
            self.wait(lambda: lib.virDomainIsActive(domain) != 1)
            self.assertEqual(lib.virDomainJobList(domain, None, v.LIST_STATS), -1)
            self.assertTrue(v.last_error()[1])
            lib.virDomainFree(domain)
            monitor.close()
            # What is left of a domain is swept up when the directory is looked at.
            self.wait(lambda: lib.virConnectNumOfDomains(self.conn) == 2 and all(now <= then for now, then in zip(held(), before)))
        self.assertLess(resident_mib() - self.before, 60)

    def test_jobs_with_any_name_are_listed_and_controlled(self):
        names = ["../../x", "/etc/x", "a\nb", "<&'\">", "%s%n", "\u202ex", "z" * 1024, "last"]
        # These cannot be told, and must not be in the way of the others.
        for name in ("a\0b", "", "y" * 1025):
            self.bad.add_job(name, "backup")
        for name in names:
            self.bad.add_job(name, "backup")
        domain = self.domains[b"bad"]
        self.wait(lambda: lib.virDomainJobList(domain, None, 0) == len(names))
        listed = [name for name, _ in v.jobs(domain)]
        self.assertEqual(len(set(listed)), len(names))
        for name in listed:
            raw = name.encode()
            self.assertIn("<job type='block-backup'", v.take(lib.virDomainJobGetXMLDesc(domain, raw, 0)))
            self.assertEqual(lib.virDomainJobControl(domain, raw, v.ABORT, 0), 0, (name, v.last_error()))
            self.assertEqual(v.wait(domain, raw), "aborted")
        self.assertFalse(os.path.exists("/etc/x") or os.path.exists(os.path.join(self.dir.name, "../../x")))

    def test_answers_to_nothing_and_of_wrong_types_are_passed_over(self):
        noise = [{"return": 5, "id": 99999}, {"return": {}, "id": "x"}, {"return": {}}, {"id": 1}, {}, {"event": 7}, {"QMP": {}},
                 {"event": "BLOCK_JOB_COMPLETED", "data": {"device": 5, "len": -1}}, {"event": "x" * 10000, "data": None}]
        for _ in range(100):
            for message in noise:
                self.bad.send(message)
        self.bad.add_job("one", "backup")
        self.wait(lambda: v.jobs(self.domains[b"bad"]) == [("one", "running")])
        self.assertEqual(lib.virDomainIsActive(self.domains[b"bad"]), 1)


if __name__ == "__main__":
    unittest.main()
