# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C library: finding it, its prototypes, its errors, and the release of what it gives."""
from __future__ import annotations

import collections
import ctypes
import ctypes.util
import functools
import os
import sys
import threading
import weakref
from ctypes import POINTER, c_char, c_char_p, c_double, c_int, c_longlong, c_size_t, c_uint, c_ulong, c_ulonglong, c_void_p
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

NO_DOMAIN_JOB = 0x1006E
_UINT, _ULLONG, _STRING = 2, 4, 7


class CError(ctypes.Structure):
    _fields_ = [("code", c_int), ("domain", c_int), ("message", c_char_p), ("level", c_int), ("conn", c_void_p),
                ("dom", c_void_p), ("str1", c_char_p), ("str2", c_char_p), ("str3", c_char_p), ("int1", c_int),
                ("int2", c_int), ("net", c_void_p)]


class CValue(ctypes.Union):
    _fields_ = [("i", c_int), ("ui", c_uint), ("l", c_longlong), ("ul", c_ulonglong), ("d", c_double), ("b", c_char),
                ("s", c_char_p)]


class Parameter(ctypes.Structure):
    _fields_ = [("field", c_char * 80), ("type", c_int), ("value", CValue)]

    def get(self) -> Any:
        value = getattr(self.value, ["i", "i", "ui", "l", "ul", "d", "b", "s"][self.type])
        return decode(value) if isinstance(value, bytes) else value


class CJob(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("type", c_int), ("state", c_int), ("data", POINTER(Parameter)), ("ndata", c_size_t)]


JobArray = POINTER(POINTER(CJob))
ErrorHandler = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
FreeCallback = ctypes.CFUNCTYPE(None, c_void_p)
TimeoutCallback = ctypes.CFUNCTYPE(None, c_int, c_void_p)
StateCallback = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_int, c_int, c_void_p)

# Result and arguments. Text that is the caller's to free comes as a plain pointer, so that there is something to free.
_PROTOTYPES: Dict[str, Tuple[Any, ...]] = {
    "virConnectOpen": (c_void_p, c_char_p),
    "virConnectOpenReadOnly": (c_void_p, c_char_p),
    "virConnectRef": (c_int, c_void_p),
    "virConnectClose": (c_int, c_void_p),
    "virConnectGetURI": (c_void_p, c_void_p),
    "virConnectListAllDomains": (c_int, c_void_p, POINTER(POINTER(c_void_p)), c_uint),
    "virConnectListAllDomainJobs": (c_int, c_void_p, POINTER(JobArray), c_uint),
    "virConnectDomainEventRegisterAny": (c_int, c_void_p, c_void_p, c_int, StateCallback, c_void_p, FreeCallback),
    "virConnectDomainEventDeregisterAny": (c_int, c_void_p, c_int),
    "virDomainLookupByName": (c_void_p, c_void_p, c_char_p),
    "virDomainLookupByUUIDString": (c_void_p, c_void_p, c_char_p),
    "virDomainCreateXML": (c_void_p, c_void_p, c_char_p, c_uint),
    "virDomainRef": (c_int, c_void_p),
    "virDomainFree": (c_int, c_void_p),
    "virDomainGetName": (c_char_p, c_void_p),
    "virDomainGetUUIDString": (c_int, c_void_p, c_char_p),
    "virDomainGetXMLDesc": (c_void_p, c_void_p, c_uint),
    "virDomainIsActive": (c_int, c_void_p),
    "virDomainSuspend": (c_int, c_void_p),
    "virDomainResume": (c_int, c_void_p),
    "virDomainShutdown": (c_int, c_void_p),
    "virDomainDestroy": (c_int, c_void_p),
    "virDomainAttachDeviceFlags": (c_int, c_void_p, c_char_p, c_uint),
    "virDomainDetachDeviceFlags": (c_int, c_void_p, c_char_p, c_uint),
    "virDomainBlockPull": (c_int, c_void_p, c_char_p, c_ulong, c_uint),
    "virDomainBlockRebase": (c_int, c_void_p, c_char_p, c_char_p, c_ulong, c_uint),
    "virDomainBlockCopy": (c_int, c_void_p, c_char_p, c_char_p, POINTER(Parameter), c_int, c_uint),
    "virDomainBlockCommit": (c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_ulong, c_uint),
    "virDomainBackupBegin": (c_int, c_void_p, c_char_p, c_char_p, c_uint),
    "virDomainSaveFlags": (c_int, c_void_p, c_char_p, c_char_p, c_uint),
    "virDomainRestoreFlags": (c_int, c_void_p, c_char_p, c_char_p, c_uint),
    "virDomainCoreDumpWithFormat": (c_int, c_void_p, c_char_p, c_uint, c_uint),
    "virDomainMigrateToURI3": (c_int, c_void_p, c_char_p, POINTER(Parameter), c_uint, c_uint),
    "virDomainSnapshotCreateXML": (c_void_p, c_void_p, c_char_p, c_uint),
    "virDomainSnapshotLookupByName": (c_void_p, c_void_p, c_char_p, c_uint),
    "virDomainRevertToSnapshot": (c_int, c_void_p, c_uint),
    "virDomainSnapshotDelete": (c_int, c_void_p, c_uint),
    "virDomainSnapshotFree": (c_int, c_void_p),
    "virDomainJobList": (c_int, c_void_p, POINTER(JobArray), c_uint),
    "virDomainJobFree": (None, POINTER(CJob)),
    "virDomainJobGetXMLDesc": (c_void_p, c_void_p, c_char_p, c_uint),
    "virDomainJobControl": (c_int, c_void_p, c_char_p, c_uint, c_uint),
    "virDomainJobWait": (c_int, c_void_p, c_char_p, c_uint, c_int, c_uint),
    "virDomainJobSetSpeed": (c_int, c_void_p, c_char_p, c_ulonglong, c_uint),
    "virDomainJobLastStarted": (c_void_p, c_void_p, c_uint),
    "virEventRegisterDefaultImpl": (c_int,),
    "virEventRunDefaultImpl": (c_int,),
    "virEventAddTimeout": (c_int, c_int, TimeoutCallback, c_void_p, FreeCallback),
    "virEventRemoveTimeout": (c_int, c_int),
    "virGetLastError": (POINTER(CError),),
    "virResetLastError": (None,),
    "virSetErrorFunc": (None, c_void_p, ErrorHandler),
}

