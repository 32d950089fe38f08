#!/usr/bin/python3
"""Run unmodified programs with and without libvirt-jobs preloaded, and compare what they print.

    same.py --library LIBRARY [--times N] [PROGRAM...]

The programs are in programs/: shell scripts that call virsh, and scripts in Python that import libvirt. Each is run on a
private libvirtd (see private_libvirtd.py), with a second one that takes itself for another host, in an empty directory of its own: first as it is, then with the library
preloaded. What differs from run to run anyway (paths, pids, times, ids) is taken out of what they print.

Exit status: 0 no difference, 1 differences (shown as a unified diff), 77 no libvirtd, QEMU or Python module here.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import private_libvirtd  # noqa: E402

PROGRAM_SECONDS = 120
PYTHON = "/usr/bin/python3"

# How often a program is run on both sides until they agree.
ATTEMPTS = 3

# What a program prints of the time, of the machine's load and of what was there before it, and what it is replaced with.
VOLATILE = [
    (r"^(vda (?:rd|wr|flush)_\w+) \d+", r"\1 N"),
    (r"/tmp/same-[a-z0-9_]+", "DIR"),
    (r"/tmp/libvirtd-[a-z0-9_]+", "LIBVIRTD"),
    (r"\b(?!0e1a2b3c)(?!6695eb01)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
    (r"domain-\d+-", "domain-N-"),
    (r"(<domain [^>]*\bid=)'\d+'", r"\1'N'"),
    (r"(\bId: +)\d+", r"\1N"),
    (r"^( )\d+ ( *\w+ +(running|paused|shut off))", r"\1N\2"),
    (r"/dev/pts/\d+", "/dev/pts/N"),
    (r"(CPU time: +)[\d.]+s", r"\1N"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:?\d\d)?", "TIME"),
    (r"<creationTime>\d+", "<creationTime>N"),
    (r"(timestamp \d+|<timestamp>.*?</timestamp>)", "TIME"),
    (r"<(atime|mtime|ctime|btime)>[\d.]+", r"<\1>N"),
    (r"((?:Time elapsed(?: w/o network)?|Time remaining|Data \w+|Memory \w+|Memory bandwidth|Dirty rate|Total downtime|Downtime w/o network|"
     r"Setup time|Expected downtime|Normal data|Constant pages|Normal pages|Iteration|Page size|Postcopy requests|"
     r"File \w+|File bandwidth|Disk \w+|Operation): +).*", r"\1N"),
    (r"(block\.\d+\.\w+\.(?:reqs|bytes|times)|block\.\d+\.(?:allocation|physical)|\w+\.time|cpu\.\w+|vcpu\.\d+\.\w+|balloon\.(?:rss|last-update|"
     r"swap_in|swap_out|major_fault|minor_fault|unused|available|usable|disk_caches|hugetlb_\w+)|dirtyrate\.\w+)=\d+", r"\1=N"),
    (r"\[ *\d+(\.\d+)? ?%\]", "[N %]"),
    (r"((?:allocation|physical|Allocation|Physical|rss|Available|last_update|actual|system|user)[:=]? +)[\d.]+( ?\w?iB)?", r"\1N"),
    (r"(<allocation[^>]*>|<available[^>]*>)\d+", r"\1N"),
]


def normalized(text):
    for pattern, replacement in VOLATILE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    # A bar of progress is drawn as often as there is time for.
    return [line for line in text.splitlines() if not re.fullmatch(r"[\w ]+: \[N %\]", line.rstrip())]


def run(program, variables, library):
    """The lines that it prints, and how it ended."""
    directory = tempfile.mkdtemp(prefix="same-")
    environment = dict(os.environ, **variables, DIR=directory, PRELOAD=library, LC_ALL="C", COLUMNS="400", PYTHONDONTWRITEBYTECODE="1")
    environment.update(URI=variables["ORACLE_URI"], PEER_URI=variables["PEER_URI"])
    if program.endswith(".py"):
        command = [PYTHON, os.path.join(HERE, "programs", program)]
        environment["LD_PRELOAD"] = library
    else:
        command = ["sh", "-c", f". {HERE}/virsh.sh; . {HERE}/programs/{program}"]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PROGRAM_SECONDS,
        )
        return normalized(done.stdout) + [f"exit status {done.returncode}"]
    except subprocess.TimeoutExpired as late:
        return normalized((late.stdout or b"").decode(errors="replace")) + [f"not done after {PROGRAM_SECONDS} s"]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def compare(program, variables, library):
    """Whether it prints the same both times, and does what it is there for."""
    # Guests and the daemon have races of their own. A difference that the library makes is there every time.
    for _ in range(ATTEMPTS):
        plain = run(program, variables, "")
        preloaded = run(program, variables, library)
        if plain == preloaded:
            break
    good = plain == preloaded and "done" in plain and plain[-1] == "exit status 0"
    print(f"{'same' if good else 'DIFFERENT' if plain != preloaded else 'FAILED'}  {program}  ({len(plain)} lines)")
    if plain != preloaded:
        print("\n".join(difflib.unified_diff(plain, preloaded, "by itself", "preloaded", lineterm="", n=4)))
    elif not good or os.environ.get("SAME_SHOW"):
        print("\n".join(plain))
    sys.stdout.flush()
    return good


def main():
    parser = argparse.ArgumentParser(description="Compare programs with and without the library preloaded.")
    parser.add_argument("--library", required=True, help="libvirt-jobs.so.0")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("program", nargs="*")
    arguments = parser.parse_args()
    if subprocess.run([PYTHON, "-c", "import libvirt, libvirtaio"], stderr=subprocess.DEVNULL).returncode != 0:
        raise private_libvirtd.Skip("there is no Python module of libvirt")
    programs = arguments.program or sorted(os.listdir(os.path.join(HERE, "programs")))
    library = os.path.realpath(arguments.library)
    other_host = f'host_uuid = "{uuid.uuid4()}"\n'
    with private_libvirtd.serving() as variables, private_libvirtd.serving(other_host) as peer:
        variables["PEER_URI"] = peer["ORACLE_URI"]
        results = [compare(program, variables, library) for _ in range(arguments.times) for program in programs]
    print(f"{results.count(True)} of {len(results)} the same")
    return 0 if all(results) else 1


if __name__ == "__main__":
    private_libvirtd.as_program(main)
