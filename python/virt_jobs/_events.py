# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events: from the loop's thread to those who iterate."""
from __future__ import annotations

import asyncio
import collections
import functools
import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Deque, Dict, Iterator, List, Optional, Tuple

from ._jobs import Job
from ._library import FreeCallback, StateCallback, call, decode, finalizer, immortal
from ._loop import refuse_parents_loop
from ._types import JobState, JobType

if TYPE_CHECKING:
    from ._domains import Connection, Domain

_EVENT_JOB_STATE = 0x10019


class _Inbox:
    """What the loop's thread has heard for one registration, and who waits for it."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.events: Deque[Event] = collections.deque()
        self.changed = threading.Condition()
        self.sleepers: List[Tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.ended = False

    def put(self, event: Optional[Event]) -> None:
        """One more, or None: that was the last one."""
        with self.changed:
            if event is None:
                self.ended = True
            else:
                self.events.append(event)
            self.changed.notify_all()
            sleepers, self.sleepers = self.sleepers, []
        for loop, future in sleepers:
            try:
                loop.call_soon_threadsafe(_wake_up, future)
            except RuntimeError:
                # That loop is closed: nobody waits any more.
                pass


def _wake_up(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


# By what C is given as `opaque`. An inbox is here until the library has said that it will not be used again.
_inboxes: Dict[int, _Inbox] = {}
_keys = itertools.count(1)


@immortal(StateCallback)
def _on_state(_conn: int, dom: int, name: bytes, kind: int, state: int, key: int) -> None:
    inbox = _inboxes.get(key)
    if inbox is not None:
        inbox.put(Event(inbox.conn._adopt(dom), decode(name), JobType(kind), JobState(state)))


@immortal(FreeCallback)
def _on_free(key: int) -> None:
    inbox = _inboxes.pop(key, None)
    if inbox is not None:
        inbox.put(None)


@dataclass(frozen=True)
class Event:
    """A job has entered a new state. A job's first event is RUNNING, and its last one is final."""

    domain: Domain
    name: str
    type: JobType
    state: JobState

    @property
    def job(self) -> Job:
        """The job that it is about, as of the event."""
        return Job(self.domain, self.name, self.type, self.state)


class Events:
    """The changes of state of jobs, from the moment that this is made: `for`, or `async for` with asyncio.

    An iteration goes on until `close`, which leaving the context or dropping the object does as well, or until nothing has
    happened for `timeout` seconds; after that it can be taken up again. What is not taken is kept. While it is open, so is
    its connection. Several threads may take from one, and each event is given once.
    """

    def __init__(self, conn: Connection, domain: Optional[Domain], timeout: Optional[float]) -> None:
        refuse_parents_loop()
        self.timeout = timeout
        self._inbox = _Inbox(conn)
        pointer = conn._pointer
        key = next(_keys)
        _inboxes[key] = self._inbox
        call("virConnectRef", pointer)
        try:
            number = call("virConnectDomainEventRegisterAny", pointer, domain._pointer if domain else None,
                           _EVENT_JOB_STATE, _on_state, key, _on_free)
        except BaseException:
            del _inboxes[key]
            call("virConnectClose", pointer)
            raise
        self._finalizer = finalizer(self, functools.partial(_deregister, pointer, number))
        conn._streams.add(self)

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Hears no more, and ends the iterations. Closing it again is harmless."""
        self._finalizer()
        self._inbox.put(None)

    def get(self, timeout: Optional[float] = None) -> Event:
        """The next event, within `timeout` seconds. Raises TimeoutError; EOFError if this is closed and all is told."""
        inbox = self._inbox
        deadline = None if timeout is None else time.monotonic() + timeout
        if not inbox.events and timeout != 0:
            _refuse_to_block_asyncio()
        with inbox.changed:
            while not inbox.events:
                if inbox.ended:
                    raise EOFError("closed")
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError(f"no event within {timeout} s")
                inbox.changed.wait(left)
            return inbox.events.popleft()

    async def get_async(self, timeout: Optional[float] = None) -> Event:
        """As `get`, while the asyncio loop goes on."""
        inbox = self._inbox
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with inbox.changed:
                if inbox.events:
                    return inbox.events.popleft()
                if inbox.ended:
                    raise EOFError("closed")
                future: asyncio.Future[None] = loop.create_future()
                inbox.sleepers.append((loop, future))
            left = None if deadline is None else deadline - time.monotonic()
            try:
                await asyncio.wait_for(future, left)
            except asyncio.TimeoutError:
                if not inbox.events:
                    raise TimeoutError(f"no event within {timeout} s") from None
            finally:
                with inbox.changed:
                    inbox.sleepers = [sleeper for sleeper in inbox.sleepers if sleeper[1] is not future]

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        try:
            return self.get(self.timeout)
        except (TimeoutError, EOFError):
            raise StopIteration from None

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self.get_async(self.timeout)
        except (TimeoutError, EOFError):
            raise StopAsyncIteration from None


def _deregister(pointer: int, number: int) -> None:
    try:
        call("virConnectDomainEventDeregisterAny", pointer, number)
    finally:
        call("virConnectClose", pointer)


def _refuse_to_block_asyncio() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("this would stop the asyncio loop of this thread: use 'async for', or get_async()")
