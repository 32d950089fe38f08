#!/usr/bin/env python3
"""Starts two jobs on the built-in test hypervisor, watches their states, and ends one of them by its name.

No binding is needed: the library is called through ctypes. LIBVIRT_JOBS names another library than the installed one.
"""
import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_ulong, c_void_p

lib = ctypes.CDLL(os.environ.get("LIBVIRT_JOBS", "libvirt-jobs.so.0"))
libc = ctypes.CDLL(None)

STATES = ["none", "running", "ready", "failed", "completed", "aborted", "paused"]
READY, ENDED = 2, {3, 4, 5}
FINALIZE = 2
EVENT_JOB_STATE = 0x10019


class Job(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("type", c_uint), ("state", c_uint), ("data", c_void_p), ("ndata", c_size_t)]


# void (*)(virConnectPtr, virDomainPtr, const char *job, type, state, void *)
JobState = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_uint, c_uint, c_void_p)

for name, result, *arguments in [
    ("virConnectOpen", c_void_p, c_char_p),
    ("virConnectClose", c_int, c_void_p),
    ("virDomainLookupByName", c_void_p, c_void_p, c_char_p),
    ("virDomainFree", c_int, c_void_p),
    ("virDomainBlockPull", c_int, c_void_p, c_char_p, c_ulong, c_uint),
    ("virDomainBlockRebase", c_int, c_void_p, c_char_p, c_char_p, c_ulong, c_uint),
    ("virDomainJobList", c_int, c_void_p, POINTER(POINTER(POINTER(Job))), c_uint),
    ("virDomainJobFree", None, POINTER(Job)),
    ("virDomainJobControl", c_int, c_void_p, c_char_p, c_uint, c_uint),
    ("virConnectDomainEventRegisterAny", c_int, c_void_p, c_void_p, c_int, JobState, c_void_p, c_void_p),
    ("virConnectDomainEventDeregisterAny", c_int, c_void_p, c_int),
]:
    function = getattr(lib, name)
    function.restype, function.argtypes = result, arguments
lib.virGetLastErrorMessage.restype = c_char_p
libc.free.argtypes = [c_void_p]


def check(result):
    """Raises the library's error where C returns -1 or NULL."""
    if result is None or isinstance(result, int) and result < 0:
        raise RuntimeError(lib.virGetLastErrorMessage().decode())
    return result


def jobs(domain):
    """Names and states of a domain's jobs."""
    array = POINTER(POINTER(Job))()
    count = check(lib.virDomainJobList(domain, byref(array), 0))
    found = {array[i].contents.name.decode(): STATES[array[i].contents.state] for i in range(count)}
    for i in range(count):
        lib.virDomainJobFree(array[i])
    libc.free(array)
    return found


running = {}


@JobState
def job_state(_conn, domain, job, _type, state, _opaque):
    print(f"{job.decode()} is {STATES[state]}")
    running[job] = state not in ENDED
    if state == READY:
        # Any call may be made from inside a callback.
        check(lib.virDomainJobControl(domain, job, FINALIZE, 0))


check(lib.virEventRegisterDefaultImpl())
conn = check(lib.virConnectOpen(b"test+jobs:///default"))
domain = check(lib.virDomainLookupByName(conn, b"test"))
callback = check(lib.virConnectDomainEventRegisterAny(conn, domain, EVENT_JOB_STATE, job_state, None, None))
check(lib.virDomainBlockPull(domain, b"vdb", 0, 0))
COPY = 1 << 3
check(lib.virDomainBlockRebase(domain, b"vda", b"/var/lib/images/copy.qcow2", 0, COPY))
print("listed:", *jobs(domain))
while not running or any(running.values()):
    check(lib.virEventRunDefaultImpl())
print("left:", *jobs(domain))
lib.virConnectDomainEventDeregisterAny(conn, callback)
lib.virDomainFree(domain)
lib.virConnectClose(conn)
