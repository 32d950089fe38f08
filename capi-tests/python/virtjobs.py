"""The C interface as ctypes sees it: prototypes, structures, and what every test needs of them.

The library is the one that VIRT_JOBS_LIB names.
"""

import ctypes as c
import os
import tempfile

lib = c.CDLL(os.environ["VIRT_JOBS_LIB"])
libc = c.CDLL(None)
libc.free.argtypes = [c.c_void_p]
libc.free.restype = None

URI = b"test+jobs:///default"
SOON = 20000

RUNNING, READY, FAILED, COMPLETED, ABORTED, PAUSED = range(1, 7)
STATES = ["none", "running", "ready", "failed", "completed", "aborted", "paused"]
ABORT, FINALIZE, PAUSE, RESUME, DISMISS = range(1, 6)
BLOCK_PULL = 2
LIST_FINISHED, LIST_STATS, LIST_XML = 1 << 1, 1 << 4, 1 << 5
XML_NO_STATS = 1
START_PERSIST = 1 << 30
PULL_BANDWIDTH_BYTES = 1 << 6
EVENT_JOB_STATE = 25
HANDLE_READABLE, HANDLE_WRITABLE = 1, 2

ERR_INVALID_CONN, ERR_INVALID_DOMAIN, ERR_INVALID_ARG = 6, 7, 8
ERR_OPERATION_DENIED, ERR_NO_DOMAIN, ERR_NO_DOMAIN_JOB = 29, 42, 0x1006E


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("domain", c.c_int), ("message", c.c_char_p), ("level", c.c_int), ("conn", c.c_void_p),
                ("dom", c.c_void_p), ("str1", c.c_char_p), ("str2", c.c_char_p), ("str3", c.c_char_p), ("int1", c.c_int),
                ("int2", c.c_int), ("net", c.c_void_p)]


class Value(c.Union):
    _fields_ = [("i", c.c_int), ("ui", c.c_uint), ("l", c.c_longlong), ("ul", c.c_ulonglong), ("d", c.c_double),
                ("b", c.c_char), ("s", c.c_char_p)]


class TypedParameter(c.Structure):
    _fields_ = [("field", c.c_char * 80), ("type", c.c_int), ("value", Value)]

    def get(self):
        return getattr(self.value, ["", "i", "ui", "l", "ul", "d", "b", "s"][self.type])


class Job(c.Structure):
    _fields_ = [("name", c.c_char_p), ("type", c.c_int), ("state", c.c_int), ("data", c.POINTER(TypedParameter)),
                ("ndata", c.c_size_t)]


class BlockJobInfo(c.Structure):
    _fields_ = [("type", c.c_int), ("bandwidth", c.c_ulong), ("cur", c.c_ulonglong), ("end", c.c_ulonglong)]


Handle = c.c_void_p
Jobs = c.POINTER(c.POINTER(Job))
FreeCallback = c.CFUNCTYPE(None, c.c_void_p)
ErrorFunc = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(Error))
JobStateCallback = c.CFUNCTYPE(None, Handle, Handle, c.c_char_p, c.c_int, c.c_int, c.c_void_p)
HandleCallback = c.CFUNCTYPE(None, c.c_int, c.c_int, c.c_int, c.c_void_p)
TimeoutCallback = c.CFUNCTYPE(None, c.c_int, c.c_void_p)
AddHandle = c.CFUNCTYPE(c.c_int, c.c_int, c.c_int, HandleCallback, c.c_void_p, FreeCallback)
UpdateHandle = c.CFUNCTYPE(None, c.c_int, c.c_int)
RemoveHandle = c.CFUNCTYPE(c.c_int, c.c_int)
AddTimeout = c.CFUNCTYPE(c.c_int, c.c_int, TimeoutCallback, c.c_void_p, FreeCallback)
UpdateTimeout = c.CFUNCTYPE(None, c.c_int, c.c_int)
RemoveTimeout = c.CFUNCTYPE(c.c_int, c.c_int)

