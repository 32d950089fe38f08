#!/usr/bin/python3
"""Runs the examples of docs/existing-programs.md on copies that virsh has started.

    private_libvirtd.py run follow.py LIBRARY IF_THERE FOLLOW...
"""

import os
import re
import subprocess
import sys

SECONDS = 60
MACHINE = """\
<domain type='qemu'>
  <name>machine</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
"""


def run(*command, **variables):
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        sys.exit(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check(condition, what):
    if not condition:
        sys.exit(what)


def main(library, if_there, *followers):
    uri, directory = os.environ["ORACLE_URI"], os.environ["ORACLE_DIR"]
    disk = f"{directory}/disk.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", disk, "64M")
    run("qemu-io", "-f", "qcow2", "-c", "write -q -P 1 0 64M", disk)
    with open(f"{directory}/machine.xml", "w", encoding="utf-8") as file:
        file.write(MACHINE.format(disk=disk))
    run("virsh", "-q", "-c", uri, "create", f"{directory}/machine.xml")

    said = run(if_there, uri, "machine")
    check(said == "no jobs by name here\n", f"without the library: {said}")
    said = run(if_there, uri, "machine", LD_PRELOAD=library)
    check(said == "", f"without a job: {said}")
    for number, follower in enumerate(followers):
        copy = f"{directory}/copy-{number}.qcow2"
        # 8 MiB/s: it lasts for some seconds.
        run("virsh", "-q", "-c", uri, "blockcopy", "machine", "vda", copy, "--format", "qcow2", "--transient-job", "--bandwidth", "8")
        said = run(if_there, uri, "machine", LD_PRELOAD=library)
        check(re.fullmatch(r"copy-vda-[\w-]+\n", said), f"with a job: {said}")
        name = said.strip()
        said = run(follower, uri, "machine", name)
        wanted = rf"{name}: \d+ of \d+ bytes\n{name} is ready\n{name} is completed\n"
        check(re.fullmatch(wanted, said), f"{follower}: {said}")
        check(copy in run("virsh", "-q", "-c", uri, "dumpxml", "machine"), "the copy is not the disk's source")


if __name__ == "__main__":
    main(*sys.argv[1:])
