# SPDX-License-Identifier: LGPL-2.1-or-later
"""Named jobs of virtual machines: every long-running operation of a domain, by its name.

Over libvirt's own binding, whose objects are taken as they are::

    import libvirt, virt_jobs

    conn = libvirt.open("qemu:///system")
    for job in virt_jobs.jobs(conn.lookupByName("web")):
        print(job.name, job.type.name, job.state.name, job.stats().current)

or without it, on a directory of QEMU monitors or the built-in test hypervisor::

    with virt_jobs.open("test:///default") as conn:
        job = conn.domain("test").pull("vda", persist=True)
        print(job.wait(timeout=60).name, job.error())
        job.dismiss()

The package needs nothing but Python 3.9 and `libvirt-jobs.so.0`. The library is loaded when it is first needed:
the one that the environment variable VIRT_JOBS_LIBRARY names, else the one that the system's loader finds.

Events. libvirt's rule holds: a process has one event loop, and it is registered before a connection is opened. `open` looks
whether there is one. If so (libvirt-python's `virEventRegisterDefaultImpl`, libvirtaio), it is used, and it is the
program's business to run it, as ever; so register it first. If not, the library's own is registered and run by a thread in
the background, of which a program sees nothing: events are put into queues there, and no code of the program's runs on it.
Connections of libvirt-python always depend on the loop that the program registers.

A child of fork can open connections of its own and use them, but hears no events.

Threads. Every function and method may be called from any thread, and lets other threads run while it waits.

Errors are raised as `Error`. If the program uses libvirt-python they are `libvirt.libvirtError` as well, so that code which
handles that one handles both. Where `libvirt` has not been imported, nothing is printed on stderr; where it has, it is
up to libvirt-python's error handler, as for its own errors.
"""
from __future__ import annotations

from typing import Any, List, Optional

from ._domains import Connection, Domain
from ._events import Event, Events
from ._jobs import Job
from ._library import Error, NoSuchJob, call, encode, load
from ._loop import run_loop
from ._types import (Backup, Commit, Config, Copy, Dump, DumpFormat, JobState, JobType, ListFlags, Migrate, Pull, Save, Snapshot,
                     SnapshotDelete, SnapshotRevert, Stats, Target)

__all__ = [
    "Backup", "Commit", "Config", "Connection", "Copy", "Domain", "Dump", "DumpFormat", "Error", "Event", "Events", "Job",
    "JobState", "JobType", "ListFlags", "Migrate", "NoSuchJob", "Pull", "Save", "Snapshot", "SnapshotDelete",
    "SnapshotRevert", "Stats", "Target", "all_jobs", "connection", "domain", "events", "jobs", "last_started", "load",
    "open", "run_loop",
]


def open(uri: str, readonly: bool = False) -> Connection:
    """Opens a connection: `qemu+qmp:///DIR`, `test:///default`, or any URI that an installed libvirt knows.

    If the process has no event loop yet, one is run in the background from now on.
    """
    run_loop()
    return Connection(call("virConnectOpenReadOnly" if readonly else "virConnectOpen", encode(uri)))


def connection(conn: Any) -> Connection:
    """A `libvirt.virConnect` as a Connection. It stays its owner's to close."""
    if isinstance(conn, Connection):
        return conn
    found = Connection(None, conn)
    found._pointer  # Raises what a call would.
    return found


def domain(dom: Any) -> Domain:
    """A `libvirt.virDomain` as a Domain, with everything that a Domain can do."""
    if isinstance(dom, Domain):
        return dom
    if not hasattr(dom, "connect"):
        raise TypeError(f"{type(dom).__name__} is no domain")
    return Domain(connection(dom.connect()), None, dom)


def jobs(domain_: Any, flags: int = ListFlags(0)) -> List[Job]:
    """The jobs of a Domain or a `libvirt.virDomain`, oldest first."""
    return domain(domain_).jobs(flags)


def all_jobs(conn: Any, flags: int = ListFlags(0)) -> List[Job]:
    """The jobs of all domains of a Connection or a `libvirt.virConnect`."""
    return connection(conn).jobs(flags)


def last_started(domain_: Any) -> Job:
    """The job that this thread was the last to start in a Domain or a `libvirt.virDomain`. Raises NoSuchJob."""
    return domain(domain_).last_started()


def events(source: Any, timeout: Optional[float] = None) -> Events:
    """The changes of state of the jobs of a domain, or of all domains of a connection; see `Events`."""
    if isinstance(source, (Connection, Domain)):
        return source.events(timeout)
    if hasattr(source, "connect"):
        return domain(source).events(timeout)
    return connection(source).events(timeout)