# Text that the caller must free comes as a plain pointer, so that there is something to free.
Text = c.c_void_p
PROTOTYPES = {
    "virConnectOpen": (Handle, c.c_char_p),
    "virConnectOpenReadOnly": (Handle, c.c_char_p),
    "virConnectClose": (c.c_int, Handle),
    "virConnectGetURI": (Text, Handle),
    "virConnectListAllDomainJobs": (c.c_int, Handle, c.POINTER(Jobs), c.c_uint),
    "virConnectNumOfDomains": (c.c_int, Handle),
    "virConnectDomainEventRegisterAny": (c.c_int, Handle, Handle, c.c_int, c.c_void_p, c.c_void_p, FreeCallback),
    "virConnectDomainEventDeregisterAny": (c.c_int, Handle, c.c_int),
    "virDomainLookupByName": (Handle, Handle, c.c_char_p),
    "virDomainFree": (c.c_int, Handle),
    "virDomainIsActive": (c.c_int, Handle),
    "virDomainGetName": (c.c_char_p, Handle),
    "virDomainGetXMLDesc": (Text, Handle, c.c_uint),
    "virDomainDestroy": (c.c_int, Handle),
    "virDomainBlockPull": (c.c_int, Handle, c.c_char_p, c.c_ulong, c.c_uint),
    "virDomainBlockCopy": (c.c_int, Handle, c.c_char_p, c.c_char_p, c.POINTER(TypedParameter), c.c_int, c.c_uint),
    "virDomainGetBlockJobInfo": (c.c_int, Handle, c.c_char_p, c.POINTER(BlockJobInfo), c.c_uint),
    "virDomainJobList": (c.c_int, Handle, c.POINTER(Jobs), c.c_uint),
    "virDomainJobFree": (None, c.POINTER(Job)),
    "virDomainJobGetXMLDesc": (Text, Handle, c.c_char_p, c.c_uint),
    "virDomainJobControl": (c.c_int, Handle, c.c_char_p, c.c_uint, c.c_uint),
    "virDomainJobWait": (c.c_int, Handle, c.c_char_p, c.c_uint, c.c_int, c.c_uint),
    "virDomainJobSetSpeed": (c.c_int, Handle, c.c_char_p, c.c_ulonglong, c.c_uint),
    "virDomainJobLastStarted": (Text, Handle, c.c_uint),
    "virEventRegisterDefaultImpl": (c.c_int,),
    "virEventRunDefaultImpl": (c.c_int,),
    "virEventRegisterImpl": (None, AddHandle, UpdateHandle, RemoveHandle, AddTimeout, UpdateTimeout, RemoveTimeout),
    "virEventAddTimeout": (c.c_int, c.c_int, TimeoutCallback, c.c_void_p, FreeCallback),
    "virEventRemoveTimeout": (c.c_int, c.c_int),
    "virGetLastError": (c.POINTER(Error),),
    "virGetLastErrorCode": (c.c_int,),
    "virGetLastErrorMessage": (c.c_char_p,),
    "virResetLastError": (None,),
    "virSaveLastError": (c.POINTER(Error),),
    "virFreeError": (None, c.POINTER(Error)),
    "virSetErrorFunc": (None, c.c_void_p, ErrorFunc),
}
for _name, (_result, *_arguments) in PROTOTYPES.items():
    _function = getattr(lib, _name)
    _function.restype = _result
    _function.argtypes = _arguments


@ErrorFunc
def _ignore(_opaque, _error):
    pass


def quiet_errors():
    """Keeps errors off stderr."""
    lib.virSetErrorFunc(None, _ignore)


def take(pointer):
    """The text behind a pointer that is ours to free, freed."""
    assert pointer, last_error()
    text = c.string_at(pointer).decode()
    libc.free(pointer)
    return text


def last_error():
    """Code and message of the last error, which is forgotten."""
    error = (lib.virGetLastErrorCode(), lib.virGetLastErrorMessage().decode())
    lib.virResetLastError()
    return error


def listing(call, handle, flags=0):
    """Jobs as (name, type, state, data), from either call that lists them; everything is freed."""
    jobs = Jobs()
    count = call(handle, c.byref(jobs), flags)
    assert count >= 0, last_error()
    assert not jobs[count], "the array does not end with NULL"
    found = []
    for job in (jobs[i] for i in range(count)):
        one = job.contents
        data = [(one.data[i].field.decode(), one.data[i].get()) for i in range(one.ndata)]
        found.append((one.name.decode(), one.type, one.state, data))
        lib.virDomainJobFree(job)
    libc.free(jobs)
    return found


def jobs(domain, flags=0):
    """Names and states of a domain's jobs."""
    return [(name, STATES[state]) for name, _, state, _ in listing(lib.virDomainJobList, domain, flags)]


def start_endless(domain, disk=b"vda", flags=0):
    """Starts a pull that nobody but its user ends; returns its name."""
    assert lib.virDomainBlockPull(domain, disk, 1, flags | PULL_BANDWIDTH_BYTES) == 0, last_error()
    return take(lib.virDomainJobLastStarted(domain, 0)).encode()


def wait(domain, name, *states):
    """The word for the state in which a job is at the end of a wait."""
    mask = sum(1 << state for state in states)
    return STATES[lib.virDomainJobWait(domain, name, mask, SOON, 0)]


class World:
    """A connection and its domain `test`; `script` is what a fixture tells the test hypervisor, None for the shared world."""

    def __init__(self, script=None):
        if script is None:
            self.conn = lib.virConnectOpen(URI)
        else:
            with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
                file.write(FIXTURE.format(script))
                file.flush()
                self.conn = lib.virConnectOpen(b"test+jobs://" + file.name.encode())
        assert self.conn, last_error()
        self.domain = lib.virDomainLookupByName(self.conn, b"test")
        assert self.domain, last_error()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        assert lib.virDomainFree(self.domain) == 0
        assert lib.virConnectClose(self.conn) == 0


FIXTURE = """<node xmlns:jobs='urn:virt-jobs:test:1.0'>
  <domain type='test'>
    <name>test</name>
    <memory unit='KiB'>1048576</memory>
    <os><type>hvm</type></os>
    <devices>
      <disk type='file' device='disk'>
        <source file='/guest/vda'/>
        <target dev='vda' bus='virtio'/>
      </disk>
    </devices>
    {}
  </domain>
</node>
"""
