"""The Python module on the test hypervisor: events, in threads and in asyncio, and the end of the interpreter."""

import asyncio
import gc
import threading
import unittest

from module import SOON, run_python, virt_jobs, world
from virt_jobs import JobState, _events

LIFE = [JobState.RUNNING, JobState.PAUSED, JobState.RUNNING, JobState.ABORTED]


def lead(domain):
    """A job through all of LIFE."""
    job = domain.pull("vda", bandwidth=1)
    job.pause()
    job.resume()
    job.abort()
    return job


def until_final(events):
    seen = []
    for event in events:
        seen.append(event)
        if event.state.final:
            break
    return seen


class Iterating(unittest.TestCase):
    def test_every_change_is_told_once_and_in_order(self):
        with world("") as conn, virt_jobs.events(conn, timeout=SOON) as events:
            job = lead(conn.domain("test"))
            seen = until_final(events)
            self.assertEqual([event.state for event in seen], LIFE)
            self.assertEqual({(event.name, event.domain.name, event.type) for event in seen}, {(job.name, "test", job.type)})
            self.assertEqual(seen[-1].job.name, job.name)

    def test_an_event_leads_to_the_job(self):
        with world("") as conn, conn.events() as events:
            conn.domain("test").pull("vda", bandwidth=1)
            events.get(SOON).job.abort()
            self.assertEqual(events.get(SOON).state, JobState.ABORTED)

    def test_an_iteration_ends_when_nothing_happens_and_can_be_taken_up_again(self):
        with world("") as conn, conn.domain("test").events(timeout=0.05) as events:
            self.assertEqual(list(events), [])
            with self.assertRaises(TimeoutError):
                events.get(0)
            events.timeout = SOON
            lead(conn.domain("test"))
            self.assertEqual([event.state for event in until_final(events)], LIFE)

    def test_another_thread_ends_an_iteration(self):
        for close in (lambda conn, events: events.close(), lambda conn, events: conn.close()):
            with world("") as conn, conn.events() as events:
                seen = []
                thread = threading.Thread(target=lambda: seen.extend(events))
                thread.start()
                close(conn, events)
                thread.join(SOON)
                self.assertFalse(thread.is_alive())
                self.assertEqual(seen, [])
                with self.assertRaises(EOFError):
                    events.get()

    def test_several_listen_and_each_hears_everything(self):
        with world("") as conn, conn.events(SOON) as one, conn.domain("test").events(SOON) as two:
            lead(conn.domain("test"))
            self.assertEqual([event.state for event in until_final(one)], LIFE)
            self.assertEqual([event.state for event in until_final(two)], LIFE)

    def test_what_is_dropped_is_deregistered(self):
        with world("") as conn:
            before = len(_events._inboxes)
            for _ in range(100):
                for _event in conn.events(timeout=0):
                    pass
                conn.domain("test").events().close()
            gc.collect()
            # The library says that it has freed them on its loop.
            with conn.events(SOON) as events:
                lead(conn.domain("test"))
                until_final(events)
            lead(conn.domain("test"))
            self.assertLessEqual(len(_events._inboxes), before + 1)

    def test_events_of_a_domain_that_died_are_told(self):
        with world("<jobs:fault type='block-pull' action='die' error='guest panicked'/>") as conn, conn.events(SOON) as events:
            job = conn.domain("test").pull("vda", bandwidth=1 << 20, persist=True)
            self.assertEqual([event.state for event in until_final(events)], [JobState.RUNNING, JobState.FAILED])
            self.assertEqual(job.error(), "guest panicked")


