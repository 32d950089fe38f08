# SPDX-License-Identifier: LGPL-2.1-or-later
"""The event loop of the process, run in the background where the program has none."""
from __future__ import annotations

import atexit
import os
import threading
from typing import Optional

from ._library import FreeCallback, TimeoutCallback, call, immortal, load, lock


@immortal(TimeoutCallback)
def _wake(timer: int, _opaque: Optional[int]) -> None:
    load().virEventRemoveTimeout(timer)


class _Loop:
    """The thread that runs the library's loop where the program has none."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.ends = False
        self.thread = threading.Thread(target=self.run, name="virt-jobs-loop", daemon=True)

    def run(self) -> None:
        run = load().virEventRunDefaultImpl
        while not self.ends and run() >= 0:
            pass

    def stop(self) -> None:
        """Before the interpreter goes, which a thread that comes back from C would not survive."""
        self.ends = True
        if self.pid == os.getpid() and self.thread.is_alive() and self.thread is not threading.current_thread():
            load().virEventAddTimeout(0, _wake, None, FreeCallback())
            self.thread.join(5)


_loop: Optional[_Loop] = None


def run_loop() -> None:
    """Registers the library's event loop and runs it in a thread, unless the process has a loop already.

    `open` does it. A program that uses libvirt-python and has no loop of its own may call this before `libvirt.open`.
    """
    global _loop
    library = load()
    with lock:
        if _loop is not None:
            return
        # A process without a loop cannot set a timer.
        probe = library.virEventAddTimeout(-1, _wake, None, FreeCallback())
        if probe >= 0:
            library.virEventRemoveTimeout(probe)
            return
        library.virResetLastError()
        call("virEventRegisterDefaultImpl")
        _loop = _Loop()
        atexit.register(_loop.stop)
        _loop.thread.start()


def refuse_parents_loop() -> None:
    """A child of fork has neither the thread nor a use for the loop, which it shares with its parent."""
    if _loop is not None and _loop.pid != os.getpid():
        raise RuntimeError("the event loop is that of the parent process: there are no events in a child of fork")
