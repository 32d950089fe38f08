"""The Python module on the test hypervisor: jobs, what starts them, errors."""

import asyncio
import contextlib
import gc
import os
import tempfile
import threading
import unittest

from module import SOON, run_python, virt_jobs, world
from virt_jobs import JobState, JobType, ListFlags

FAST = "<jobs:speed unit='GiB'>1</jobs:speed>"


def held():
    with open("/proc/self/status") as status:
        kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return kib, len(os.listdir("/proc/self/fd"))


class Jobs(unittest.TestCase):
    def test_a_job_tells_its_name_type_state_configuration_and_statistics(self):
        with world("") as conn:
            domain = conn.domain("test")
            job = domain.pull("vda", bandwidth=1 << 20)
            self.assertEqual((job.name, job.type, job.state), ("block-pull-vda-1", JobType.BLOCK_PULL, JobState.RUNNING))
            config, stats = job.config(), job.stats()
            self.assertEqual((config.disks, config.bandwidth, config.targets), (("vda",), 1 << 20, ()))
            self.assertEqual(stats.end, 16 << 20)
            self.assertLess(stats.current, stats.end)
            self.assertIsNotNone(stats.started.tzinfo)
            self.assertIsNone(stats.finished)
            self.assertIn("<stats>", job.xml())
            self.assertNotIn("<stats>", job.xml(stats=False))
            self.assertIsNone(job.error())

    def test_jobs_are_listed_with_and_without_figures(self):
        with world("") as conn:
            domain = conn.domain("test")
            self.assertEqual(virt_jobs.jobs(domain), [])
            name = domain.pull("vda", bandwidth=1).name
            [job] = virt_jobs.jobs(domain)
            self.assertEqual((job.name, job.state, job.data), (name, JobState.RUNNING, {}))
            [job] = virt_jobs.jobs(domain, ListFlags.ACTIVE | ListFlags.STATS | ListFlags.XML)
            self.assertEqual((job.data["disk"], job.data["end"]), ("vda", 16 << 20))
            self.assertIn("<name>" + name, job.data["xml"])
            self.assertEqual(virt_jobs.jobs(domain, ListFlags.FINISHED), [])
            [job] = virt_jobs.all_jobs(conn)
            self.assertEqual((job.name, job.domain.name), (name, "test"))
            self.assertEqual(job.domain.uuid, domain.uuid)
            # It can be acted on, too.
            job.abort()
            self.assertEqual(job.wait(timeout=SOON), JobState.ABORTED)

    def test_a_job_is_controlled_and_waited_for(self):
        with world("") as conn:
            job = conn.domain("test").pull("vda", bandwidth=1, persist=True)
            job.pause()
            self.assertEqual(job.refresh(), JobState.PAUSED)
            job.resume()
            job.set_speed(5 << 20)
            self.assertEqual(job.config().bandwidth, 5 << 20)
            with self.assertRaises(TimeoutError):
                job.wait(timeout=0)
            with self.assertRaises(TimeoutError):
                job.wait(timeout=0.01)
            job.abort()
            self.assertEqual(job.wait(timeout=SOON), JobState.ABORTED)
            self.assertTrue(job.state.final)
            job.dismiss()
            with self.assertRaises(virt_jobs.NoSuchJob) as caught:
                job.refresh()
            self.assertEqual((caught.exception.code, caught.exception.level), (0x1006E, 2))
            self.assertIn(job.name, str(caught.exception))

    def test_a_copy_is_finalized_when_it_is_ready(self):
        with world(FAST) as conn:
            domain = conn.domain("test")
            job = domain.copy("vda", "/guest/<copy>", format="qcow2", granularity=65536, flags=virt_jobs.Copy.SHALLOW)
            self.assertEqual(job.wait(JobState.READY, timeout=SOON), JobState.READY)
            [target] = job.config().targets
            self.assertEqual((target.path, target.disk, target.format), ("/guest/<copy>", "vda", "qcow2"))
            self.assertEqual(job.config().options, {"shallow"})
            job.finalize()
            self.assertEqual(job.wait(timeout=SOON), JobState.COMPLETED)
            self.assertIn("/guest/&lt;copy&gt;", domain.xml())

    def test_everything_that_takes_time_can_be_started(self):
        with world(FAST) as conn, tempfile.TemporaryDirectory() as directory:
            domain = conn.domain("test")
            backup = domain.backup("<domainbackup/>", persist=True)
            self.assertEqual((backup.type, backup.wait(timeout=SOON)), (JobType.BLOCK_BACKUP, JobState.COMPLETED))
            self.assertIn("vda", backup.stats().disks or backup.config().disks)
            dump = domain.dump(f"{directory}/core", flags=virt_jobs.Dump.MEMORY_ONLY, persist=True)
            self.assertEqual((dump.type, dump.state), (JobType.DUMP, JobState.COMPLETED))
            snapshot = domain.snapshot("<domainsnapshot><name>s</name></domainsnapshot>", persist=True)
            self.assertEqual((snapshot.type, snapshot.state), (JobType.SNAPSHOT, JobState.COMPLETED))
            domain.revert("s", persist=True)
            domain.delete_snapshot("s", persist=True)
            self.assertEqual({job.type for job in domain.jobs()},
                             {JobType.BLOCK_BACKUP, JobType.DUMP, JobType.SNAPSHOT, JobType.SNAPSHOT_REVERT, JobType.SNAPSHOT_DELETE})
            save = domain.save(f"{directory}/save", persist=True)
            self.assertEqual((save.type, save.state, domain.active), (JobType.SAVE, JobState.COMPLETED, False))
            conn.restore(f"{directory}/save")
            self.assertTrue(conn.domain("test").active)

    def test_commits_know_which_kind_they_are(self):
        with world("") as conn:
            domain = conn.domain("test")
            snapshot = "<domainsnapshot><disks><disk name='vda'><source file='/guest/top'/></disk></disks></domainsnapshot>"
            domain.snapshot(snapshot, flags=virt_jobs.Snapshot.DISK_ONLY)
            commit = domain.commit("vda", flags=virt_jobs.Commit.ACTIVE)
            self.assertEqual(commit.type, JobType.BLOCK_COMMIT_ACTIVE)
            self.assertEqual(commit.wait(JobState.READY, timeout=SOON), JobState.READY)
            commit.abort()
            self.assertEqual(commit.wait(timeout=SOON), JobState.ABORTED)

    def test_a_job_that_fails_says_why(self):
        fault = "<jobs:fault type='block-pull' action='fail' error='No space &lt;left&gt;'/>"
        with world(FAST + fault) as conn:
            job = conn.domain("test").pull("vda", persist=True)
            self.assertEqual(job.wait(timeout=SOON), JobState.FAILED)
            self.assertEqual(job.error(), "No space <left>")
            self.assertIsNotNone(job.stats().finished)

    def test_domains_are_found_and_changed(self):
        with world("") as conn:
            [domain] = conn.domains()
            self.assertEqual((domain.name, conn.domain_by_uuid(domain.uuid).name), ("test", "test"))
            self.assertTrue(domain.active)
            domain.suspend()
            domain.resume()
            domain.destroy()
            self.assertFalse(domain.active)
            self.assertTrue(conn.uri.startswith("test"), conn.uri)

    def test_any_name_goes_through(self):
        for name in ("<a> & 'b'", "caf\u00e9 \U0001f427", "a\u0085b"):
            quoted = name.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")
            with self.subTest(name), world(f"<jobs:job id='{quoted}' type='backup' size='1MiB' bandwidth='1'/>") as conn:
                [job] = virt_jobs.all_jobs(conn)
                self.assertEqual(job.name, name)
                job.abort()
                self.assertEqual(job.wait(timeout=SOON), JobState.ABORTED)
        with world("") as conn, self.assertRaises(ValueError):
            conn.domain("a\0b")

    def test_types_and_states_of_the_future_are_known_as_such(self):
        self.assertIs(JobType(99), JobType.OTHER)
        self.assertIs(JobState(99), JobState.NONE)


