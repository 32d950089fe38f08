# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections and domains."""
from __future__ import annotations

import ctypes
import functools
import uuid as uuids
import weakref
from ctypes import POINTER, byref, c_char_p, c_void_p
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union
from xml.sax.saxutils import quoteattr

from ._events import Events
from ._jobs import Job, list_jobs
from ._library import Error, NoSuchJob, call, decode, encode, finalizer, free_memory, lock, make_error, parameters as typed, take
from ._types import (Backup, Commit, Copy, Dump, DumpFormat, JobState, JobType, ListFlags, Migrate, Pull, Save, Snapshot,
                     SnapshotDelete, SnapshotRevert)

_PARALLEL, _PERSIST = 1 << 29, 1 << 30
_BANDWIDTH_BYTES, _COMMIT_BANDWIDTH_BYTES = 1 << 6, 1 << 4
_INVALID_CONN, _INVALID_DOMAIN, _NO_DOMAIN = 6, 7, 42


_capsule_pointer = ctypes.PYFUNCTYPE(c_void_p, ctypes.py_object, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))


class _Handle:
    """An object of the library: one that is released together with this one, or the one behind an object of libvirt-python."""

    _class = ""
    _release = ""
    _invalid = 0

    def __init__(self, pointer: Optional[int], source: Any = None) -> None:
        self._source = source
        self._address: Optional[int] = None
        self._finalizer: Optional[weakref.finalize[Any, Any]] = None
        if pointer is not None:
            self._own(pointer)

    def _own(self, pointer: int) -> None:
        self._address = pointer
        self._finalizer = finalizer(self, functools.partial(call, self._release, pointer))

    @property
    def _pointer(self) -> int:
        """The pointer that C takes."""
        if self._source is not None:
            capsule = getattr(self._source, "_o", None)
            pointer = None if capsule is None else _capsule_pointer(capsule, self._class.encode())
        else:
            pointer = self._address if self._finalizer and self._finalizer.alive else None
        if pointer is None:
            raise make_error(self._invalid, 0, f"this {self._class} is closed, or is none")
        assert isinstance(pointer, int)
        return pointer


class Connection(_Handle):
    """A connection of this module's own (see `open`), or libvirt-python's (see `connection`). Leaving its context closes it."""

    _class = "virConnectPtr"
    _release = "virConnectClose"
    _invalid = _INVALID_CONN

    def __init__(self, pointer: Optional[int], source: Any = None) -> None:
        super().__init__(pointer, source)
        self._streams: weakref.WeakSet[Events] = weakref.WeakSet()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the iterations over its events, and closes it. Closing it again is harmless.

        A connection of libvirt-python's is left open: it is its owner's to close.
        """
        for stream in list(self._streams):
            stream.close()
        if self._finalizer is not None:
            self._finalizer()

    @property
    def uri(self) -> str:
        return take(call("virConnectGetURI", self._pointer))

    def domain(self, name: str) -> Domain:
        """The domain of that name."""
        return Domain(self, call("virDomainLookupByName", self._pointer, encode(name)))

    def domain_by_uuid(self, uuid: Union[str, uuids.UUID]) -> Domain:
        """The domain of that UUID."""
        return Domain(self, call("virDomainLookupByUUIDString", self._pointer, encode(str(uuid))))

    def domains(self) -> List[Domain]:
        """All domains, running or not."""
        found = POINTER(c_void_p)()
        count = call("virConnectListAllDomains", self._pointer, byref(found), 0)
        try:
            return [Domain(self, found[i]) for i in range(count)]
        finally:
            free_memory(found)

    def create(self, xml: str, flags: int = 0) -> Domain:
        """Starts a domain that is described by libvirt's domain XML."""
        return Domain(self, call("virDomainCreateXML", self._pointer, encode(xml), flags))

    def restore(self, file: str, xml: Optional[str] = None, flags: int = Save(0), persist: bool = False) -> None:
        """Brings back a domain that was saved to `file`, and returns when it is back."""
        call("virDomainRestoreFlags", self._pointer, encode(file), encode(xml), flags | (_PERSIST if persist else 0))

    def jobs(self, flags: int = ListFlags(0)) -> List[Job]:
        """The jobs of all domains; see `Domain.jobs`. Their `data` have `domain.name` and `domain.uuid` in any case."""
        owners: Dict[str, Domain] = {}

        def owner(data: Mapping[str, Any]) -> Domain:
            uuid = data["domain.uuid"]
            if uuid not in owners:
                owners[uuid] = Domain(self, None, names=(data["domain.name"], uuid))
            return owners[uuid]

        return list_jobs("virConnectListAllDomainJobs", self._pointer, flags, owner)

    def _adopt(self, pointer: int) -> Domain:
        """A domain that a callback was given: one more reference on it."""
        call("virDomainRef", pointer)
        return Domain(self, pointer)

    def events(self, timeout: Optional[float] = None) -> Events:
        """Events of all its domains; see `Events`."""
        return Events(self, None, timeout)


