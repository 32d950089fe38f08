"""The distribution's own libvirt-python on the drop-in, for the tests beside it."""

import os
import sys
import time

DROPIN = os.environ["VIRT_JOBS_DROPIN"]


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


try:
    import libvirt
except ModuleNotFoundError:
    skip("no libvirt-python")

# What the program is about: the module knows nothing of the library that it runs on.
with open("/proc/self/maps") as maps:
    loaded = {line.split()[-1] for line in maps if "libvirt.so" in line}
assert loaded == {os.path.join(os.path.realpath(DROPIN), "libvirt.so.0")}, loaded

SOON = 30


def run_loop_until(condition, what):
    """Runs libvirt's default loop, which waits for ever if nothing happens."""
    timer = libvirt.virEventAddTimeout(20, lambda _timer, _opaque: None, None)
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end, f"{what()}: not within {SOON} s"
        libvirt.virEventRunDefaultImpl()
    libvirt.virEventRemoveTimeout(timer)


class Watch:
    """Events of a connection, as tuples that begin with the event's name."""

    def __init__(self, conn):
        self.conn = conn
        self.seen = []
        self.ids = [
            self.register(libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, "lifecycle"),
            self.register(libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, "block-job"),
            self.register(libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, "job-completed"),
        ]

    def register(self, event, name):
        def heard(_conn, domain, *rest):
            *what, _opaque = rest
            self.seen.append((name, domain.name(), *what))

        return self.conn.domainEventRegisterAny(None, event, heard, None)

    def wait_for(self, *event):
        run_loop_until(lambda: any(seen[:len(event)] == event for seen in self.seen), lambda: f"{event} in {self.seen}")

    def end(self):
        for number in self.ids:
            self.conn.domainEventDeregisterAny(number)


def error_of(call):
    """The error that a call raises."""
    try:
        got = call()
    except libvirt.libvirtError as error:
        return error
    raise AssertionError(f"it returned {got!r}")


libvirt.registerErrorHandler(lambda _context, _error: None, None)