lock = threading.RLock()
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
_library: Optional[ctypes.CDLL] = None
free_memory = ctypes.CDLL(None).free
free_memory.restype, free_memory.argtypes = None, [c_void_p]


def immortal(kind: Any) -> Callable[[Callable[..., None]], Any]:
    """A callback of that kind that C may call until the process ends, so nothing may ever free it."""
    def make(function: Callable[..., None]) -> Any:
        callback = kind(function)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(callback))
        return callback
    return make


@immortal(ErrorHandler)
def _say_nothing(_opaque: Optional[int], _error: Optional[int]) -> None:
    """Errors are exceptions here."""


def load(path: Optional[str] = None) -> ctypes.CDLL:
    """Loads the library, once. Without `path`, what VIRT_JOBS_LIBRARY names, else what the loader finds.

    Raises ImportError, naming what was looked for, if there is none.
    """
    global _library
    with lock:
        if _library is not None:
            return _library
        wanted = path or os.environ.get("VIRT_JOBS_LIBRARY")
        tried = [wanted] if wanted else ["libvirt-jobs.so.0", ctypes.util.find_library("virt-jobs")]
        reasons: List[str] = []
        for name in filter(None, tried):
            try:
                library = ctypes.CDLL(name)
                for function, (result, *arguments) in _PROTOTYPES.items():
                    getattr(library, function).restype = result
                    getattr(library, function).argtypes = arguments
                break
            except (OSError, AttributeError) as reason:
                reasons.append(str(reason))
        else:
            raise ImportError("cannot load libvirt-jobs, and VIRT_JOBS_LIBRARY names no other: " + "; ".join(reasons))
        if "libvirt" not in sys.modules:
            library.virSetErrorFunc(None, _say_nothing)
        _library = library
        return library


