"""Events through the library's own loop."""

import unittest

import virtjobs as v
from virtjobs import World, lib


class Watch:
    """Writes down the changes of state that the loop tells of."""

    def __init__(self, conn, domain=None):
        self.conn = conn
        self.seen = []
        self.freed = 0
        # They must live as long as the library may call them.
        self.callback = v.JobStateCallback(self.on_state)
        self.free = v.FreeCallback(self.on_free)
        self.id = lib.virConnectDomainEventRegisterAny(conn, domain, v.EVENT_JOB_STATE, self.callback, None, self.free)
        assert self.id >= 0, v.last_error()

    def on_state(self, _conn, domain, name, _type, state, _opaque):
        assert lib.virDomainGetName(domain) == b"test"
        self.seen.append((name, v.STATES[state]))

    def on_free(self, _opaque):
        self.freed += 1

    def end(self):
        assert lib.virConnectDomainEventDeregisterAny(self.conn, self.id) == 0


def run_loop_for_what_waits():
    done = []
    callback = v.TimeoutCallback(lambda _timer, _opaque: done.append(True))
    timer = lib.virEventAddTimeout(0, callback, None, v.FreeCallback())
    while not done:
        assert lib.virEventRunDefaultImpl() == 0
    assert lib.virEventRemoveTimeout(timer) == 0


class DefaultLoop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert lib.virEventRegisterDefaultImpl() == 0
        v.quiet_errors()

    def test_every_change_is_told_once_and_in_order(self):
        with World() as world:
            watch = Watch(world.conn)
            name = v.start_endless(world.domain)
            for request in (v.PAUSE, v.RESUME, v.ABORT):
                self.assertEqual(lib.virDomainJobControl(world.domain, name, request, 0), 0)
            self.assertEqual(watch.seen, [], "nobody is called before the loop runs")
            run_loop_for_what_waits()
            self.assertEqual(watch.seen, [(name, state) for state in ("running", "paused", "running", "aborted")])
            watch.end()
            self.assertEqual(watch.freed, 1)

    def test_a_callback_may_control_the_job_it_is_told_of(self):
        with World() as world:
            watch = Watch(world.conn)
            heard = watch.on_state

            def abort(conn, domain, name, kind, state, opaque):
                heard(conn, domain, name, kind, state, opaque)
                if state == v.RUNNING:
                    self.assertEqual(lib.virDomainJobControl(domain, name, v.ABORT, 0), 0)

            watch.callback = v.JobStateCallback(abort)
            watch.end()
            watch.id = lib.virConnectDomainEventRegisterAny(world.conn, world.domain, v.EVENT_JOB_STATE, watch.callback, None,
                                                            watch.free)
            name = v.start_endless(world.domain)
            run_loop_for_what_waits()
            run_loop_for_what_waits()
            self.assertEqual(watch.seen, [(name, "running"), (name, "aborted")])
            watch.end()

    def test_a_domain_that_dies_fails_its_jobs(self):
        with World("<jobs:fault type='block-pull' action='die' error='guest panicked'/>") as world:
            watch = Watch(world.conn, world.domain)
            name = v.start_endless(world.domain, flags=v.START_PERSIST)
            self.assertEqual(v.wait(world.domain, name), "failed")
            run_loop_for_what_waits()
            self.assertEqual(watch.seen, [(name, "running"), (name, "failed")])
            self.assertIn("<error>guest panicked</error>", v.take(lib.virDomainJobGetXMLDesc(world.domain, name, 0)))
            watch.end()


if __name__ == "__main__":
    unittest.main()