class Handles(unittest.TestCase):
    def test_a_closed_connection_is_refused_and_closing_again_is_harmless(self):
        conn = world("")
        domain = conn.domain("test")
        conn.close()
        conn.close()
        with self.assertRaises(virt_jobs.Error) as caught:
            conn.domains()
        self.assertEqual(caught.exception.code, 6)
        # What it gave lives on, as in C.
        self.assertEqual(domain.name, "test")

    def test_what_is_no_handle_is_refused(self):
        for thing in (None, 7, "test", object()):
            with self.assertRaises((TypeError, virt_jobs.Error)):
                virt_jobs.jobs(thing)
            with self.assertRaises(virt_jobs.Error):
                virt_jobs.all_jobs(thing)

    def test_ten_thousand_listings_leave_nothing_behind(self):
        with world("<jobs:job type='block-backup' id='b-%n' bandwidth='1B' count='20'/>") as conn:
            domain = conn.domain("test")

            def rounds(number):
                for _ in range(number):
                    self.assertEqual(len(domain.jobs(ListFlags.STATS)), 20)

            rounds(500)
            gc.collect()
            before = held()
            rounds(10000)
            gc.collect()
            after = held()
            self.assertEqual(after[1], before[1])
            # One leaked job each time would be 40 MB and more.
            self.assertLess(after[0] - before[0], 4096)

    def test_a_failure_keeps_its_error_when_garbage_is_collected_meanwhile(self):
        with world("") as conn:
            gc.set_threshold(1)
            try:
                for _ in range(200):
                    cycle = [conn.domain("test")]
                    cycle.append(cycle)
                    del cycle
                    with self.assertRaises(virt_jobs.NoSuchJob):
                        conn.domain("test").job("nobody")
            finally:
                gc.set_threshold(700, 10, 10)


