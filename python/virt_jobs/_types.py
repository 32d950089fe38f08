# SPDX-License-Identifier: LGPL-2.1-or-later
"""What describes jobs: types, states, flags, configuration and statistics."""
from __future__ import annotations

import datetime
import enum
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple


class JobType(enum.IntEnum):
    """What kind of job it is; OTHER is one of a kind that this version does not know."""

    NONE, MIGRATION, BLOCK_PULL, BLOCK_COPY, BLOCK_COMMIT, BLOCK_COMMIT_ACTIVE, BLOCK_BACKUP, BLOCK_CREATE = range(8)
    BLOCK_AMEND, SAVE, RESTORE, DUMP, SNAPSHOT, SNAPSHOT_REVERT, SNAPSHOT_DELETE, MIGRATION_IN, OTHER = range(8, 17)

    @classmethod
    def _missing_(cls, value: object) -> JobType:
        return cls.OTHER


class JobState(enum.IntEnum):
    """The state of a job. READY: it can be finalized now. NONE: not known."""

    NONE, RUNNING, READY, FAILED, COMPLETED, ABORTED, PAUSED = range(7)

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self in (JobState.FAILED, JobState.COMPLETED, JobState.ABORTED)

    @classmethod
    def _missing_(cls, value: object) -> JobState:
        return cls.NONE


class ListFlags(enum.IntFlag):
    """Which jobs to list. Of each pair of opposites, none means both."""

    ACTIVE, FINISHED = 1 << 0, 1 << 1
    BLOCK, DOMAIN = 1 << 2, 1 << 3
    STATS = 1 << 4
    XML = 1 << 5


class Pull(enum.IntFlag):
    """Flags of `Domain.pull`."""

    RELATIVE = 1 << 4


class Copy(enum.IntFlag):
    """Flags of `Domain.copy`."""

    SHALLOW, REUSE_EXT, TRANSIENT_JOB, SYNCHRONOUS_WRITES = 1 << 0, 1 << 1, 1 << 2, 1 << 3


class Commit(enum.IntFlag):
    """Flags of `Domain.commit`."""

    SHALLOW, DELETE, ACTIVE, RELATIVE = 1 << 0, 1 << 1, 1 << 2, 1 << 3


class Backup(enum.IntFlag):
    """Flags of `Domain.backup`."""

    REUSE_EXTERNAL = 1 << 0


class Save(enum.IntFlag):
    """Flags of `Domain.save` and `Connection.restore`."""

    BYPASS_CACHE, RUNNING, PAUSED, RESET_NVRAM = 1 << 0, 1 << 1, 1 << 2, 1 << 3


class Dump(enum.IntFlag):
    """Flags of `Domain.dump`."""

    CRASH, LIVE, BYPASS_CACHE, RESET, MEMORY_ONLY = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4


class DumpFormat(enum.IntEnum):
    """Formats of `Domain.dump`."""

    RAW, KDUMP_ZLIB, KDUMP_LZO, KDUMP_SNAPPY, WIN_DMP = range(5)


class Migrate(enum.IntFlag):
    """Flags of `Domain.migrate`."""

    LIVE, PEER2PEER, TUNNELLED, PERSIST_DEST, UNDEFINE_SOURCE, PAUSED = (1 << bit for bit in range(6))
    NON_SHARED_DISK, NON_SHARED_INC, CHANGE_PROTECTION, UNSAFE, OFFLINE, COMPRESSED = (1 << bit for bit in range(6, 12))
    ABORT_ON_ERROR, AUTO_CONVERGE, RDMA_PIN_ALL, POSTCOPY, TLS, PARALLEL = (1 << bit for bit in range(12, 18))
    NON_SHARED_SYNCHRONOUS_WRITES, POSTCOPY_RESUME, ZEROCOPY = (1 << bit for bit in range(18, 21))


class Snapshot(enum.IntFlag):
    """Flags of `Domain.snapshot`."""

    REDEFINE, CURRENT, NO_METADATA, HALT, DISK_ONLY = (1 << bit for bit in range(5))
    REUSE_EXT, QUIESCE, ATOMIC, LIVE, VALIDATE = (1 << bit for bit in range(5, 10))


