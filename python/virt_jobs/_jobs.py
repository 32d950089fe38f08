# SPDX-License-Identifier: LGPL-2.1-or-later
"""Jobs: listing, describing, controlling and waiting for them."""
from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import math
import threading
import xml.etree.ElementTree as ElementTree
from ctypes import byref
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Tuple

from ._library import JobArray, call, decode, encode, free_memory, load, take
from ._types import Config, JobState, JobType, Stats, by_word, read_config, read_stats

if TYPE_CHECKING:
    from ._domains import Domain

_ABORT, _FINALIZE, _PAUSE, _RESUME, _DISMISS = range(1, 6)
_NO_STATS = 1 << 0


def list_jobs(function: str, handle: int, flags: int, owner: Callable[[Mapping[str, Any]], Domain]) -> List[Job]:
    array = JobArray()
    count = call(function, handle, byref(array), flags)
    library = load()
    found = []
    try:
        for i in range(count):
            job = array[i].contents
            data = {job.data[n].field.decode(): job.data[n].get() for n in range(job.ndata)}
            found.append(Job(owner(data), decode(job.name), JobType(job.type), JobState(job.state), data))
        return found
    finally:
        for i in range(count):
            library.virDomainJobFree(array[i])
        free_memory(array)


class Job:
    """A job. `name`, `type` and `state` are as they were when it was listed or last `refresh`ed; the name never changes.

    What is asked of a job happens later than the call that asks returns; `wait` and events tell when.
    """

    __slots__ = ("domain", "name", "type", "state", "data")

    def __init__(self, domain: Domain, name: str, type: JobType, state: JobState,
                 data: Optional[Mapping[str, Any]] = None) -> None:
        self.domain = domain
        self.name = name
        self.type = type
        self.state = state
        self.data: Mapping[str, Any] = data or {}

    def __repr__(self) -> str:
        return f"<virt_jobs.Job {self.name!r} {self.type.name} {self.state.name}>"

    def refresh(self) -> JobState:
        """Looks again; returns the state. Raises NoSuchJob if it has ended and does not stay listed."""
        document = self._document(_NO_STATS)
        self.type = by_word(JobType, document.get("type"), JobType.OTHER)
        self.state = by_word(JobState, document.get("state"), JobState.NONE)
        return self.state

    def xml(self, stats: bool = True) -> str:
        """The document that describes it. Without statistics, the hypervisor is not asked."""
        pointer = self.domain._pointer
        return take(call("virDomainJobGetXMLDesc", pointer, encode(self.name), 0 if stats else _NO_STATS))

    def stats(self) -> Stats:
        """How far it is, now."""
        return read_stats(self._document(0).find("stats"))

    def config(self) -> Config:
        """What it was asked to do."""
        return read_config(self._document(_NO_STATS).find("config"))

    def error(self) -> Optional[str]:
        """Why it failed, in the hypervisor's words; None if it has not."""
        return self._document(_NO_STATS).findtext("error")

    def _document(self, flags: int) -> ElementTree.Element:
        return ElementTree.fromstring(self.xml(stats=not flags))

    def pause(self) -> None:
        self._control(_PAUSE)

    def resume(self) -> None:
        self._control(_RESUME)

    def abort(self) -> None:
        """Ends it without its result."""
        self._control(_ABORT)

    def finalize(self) -> None:
        """Completes one that is READY: a copy or an active commit switches the disk over."""
        self._control(_FINALIZE)

    def dismiss(self) -> None:
        """Takes it off the list, if it has ended and was started with `persist`."""
        self._control(_DISMISS)

    def _control(self, operation: int) -> None:
        call("virDomainJobControl", self.domain._pointer, encode(self.name), operation, 0)

    def set_speed(self, bandwidth: int) -> None:
        """Limits it to so many bytes per second; 0 lifts the limit."""
        call("virDomainJobSetSpeed", self.domain._pointer, encode(self.name), bandwidth, 0)

    def wait(self, *states: JobState, timeout: Optional[float] = None) -> JobState:
        """Waits until it is in one of `states`, or has ended in whatever way; returns the state that it is in.

        `timeout` is in seconds. Raises TimeoutError. Needs no event loop.
        """
        waiting = functools.partial(self._wait, states, timeout)
        if timeout == 0 or threading.current_thread() is not threading.main_thread():
            return self._reached(waiting())
        # Signals, as that of Ctrl-C, reach the main thread only while it is not in C.
        return self._reached(_in_thread(waiting).result())

    async def wait_async(self, *states: JobState, timeout: Optional[float] = None) -> JobState:
        """As `wait`, while the asyncio loop goes on."""
        return self._reached(await asyncio.wrap_future(_in_thread(functools.partial(self._wait, states, timeout))))

    def _wait(self, states: Tuple[JobState, ...], timeout: Optional[float]) -> int:
        mask = sum(1 << state for state in set(states))
        limit = -1 if timeout is None else min(max(math.ceil(timeout * 1000), 0), 2**31 - 1)
        reached: int = call("virDomainJobWait", self.domain._pointer, encode(self.name), mask, limit, 0)
        return reached

    def _reached(self, state: int) -> JobState:
        if state == 0:
            raise TimeoutError(f"job {self.name} of {self.domain.name} is not there yet")
        self.state = JobState(state)
        return self.state


def _in_thread(work: Callable[[], int]) -> concurrent.futures.Future[int]:
    """Does it in a thread that nobody has to wait for, not even the interpreter at its end."""
    future: concurrent.futures.Future[int] = concurrent.futures.Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as reason:
            future.set_exception(reason)

    threading.Thread(target=run, name="virt-jobs-wait", daemon=True).start()
    return future
