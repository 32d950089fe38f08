#!/usr/bin/env python3
"""Starts two jobs on the built-in test hypervisor, watches their states, and lets one of them switch its disk over."""
import virt_jobs
from virt_jobs import JobState

with virt_jobs.open("test+jobs:///default") as conn, virt_jobs.events(conn, timeout=60) as events:
    domain = conn.domain("test")
    domain.pull("vdb")
    copy = domain.copy("vda", "/var/lib/images/copy.qcow2", format="qcow2", persist=True)
    jobs = domain.jobs()
    print("listed:", *(job.name for job in jobs))

    running = {job.name for job in jobs}
    for event in events:
        print(f"{event.name} is {event.state.name.lower()}")
        if event.state is JobState.READY:
            event.job.finalize()
        if event.state.final:
            running.discard(event.name)
        if not running:
            break

    # It was started to persist, so what became of it can be looked up until it is dismissed.
    print(f"{copy.name} wrote {copy.stats().current} bytes to {copy.config().targets[0].path}")
    copy.dismiss()
    print("left:", *(job.name for job in domain.jobs()))
