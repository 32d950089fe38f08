#!/usr/bin/env python3
"""Copies a disk through libvirt's own Python binding as ever, and follows and ends the copy by its name.

  with_libvirt.py URI DOMAIN DISK TARGET
"""
import sys
import threading
from xml.sax.saxutils import quoteattr

import libvirt
import virt_jobs
from virt_jobs import JobState, JobType


def run_loop():
    while True:
        libvirt.virEventRunDefaultImpl()


def copy(dom, disk, target):
    xml = f"<disk type='file'><driver type='qcow2'/><source file={quoteattr(target)}/></disk>"
    with virt_jobs.events(dom, timeout=600) as events:
        dom.blockCopy(disk, xml, {}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
        for event in events:
            if event.type is not JobType.BLOCK_COPY:
                continue
            print(f"{event.name} is {event.state.name.lower()}")
            if event.state is JobState.RUNNING:
                print(event.job.xml())
            elif event.state is JobState.READY:
                event.job.finalize()
            elif event.state.final:
                return event.state is JobState.COMPLETED
    return False


uri, name, disk, target = sys.argv[1:]
libvirt.virEventRegisterDefaultImpl()
threading.Thread(target=run_loop, daemon=True).start()
conn = libvirt.open(uri)
dom = conn.lookupByName(name)
# Whoever started them.
print("before:", *(job.name for job in virt_jobs.jobs(dom)))
sys.exit(0 if copy(dom, disk, target) else 1)