class Error(Exception):
    """What the library refused or could not do; the text is its message.

    `code`, `domain` and `level` are libvirt's numbers (VIR_ERR_*, VIR_FROM_*). Where the program has imported `libvirt`, what
    is raised is of a subclass that is a `libvirt.libvirtError`, too.
    """

    def __init__(self, code: int, domain: int, message: str, level: int = 2) -> None:
        Exception.__init__(self, message)
        self.code = code
        self.domain = domain
        self.message = message
        self.level = level
        # Where libvirtError keeps it: code, domain, message, level, three texts, two numbers.
        self.err = (code, domain, message, level, None, None, None, 0, 0)


class NoSuchJob(Error):
    """There is no job of that name (any more): VIR_ERR_NO_DOMAIN_JOB."""


_also_libvirts: Dict[str, Type[Error]] = {}


def make_error(code: int, domain: int, message: str, level: int = 2) -> Error:
    kind: Type[Error] = NoSuchJob if code == NO_DOMAIN_JOB else Error
    libvirt_error = getattr(sys.modules.get("libvirt"), "libvirtError", None)
    if libvirt_error is not None:
        if kind.__name__ not in _also_libvirts:
            members = {"__module__": kind.__module__, "__doc__": kind.__doc__}
            _also_libvirts[kind.__name__] = type(kind.__name__, (kind, libvirt_error), members)
        kind = _also_libvirts[kind.__name__]
    return kind(code, domain, message, level)


def _last_error(function: str) -> Error:
    last = load().virGetLastError()
    if not last:
        return make_error(1, 0, f"{function} failed and did not say why")
    error = last.contents
    return make_error(error.code, error.domain, decode(error.message), error.level)


class _Thread(threading.local):
    """How many calls this thread is in; and what is to be released when it is in none."""

    def __init__(self) -> None:
        self.calls = 0
        self.later: Deque[Callable[[], None]] = collections.deque()


_thread = _Thread()


def call(function: str, *arguments: Any) -> Any:
    """Calls the library. A negative number or NULL is raised as the error that this thread got."""
    called = getattr(load(), function)
    _thread.calls += 1
    try:
        result = called(*arguments)
        if (result is None and called.restype is not None) or (called.restype is c_int and result < 0):
            raise _last_error(function)
        return result
    finally:
        _thread.calls -= 1
        while _thread.later and _thread.calls == 0:
            _thread.later.popleft()()


def finalizer(owner: object, work: Callable[[], Any]) -> weakref.finalize[Any, Any]:
    """Does that once `owner` is gone, or the interpreter is about to go.

    Garbage may be collected between a call that failed and the question why, which a successful call in between would make
    forget: then it is put off. A child of fork leaves what is its parent's alone.
    """
    return weakref.finalize(owner, _release, os.getpid(), work)


def _release(pid: int, work: Callable[[], Any]) -> None:
    if pid != os.getpid():
        return
    if _thread.calls:
        _thread.later.append(functools.partial(_release, pid, work))
        return
    try:
        work()
    except Error:
        # The hypervisor is gone, say; there is nobody to tell.
        pass


def encode(text: Optional[str]) -> Optional[bytes]:
    if text is not None and "\0" in text:
        raise ValueError("embedded null character")
    return None if text is None else text.encode("utf-8", "surrogateescape")


def decode(text: Optional[bytes]) -> str:
    """What is no UTF-8 goes through and back, as with file names."""
    return (text or b"").decode("utf-8", "surrogateescape")


def take(pointer: int) -> str:
    """The text behind a pointer that is ours to free, freed."""
    try:
        return decode(ctypes.string_at(pointer))
    finally:
        free_memory(pointer)


def parameters(values: Mapping[str, Union[int, str]], unsigned_ints: Sequence[str] = ()) -> Any:
    """Typed parameters: texts, unsigned long longs, and those that are unsigned ints."""
    array = (Parameter * len(values))()
    for one, (name, value) in zip(array, values.items()):
        one.field = name.encode()
        if isinstance(value, str):
            one.type, one.value.s = _STRING, encode(value)
        elif name in unsigned_ints:
            one.type, one.value.ui = _UINT, value
        else:
            one.type, one.value.ul = _ULLONG, value
    return array
