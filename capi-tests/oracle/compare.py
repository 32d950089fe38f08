#!/usr/bin/python3
"""Run the same scenarios on the stock libvirt and on this library, and compare what they print.

    compare.py --stock PROGRAM [--ours PROGRAM] [options] [SCENARIO...]

Both programs are older-block-jobs, one linked to the system's libvirt, the other to libvirt-jobs. The stock one runs on a
private libvirtd (see private_libvirtd.py), the other on qemu+qmp:///DIR with an empty DIR. With --over ours is run on that
libvirtd as well, through this library; with --preload the stock one is, with this library in front of libvirt. Without --ours
the stock program is run on libvirtd twice: that shows whether a scenario prints the same every time. Without SCENARIO all
are run.

The libvirtd on this machine decides. What it printed when the files in expected/ were recorded is only compared for
information: another version of libvirt or QEMU may differ. Where this library keeps to what libvirt 9.0 and QEMU 7.2 do
although a later one does otherwise, versions.txt says so, and qemu+qmp: may print something else there.

Exit status: 0 no difference, or only one that is known, 1 differences (shown as a unified diff) or a scenario that could
not be run, 77 no libvirtd or QEMU here.
"""

import argparse
import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import private_libvirtd  # noqa: E402

SCENARIO_SECONDS = 120
# What the programs exit with that met a job too late to show what a scenario is for, and how often they may.
TOO_LATE_STATUS = 75
ATTEMPTS = 8


def scenarios_of(program):
    return subprocess.run([program, "-l"], capture_output=True, text=True, check=True).stdout.split()