class Asyncio(unittest.TestCase):
    def test_events_are_iterated_while_the_loop_goes_on(self):
        async def main(conn):
            seen, ticks = [], 0

            async def tick():
                nonlocal ticks
                while True:
                    await asyncio.sleep(0)
                    ticks += 1

            ticking = asyncio.ensure_future(tick())
            with virt_jobs.events(conn) as events:
                loop = asyncio.get_running_loop()
                job = loop.run_in_executor(None, lead, conn.domain("test"))
                async for event in events:
                    seen.append(event.state)
                    if event.state.final:
                        break
                await job
            ticking.cancel()
            return seen, ticks

        with world("") as conn:
            seen, ticks = asyncio.run(main(conn))
            self.assertEqual(seen, LIFE)
            self.assertGreater(ticks, 0)

    def test_a_timeout_and_a_close_end_it(self):
        async def main(conn):
            with conn.events(timeout=0.05) as events:
                self.assertEqual([event async for event in events], [])
                with self.assertRaises(TimeoutError):
                    await events.get_async(0.01)
                events.timeout = None
                asyncio.get_running_loop().call_later(0.05, events.close)
                self.assertEqual([event async for event in events], [])

        with world("") as conn:
            asyncio.run(main(conn))

    def test_a_cancelled_task_loses_no_event(self):
        async def main(conn):
            with conn.events() as events:
                waiting = asyncio.ensure_future(events.get_async())
                await asyncio.sleep(0.01)
                waiting.cancel()
                await asyncio.sleep(0)
                lead(conn.domain("test"))
                return [(await events.get_async(SOON)).state for _ in LIFE]

        with world("") as conn:
            self.assertEqual(asyncio.run(main(conn)), LIFE)

    def test_a_for_that_would_stop_the_loop_is_refused(self):
        async def main(conn):
            with conn.events() as events, self.assertRaisesRegex(RuntimeError, "async for"):
                next(iter(events))

        with world("") as conn:
            asyncio.run(main(conn))


START = """
import virt_jobs
conn = virt_jobs.open("test+jobs:///default")
domain = conn.domain("test")
"""


class Ends(unittest.TestCase):
    """Of the interpreter, whatever is still open then."""

    def test_nothing_has_to_be_closed(self):
        for program in (
            START + "events = conn.events(); job = domain.pull('vda', bandwidth=1)",
            START + "events = conn.events(); domain.pull('vda', bandwidth=1); events.get(20); del conn",
            START + "cycle = [conn, domain, conn.events()]; cycle.append(cycle); del conn, domain",
            START + "import threading; threading.Thread(target=list, args=[conn.events()], daemon=True).start()",
            START + """
import threading
def wait():
    try:
        domain.pull('vda', bandwidth=1).wait()
    except virt_jobs.Error:
        pass  # The handle went first.
threading.Thread(target=wait, daemon=True).start()
""",
            START + "events = conn.events(); raise SystemExit(0)",
            START + "import atexit; events = conn.events(); atexit.register(lambda: domain.pull('vda', bandwidth=1).abort())",
            START + "virt_jobs.kept = [conn, domain, conn.events()]",
            START + """
import threading
def busy():
    try:
        while True:
            job = domain.pull('vda', bandwidth=1)
            job.abort()
            job.wait()
    except virt_jobs.Error:
        pass  # The handles went first.
events = conn.events()
threading.Thread(target=busy, daemon=True).start()
for _ in range(200):
    events.get(20)
""",
        ):
            with self.subTest(program):
                self.assertEqual(run_python(program), (0, "", ""))

    def test_a_child_uses_connections_of_its_own_and_leaves_its_parents_alone(self):
        status, said, errors = run_python(START + """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on fork with threads.
events = conn.events()
pid = os.fork()
if pid == 0:
    with virt_jobs.open("test+jobs:///default") as mine:
        job = mine.domain("test").pull("vdb", bandwidth=1)
        job.abort()
        print(job.wait(timeout=20).name)
        try:
            mine.events()
        except RuntimeError as refused:
            print(refused)
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
domain.pull("vda", bandwidth=1).abort()
print(events.get(20).state.name, events.get(20).state.name)
""")
        refused = "the event loop is that of the parent process: there are no events in a child of fork"
        self.assertEqual((status, said, errors), (0, f"ABORTED\n{refused}\nRUNNING ABORTED\n", ""))


if __name__ == "__main__":
    unittest.main()