class Domain(_Handle):
    """A domain, and what can be done with it. Those who start a job return it."""

    _class = "virDomainPtr"
    _release = "virDomainFree"
    _invalid = _INVALID_DOMAIN

    def __init__(self, conn: Connection, pointer: Optional[int], source: Any = None,
                 names: Optional[Tuple[str, str]] = None) -> None:
        super().__init__(pointer, source)
        self.connection = conn
        self._names = names

    @property
    def _pointer(self) -> int:
        if self._names and self._address is None:
            # A domain from a listing of all jobs is looked up when it is needed.
            with lock:
                if self._address is None:
                    self._own(call("virDomainLookupByUUIDString", self.connection._pointer, encode(self._names[1])))
        return super()._pointer

    def __repr__(self) -> str:
        return f"<virt_jobs.Domain {self.name!r}>"

    @property
    def name(self) -> str:
        return self._names[0] if self._names else decode(call("virDomainGetName", self._pointer))

    @property
    def uuid(self) -> str:
        if self._names:
            return self._names[1]
        text = ctypes.create_string_buffer(37)
        call("virDomainGetUUIDString", self._pointer, text)
        return text.value.decode()

    @property
    def active(self) -> bool:
        """Whether it runs. One that was not defined, and is gone, does not."""
        try:
            return bool(call("virDomainIsActive", self._pointer) == 1)
        except Error as error:
            if error.code == _NO_DOMAIN:
                return False
            raise

    def xml(self, flags: int = 0) -> str:
        return take(call("virDomainGetXMLDesc", self._pointer, flags))

    def suspend(self) -> None:
        call("virDomainSuspend", self._pointer)

    def resume(self) -> None:
        call("virDomainResume", self._pointer)

    def shutdown(self) -> None:
        """Asks the guest to switch itself off."""
        call("virDomainShutdown", self._pointer)

    def destroy(self) -> None:
        """Switches it off. Its jobs fail."""
        call("virDomainDestroy", self._pointer)

    def attach_device(self, xml: str, flags: int = 0) -> None:
        call("virDomainAttachDeviceFlags", self._pointer, encode(xml), flags)

    def detach_device(self, xml: str, flags: int = 0) -> None:
        call("virDomainDetachDeviceFlags", self._pointer, encode(xml), flags)

    # Its jobs.

    def jobs(self, flags: int = ListFlags(0)) -> List[Job]:
        """Its jobs, oldest first. With ListFlags.STATS or XML their `data` are filled."""
        return list_jobs("virDomainJobList", self._pointer, flags, lambda _data: self)

    def job(self, name: str) -> Job:
        """The job of that name. Raises NoSuchJob."""
        job = Job(self, name, JobType.NONE, JobState.NONE)
        job.refresh()
        return job

    def last_started(self) -> Job:
        """The job that this thread was the last to start in this domain, in whatever way. Raises NoSuchJob."""
        return self._found(self._last_name(), JobType.NONE)

    def events(self, timeout: Optional[float] = None) -> Events:
        """Events of its jobs; see `Events`."""
        return Events(self.connection, self, timeout)

    def _last_name(self) -> str:
        return take(call("virDomainJobLastStarted", self._pointer, 0))

    def _found(self, name: str, kind: JobType, state: JobState = JobState.NONE) -> Job:
        """The job of that name, as it is now; of that type and in that state if it is over and not there any more."""
        job = Job(self, name, kind, state)
        try:
            job.refresh()
        except Error:
            # It does not stay, or its domain is gone with it.
            pass
        return job

    # What starts one. `bandwidth` is in bytes per second everywhere, 0 for no limit. `persist`: the job stays listed after
    # its end, until it is dismissed. `parallel`: whatever the hypervisor can do, not only what libvirt allows. `flags` are
    # those of libvirt's function.

    def _start(self, kind: JobType, function: str, *arguments: Any, flags: int, persist: bool, parallel: bool) -> Job:
        flags |= (_PERSIST if persist else 0) | (_PARALLEL if parallel else 0)
        call(function, self._pointer, *arguments, flags)
        # These return when it is done.
        done = kind in (JobType.SAVE, JobType.DUMP, JobType.MIGRATION)
        return self._found(self._last_name(), kind, JobState.COMPLETED if done else JobState.NONE)

    def pull(self, disk: str, base: Optional[str] = None, bandwidth: int = 0, flags: int = Pull(0),
             persist: bool = False, parallel: bool = False) -> Job:
        """The disk takes over what its backing images hold, down to `base`, which it keeps, or all of them."""
        start = functools.partial(self._start, JobType.BLOCK_PULL, flags=flags | _BANDWIDTH_BYTES, persist=persist,
                                  parallel=parallel)
        if base is None and not flags:
            return start("virDomainBlockPull", encode(disk), bandwidth)
        return start("virDomainBlockRebase", encode(disk), encode(base), bandwidth)

    def copy(self, disk: str, destination: str, format: Optional[str] = None, bandwidth: int = 0, granularity: int = 0,
             buf_size: int = 0, flags: int = Copy(0), persist: bool = False, parallel: bool = False) -> Job:
        """The disk is copied to `destination`: the path of a file, of that format, or a whole <disk> document.

        When READY, `Job.finalize` lets the domain go on with the copy, `Job.abort` leaves the copy as it is.
        """
        if not destination.lstrip().startswith("<"):
            driver = f"<driver type={quoteattr(format)}/>" if format else ""
            destination = f"<disk type='file'>{driver}<source file={quoteattr(destination)}/></disk>"
        given = {"bandwidth": bandwidth, "granularity": granularity, "buf-size": buf_size}
        parameters = typed({name: value for name, value in given.items() if value}, unsigned_ints=("granularity",))
        return self._start(JobType.BLOCK_COPY, "virDomainBlockCopy", encode(disk), encode(destination), parameters,
                           len(parameters), flags=flags, persist=persist, parallel=parallel)

    def commit(self, disk: str, base: Optional[str] = None, top: Optional[str] = None, bandwidth: int = 0,
               flags: int = Commit(0), persist: bool = False, parallel: bool = False) -> Job:
        """What is above `base` up to `top` is merged into it. Commit.ACTIVE if `top` is what the guest writes to."""
        return self._start(JobType.BLOCK_COMMIT_ACTIVE if flags & Commit.ACTIVE else JobType.BLOCK_COMMIT,
                           "virDomainBlockCommit", encode(disk), encode(base), encode(top), bandwidth,
                           flags=flags | _COMMIT_BANDWIDTH_BYTES, persist=persist, parallel=parallel)

    def backup(self, xml: str, checkpoint: Optional[str] = None, flags: int = Backup(0), persist: bool = False,
               parallel: bool = False) -> Job:
        """Disks are backed up as <domainbackup> says; `checkpoint` is a <domaincheckpoint>."""
        return self._start(JobType.BLOCK_BACKUP, "virDomainBackupBegin", encode(xml), encode(checkpoint), flags=flags,
                           persist=persist, parallel=parallel)

    def save(self, file: str, xml: Optional[str] = None, flags: int = Save(0), persist: bool = False) -> Job:
        """Saves it to `file` and stops it. Returns when that is done; until then another thread sees the job."""
        return self._start(JobType.SAVE, "virDomainSaveFlags", encode(file), encode(xml), flags=flags, persist=persist,
                           parallel=False)

    def dump(self, file: str, format: DumpFormat = DumpFormat.RAW, flags: int = Dump(0), persist: bool = False) -> Job:
        """Writes the guest's memory to `file`. Returns when that is done; until then another thread sees the job."""
        return self._start(JobType.DUMP, "virDomainCoreDumpWithFormat", encode(file), format, flags=flags, persist=persist,
                           parallel=False)

    def migrate(self, uri: str, parameters: Optional[Mapping[str, Union[int, str]]] = None, flags: int = Migrate(0),
                persist: bool = False) -> Job:
        """Moves it to `uri`, as virDomainMigrateToURI3. Returns when that is done; until then another thread sees the job."""
        values = typed(parameters or {})
        return self._start(JobType.MIGRATION, "virDomainMigrateToURI3", encode(uri), values, len(values), flags=flags,
                           persist=persist, parallel=False)

    def snapshot(self, xml: str, flags: int = Snapshot(0), persist: bool = False) -> Optional[Job]:
        """Takes the snapshot that <domainsnapshot> describes, and returns when that is done. None if it took no job."""
        try:
            before: Optional[str] = self._last_name()
        except NoSuchJob:
            before = None
        taken = call("virDomainSnapshotCreateXML", self._pointer, encode(xml), flags | (_PERSIST if persist else 0))
        call("virDomainSnapshotFree", taken)
        try:
            name = self._last_name()
        except NoSuchJob:
            return None
        return None if name == before else self._found(name, JobType.SNAPSHOT, JobState.COMPLETED)

    def revert(self, snapshot: str, flags: int = SnapshotRevert(0), persist: bool = False) -> None:
        """Goes back to the snapshot of that name, and returns when that is done."""
        self._on_snapshot("virDomainRevertToSnapshot", snapshot, flags | (_PERSIST if persist else 0))

    def delete_snapshot(self, snapshot: str, flags: int = SnapshotDelete(0), persist: bool = False) -> None:
        """Deletes the snapshot of that name, and returns when that is done."""
        self._on_snapshot("virDomainSnapshotDelete", snapshot, flags | (_PERSIST if persist else 0))

    def _on_snapshot(self, function: str, name: str, flags: int) -> None:
        snapshot = call("virDomainSnapshotLookupByName", self._pointer, encode(name), 0)
        try:
            call(function, snapshot, flags)
        finally:
            call("virDomainSnapshotFree", snapshot)