class Threads(unittest.TestCase):
    def test_threads_start_and_end_jobs_of_their_own(self):
        with world("<jobs:job type='block-backup' id='b-%n' bandwidth='1B' count='3'/>") as conn:
            failures = []

            def user():
                try:
                    for _ in range(50):
                        job = conn.domain("test").pull("vda", bandwidth=1, parallel=True)
                        self.assertEqual(conn.domain("test").last_started().name, job.name)
                        job.abort()
                        self.assertEqual(job.wait(timeout=SOON), JobState.ABORTED)
                        virt_jobs.all_jobs(conn)
                except BaseException as reason:
                    failures.append(reason)

            threads = [threading.Thread(target=user) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])

    def test_the_main_thread_can_be_interrupted_while_it_waits(self):
        status, said, errors = run_python("""
import signal, threading, virt_jobs
conn = virt_jobs.open("test+jobs:///default")
job = conn.domain("test").pull("vda", bandwidth=1)
main = threading.main_thread().ident
threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
try:
    job.wait()
except KeyboardInterrupt:
    print("interrupted")
""")
        self.assertEqual((status, said, errors), (0, "interrupted\n", ""))

    def test_a_wait_can_be_awaited(self):
        async def user(conn):
            job = conn.domain("test").pull("vda", bandwidth=1)
            waiting = asyncio.ensure_future(job.wait_async(timeout=SOON))
            await asyncio.sleep(0)
            job.abort()
            return await waiting

        with world("") as conn:
            self.assertEqual(asyncio.run(user(conn)), JobState.ABORTED)


class Loading(unittest.TestCase):
    def test_a_library_that_is_not_there_is_named(self):
        status, _, errors = run_python("import virt_jobs; virt_jobs.open('test:///default')", VIRT_JOBS_LIBRARY="/no/such.so")
        self.assertEqual(status, 1)
        self.assertIn("ImportError", errors)
        self.assertIn("/no/such.so", errors)

    def test_importing_loads_nothing_and_starts_nothing(self):
        status, said, _ = run_python("""
import threading, virt_jobs
print("libvirt" in open("/proc/self/maps").read(), threading.active_count())
""", VIRT_JOBS_LIBRARY="/no/such.so")
        self.assertEqual((status, said), (0, "False 1\n"))

    def test_errors_are_exceptions_and_not_printed(self):
        status, said, errors = run_python("""
import virt_jobs
try:
    virt_jobs.open("test+jobs:///default").domain("nobody")
except virt_jobs.Error as error:
    print(error.code, error.domain, error)
""")
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(said, "42 12 Domain not found: no domain with matching name 'nobody'\n")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        unittest.main()