class SnapshotRevert(enum.IntFlag):
    """Flags of `Domain.revert`."""

    RUNNING, PAUSED, FORCE, RESET_NVRAM = 1 << 0, 1 << 1, 1 << 2, 1 << 3


class SnapshotDelete(enum.IntFlag):
    """Flags of `Domain.delete_snapshot`."""

    CHILDREN, METADATA_ONLY, CHILDREN_ONLY = 1 << 0, 1 << 1, 1 << 2


@dataclass(frozen=True)
class Target:
    """A file that a job writes."""

    path: str
    disk: Optional[str] = None
    type: Optional[str] = None
    format: Optional[str] = None


@dataclass(frozen=True)
class Config:
    """What a job was asked to do, as far as it is known (docs/job-xml.md). `bandwidth`: bytes/s; `size`: bytes."""

    disks: Tuple[str, ...] = ()
    top: Optional[str] = None
    base: Optional[str] = None
    targets: Tuple[Target, ...] = ()
    bandwidth: Optional[int] = None
    uri: Optional[str] = None
    file: Optional[str] = None
    format: Optional[str] = None
    snapshot: Optional[str] = None
    size: Optional[int] = None
    incremental: Optional[str] = None
    parent: Optional[str] = None
    options: FrozenSet[str] = frozenset()


@dataclass(frozen=True)
class Stats:
    """How far a job is (docs/job-xml.md). `rate`: bytes/s; `elapsed`, `remaining`: ms; what is None is not known.

    `disks` has (current, end) of each disk of a job on several; `migration` the figures of <migration> by their path there
    ("memory/processed", "iteration").
    """

    current: int = 0
    end: int = 0
    disks: Mapping[str, Tuple[int, int]] = field(default_factory=dict)
    rate: Optional[int] = None
    elapsed: Optional[int] = None
    remaining: Optional[int] = None
    migration: Mapping[str, int] = field(default_factory=dict)
    started: Optional[datetime.datetime] = None
    finished: Optional[datetime.datetime] = None


def by_word(kind: Any, word: Optional[str], otherwise: Any) -> Any:
    """The member that the XML calls by that word."""
    return kind.__members__.get((word or "").upper().replace("-", "_"), otherwise)


def _number(element: Optional[ElementTree.Element], path: str) -> Optional[int]:
    text = element.findtext(path) if element is not None else None
    return int(text) if text else None


def _moment(element: ElementTree.Element, path: str) -> Optional[datetime.datetime]:
    text = element.findtext(path)
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def read_config(element: Optional[ElementTree.Element]) -> Config:
    if element is None:
        return Config()
    text = element.findtext
    return Config(
        disks=tuple(disk.text or "" for disk in element.findall("disk")),
        top=text("top"), base=text("base"),
        targets=tuple(Target(one.text or "", one.get("disk"), one.get("type"), one.get("format"))
                      for one in element.findall("target")),
        bandwidth=_number(element, "bandwidth"), uri=text("uri"), file=text("file"), format=text("format"),
        snapshot=text("snapshot"), size=_number(element, "size"), incremental=text("incremental"), parent=text("parent"),
        options=frozenset(option.text or "" for option in element.findall("option")))


def read_stats(element: Optional[ElementTree.Element]) -> Stats:
    if element is None:
        return Stats()
    migration: Dict[str, int] = {}
    for part in element.findall("migration/*"):
        for one in part if len(part) else (part,):
            migration[one.tag if one is part else f"{part.tag}/{one.tag}"] = int(one.text or 0)
    return Stats(
        current=_number(element, "current") or 0, end=_number(element, "end") or 0,
        disks={disk.get("name", ""): (_number(disk, "current") or 0, _number(disk, "end") or 0)
               for disk in element.findall("disk")},
        rate=_number(element, "rate"), elapsed=_number(element, "elapsed"), remaining=_number(element, "remaining"),
        migration=migration, started=_moment(element, "started"), finished=_moment(element, "finished"))