def end_leftovers(directory):
    """A driver that starts machines by itself may leave them behind; they name their directory."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline") as file:
                if f"{directory}/" in file.read():
                    os.kill(int(entry), signal.SIGKILL)
        except OSError:
            pass


class Side:
    """A program and where to run it."""

    def __init__(self, label, program, uri, may_differ=False, **variables):
        self.label = label
        self.program = program
        self.uri = uri
        # Where versions.txt knows of a difference.
        self.may_differ = may_differ
        self.environment = {**os.environ, **variables}

    def run(self, scenario):
        """The lines that it prints, and its errors."""
        for _ in range(ATTEMPTS):
            status, lines, errors = self.try_once(scenario)
            if status != TOO_LATE_STATUS:
                break
        return lines, errors

    def try_once(self, scenario):
        directory = tempfile.mkdtemp(prefix="oracle-")
        os.mkdir(f"{directory}/machines", mode=0o700)
        os.mkdir(f"{directory}/images")
        command = [self.program, self.uri.replace("{DIR}", f"{directory}/machines"), f"{directory}/images", scenario]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SCENARIO_SECONDS, env=self.environment)
            lines = done.stdout.splitlines()
            if done.returncode != 0:
                lines.append(f"exit status {done.returncode}")
            return done.returncode, lines, done.stderr
        except subprocess.TimeoutExpired as late:
            return None, (late.stdout or b"").decode().splitlines() + [f"not done after {SCENARIO_SECONDS} s"], ""
        finally:
            end_leftovers(directory)
            shutil.rmtree(directory, ignore_errors=True)


def show_difference(left, right, left_name, right_name):
    for line in difflib.unified_diff(left, right, left_name, right_name, lineterm="", n=1000):
        print(line)


def expected_file(scenario):
    return os.path.join(HERE, "expected", f"{scenario}.txt")


def note_drift(scenario, lines):
    try:
        with open(expected_file(scenario)) as file:
            recorded = file.read().splitlines()
    except FileNotFoundError:
        print(f"note: nothing recorded for {scenario}")
        return
    if recorded != lines:
        print(f"note: the stock libvirt prints something else than was recorded for {scenario}")
        show_difference(recorded, lines, "recorded", "now")


def record(scenario, lines):
    with open(expected_file(scenario), "w") as file:
        file.write("\n".join(lines) + "\n")


def versions(uri):
    """What the libvirtd and its QEMU are, as numbers that can be compared."""
    said = subprocess.run(["virsh", "-q", "-c", uri, "version"], capture_output=True, text=True, timeout=60).stdout
    found = {}
    for name, line in (("libvirt", "Using library: libvirt"), ("qemu", "Running hypervisor: QEMU")):
        match = re.search(line + r" (\d+)\.(\d+)", said)
        if match:
            found[name] = tuple(int(number) for number in match.groups())
    return found


def known_differences(uri):
    """Scenarios that versions.txt has for these versions, with what it says of them."""
    here = versions(uri)
    known = {}
    with open(os.path.join(HERE, "versions.txt")) as file:
        for line in file:
            if not line.strip() or line.startswith("#"):
                continue
            scenario, program, since, text = line.strip().split(maxsplit=3)
            if here.get(program, (0,)) >= tuple(int(number) for number in since.split(".")):
                known[scenario] = f"{program} {since}: {text}"
    return known


def compare(scenario, stock, others, known, recording):
    """Whether all sides print the same, or what is known."""
    begin = time.monotonic()
    expected, errors = stock.run(scenario)
    if errors:
        print(f"{stock.label} printed errors:\n{errors}")
    complete = expected[-1:] == ["end"] or scenario in known
    if not complete:
        print(f"{stock.label} gave up:\n" + "\n".join(expected))
    good = complete
    for other in others:
        lines, errors = other.run(scenario)
        if lines != expected:
            excused = other.may_differ and scenario in known
            good = good and excused
            print(f"{other.label} differs" + (f", as is known since {known[scenario]}" if excused else ""))
            show_difference(expected, lines, stock.label, other.label)
        elif other.may_differ and scenario in known:
            print(f"note: versions.txt has {scenario}, but there is no difference")
        if errors:
            print(f"{other.label} printed errors:\n{errors}")
    print(f"{'same' if good else 'DIFFERENT'}  {scenario}  ({len(expected)} lines, {time.monotonic() - begin:.1f} s)")
    if recording and good:
        record(scenario, expected)
    elif not recording:
        note_drift(scenario, expected)
    sys.stdout.flush()
    return good


def compare_all(arguments, uri):
    stock = Side("libvirt", arguments.stock, uri)
    others = []
    if arguments.ours:
        others.append(Side("libvirt-jobs", arguments.ours, arguments.ours_uri, may_differ=True))
    if arguments.over:
        others.append(Side("libvirt-jobs over libvirt", arguments.ours, uri))
    if arguments.preload:
        others.append(Side("libvirt with libvirt-jobs in front", arguments.stock, uri, LD_PRELOAD=arguments.preload))
    if not others:
        others.append(Side("libvirt again", arguments.stock, uri))
    known = known_differences(uri)
    scenarios = arguments.scenario or scenarios_of(arguments.stock)
    results = [compare(name, stock, others, known, arguments.record) for _ in range(arguments.repeat) for name in scenarios]
    print(f"{results.count(True)} of {len(results)} the same")
    return 0 if all(results) else 1


def parse():
    parser = argparse.ArgumentParser(description="Compare this library with the stock libvirt.")
    parser.add_argument("--stock", required=True, help="older-block-jobs, linked to the system's libvirt")
    parser.add_argument("--ours", help="older-block-jobs, linked to libvirt-jobs")
    parser.add_argument("--ours-uri", default="qemu+qmp://{DIR}", help="{DIR} is an empty directory (default: %(default)s)")
    parser.add_argument("--over", action="store_true", help="run it on libvirtd, too, through this library")
    parser.add_argument("--preload", metavar="LIBRARY", help="run the stock program with this library in front, too")
    parser.add_argument("--record", action="store_true", help="write expected/ where both sides are the same")
    parser.add_argument("--repeat", type=int, default=1, help="how many times to run it all")
    parser.add_argument("scenario", nargs="*")
    arguments = parser.parse_args()
    if arguments.over and not arguments.ours:
        parser.error("--over needs --ours")
    return arguments


def main():
    arguments = parse()
    if "ORACLE_URI" in os.environ:
        return compare_all(arguments, os.environ["ORACLE_URI"])
    with private_libvirtd.serving() as variables:
        return compare_all(arguments, variables["ORACLE_URI"])


if __name__ == "__main__":
    private_libvirtd.as_program(main)
