"""Events through a loop of the application's own: asyncio, as a Python program has it."""

import asyncio
import threading
import unittest

import virtjobs as v
from virtjobs import World, lib


class AsyncioLoop:
    """libvirt's six functions over an asyncio loop. Both may be called from any thread."""

    def __init__(self, loop):
        self.loop = loop
        self.thread = threading.get_ident()
        self.handles = {}
        self.timers = {}
        self.next = 1
        self.functions = (v.AddHandle(self.add_handle), v.UpdateHandle(self.update_handle),
                          v.RemoveHandle(self.remove_handle), v.AddTimeout(self.add_timeout),
                          v.UpdateTimeout(self.update_timeout), v.RemoveTimeout(self.remove_timeout))
        lib.virEventRegisterImpl(*self.functions)

    def on_loop(self, function, *arguments):
        if threading.get_ident() == self.thread:
            function(*arguments)
        else:
            self.loop.call_soon_threadsafe(function, *arguments)

    def number(self):
        self.next += 1
        return self.next - 1

    def add_handle(self, fd, events, callback, opaque, free):
        watch = self.number()
        self.handles[watch] = {"fd": fd, "callback": callback, "opaque": opaque, "free": free}
        self.on_loop(self.arm_handle, watch, events)
        return watch

    def arm_handle(self, watch, events):
        handle = self.handles.get(watch)
        if handle is None:
            return
        for wanted, add, remove in ((v.HANDLE_READABLE, self.loop.add_reader, self.loop.remove_reader),
                                    (v.HANDLE_WRITABLE, self.loop.add_writer, self.loop.remove_writer)):
            if events & wanted:
                add(handle["fd"], handle["callback"], watch, handle["fd"], wanted, handle["opaque"])
            else:
                remove(handle["fd"])

    def update_handle(self, watch, events):
        self.on_loop(self.arm_handle, watch, events)

    def remove_handle(self, watch):
        handle = self.handles.pop(watch, None)
        if handle is None:
            return -1
        self.on_loop(self.drop_handle, handle)
        return 0

    def drop_handle(self, handle):
        self.loop.remove_reader(handle["fd"])
        self.loop.remove_writer(handle["fd"])
        self.release(handle)

    def add_timeout(self, interval, callback, opaque, free):
        timer = self.number()
        self.timers[timer] = {"callback": callback, "opaque": opaque, "free": free, "due": None}
        self.on_loop(self.arm_timeout, timer, interval)
        return timer

    def arm_timeout(self, number, interval):
        timer = self.timers.get(number)
        if timer is None:
            return
        if timer["due"]:
            timer["due"].cancel()
        timer["due"] = self.loop.call_later(interval / 1000, self.fire, number, interval) if interval >= 0 else None

    def fire(self, number, interval):
        timer = self.timers.get(number)
        if timer is None:
            return
        self.arm_timeout(number, interval)
        timer["callback"](number, timer["opaque"])

    def update_timeout(self, number, interval):
        self.on_loop(self.arm_timeout, number, interval)

    def remove_timeout(self, number):
        timer = self.timers.pop(number, None)
        if timer is None:
            return -1
        if timer["due"]:
            self.on_loop(timer["due"].cancel)
        self.on_loop(self.release, timer)
        return 0

    def release(self, entry):
        # Never from inside the call that removes it.
        if entry["free"]:
            self.loop.call_soon(entry["free"], entry["opaque"])


class Asyncio(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.loop = asyncio.new_event_loop()
        cls.impl = AsyncioLoop(cls.loop)
        v.quiet_errors()

    @classmethod
    def tearDownClass(cls):
        cls.loop.close()

    def register(self, world, on_state):
        callback = v.JobStateCallback(on_state)
        number = lib.virConnectDomainEventRegisterAny(world.conn, None, v.EVENT_JOB_STATE, callback, None, v.FreeCallback())
        self.assertGreaterEqual(number, 0, v.last_error())
        return number, callback

    def deregister(self, world, number):
        self.assertEqual(lib.virConnectDomainEventDeregisterAny(world.conn, number), 0)
        # What the library has put off until the loop runs again.
        self.loop.run_until_complete(asyncio.sleep(0.01))

    def test_events_come_on_the_loop_of_the_application(self):
        with World() as world:
            seen, done = [], self.loop.create_future()

            def on_state(_conn, _domain, name, _type, state, _opaque):
                self.assertEqual(threading.get_ident(), self.impl.thread)
                seen.append((name, v.STATES[state]))
                if state == v.ABORTED:
                    done.set_result(None)

            number, _callback = self.register(world, on_state)

            async def user():
                name = v.start_endless(world.domain)
                await asyncio.sleep(0)
                for request in (v.PAUSE, v.RESUME, v.ABORT):
                    self.assertEqual(lib.virDomainJobControl(world.domain, name, request, 0), 0)
                    await asyncio.sleep(0)
                await asyncio.wait_for(done, v.SOON / 1000)
                return name

            name = self.loop.run_until_complete(user())
            self.assertEqual(seen, [(name, state) for state in ("running", "paused", "running", "aborted")])
            self.deregister(world, number)

    def test_what_another_thread_does_wakes_the_loop(self):
        with World() as world:
            done = self.loop.create_future()

            def on_state(_conn, _domain, name, _type, state, _opaque):
                if state == v.ABORTED:
                    done.set_result(name)

            number, _callback = self.register(world, on_state)

            def elsewhere():
                name = v.start_endless(world.domain)
                lib.virDomainJobControl(world.domain, name, v.ABORT, 0)
                return name

            async def user():
                name = await self.loop.run_in_executor(None, elsewhere)
                return name, await asyncio.wait_for(done, v.SOON / 1000)

            name, told = self.loop.run_until_complete(user())
            self.assertEqual(told, name)
            self.deregister(world, number)

    def test_a_job_that_ends_by_itself_is_heard_of(self):
        with World("<jobs:speed unit='GiB'>1</jobs:speed>") as world:
            done = self.loop.create_future()

            def on_state(_conn, _domain, _name, _type, state, _opaque):
                if state == v.COMPLETED:
                    done.set_result(None)

            number, _callback = self.register(world, on_state)
            self.assertEqual(lib.virDomainBlockPull(world.domain, b"vda", 0, 0), 0)
            self.loop.run_until_complete(asyncio.wait_for(done, v.SOON / 1000))
            self.deregister(world, number)

    def test_the_library_leaves_nothing_in_the_loop(self):
        with World() as world:
            number, _callback = self.register(world, lambda *_arguments: None)
            self.deregister(world, number)
        self.loop.run_until_complete(asyncio.sleep(0.01))
        self.assertEqual(self.impl.handles, {})
        self.assertEqual([timer["due"] for timer in self.impl.timers.values() if timer["due"]], [])


if __name__ == "__main__":
    unittest.main()
