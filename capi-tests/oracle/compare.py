#!/usr/bin/python3
"""Run the same scenarios on the stock libvirt and on this library, and compare what they print.

    compare.py --stock PROGRAM [--ours PROGRAM | --preload LIBRARY] [options] [SCENARIO...]

Both programs are older-block-jobs, one linked to the system's libvirt, the other to libvirt-jobs. The stock one runs on a
private libvirtd (see private_libvirtd.py), the other on qemu+qmp:///DIR with an empty DIR, or with --ours-uri libvirt on the
same libvirtd. Without --ours the stock program is run on libvirtd twice: that shows whether a scenario prints the same
every time; or, with --preload, whether it does with the library preloaded. Without SCENARIO all are run.

The libvirtd on this machine decides. What it printed when the files in expected/ were recorded is only compared for
information: another version of libvirt or QEMU may differ.

Exit status: 0 no difference, 1 differences (shown as a unified diff) or a scenario that could not be run, 77 no libvirtd
or QEMU here.
"""

import argparse
import difflib
import os
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

    def __init__(self, label, program, uri, preload=None):
        self.label = label
        self.program = program
        self.uri = uri
        self.environment = dict(os.environ, LD_PRELOAD=preload) if preload else None

    def run(self, scenario):
        """The lines that it prints, and its errors."""
        directory = tempfile.mkdtemp(prefix="oracle-")
        os.mkdir(f"{directory}/machines", mode=0o700)
        os.mkdir(f"{directory}/images")
        command = [self.program, self.uri.replace("{DIR}", f"{directory}/machines"), f"{directory}/images", scenario]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SCENARIO_SECONDS, env=self.environment)
            lines = done.stdout.splitlines()
            if done.returncode != 0:
                lines.append(f"exit status {done.returncode}")
            return lines, done.stderr
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b"").decode().splitlines() + [f"not done after {SCENARIO_SECONDS} s"], ""
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


def compare(scenario, sides, recording):
    """Whether both sides print the same."""
    begin = time.monotonic()
    (left, left_errors), (right, right_errors) = (side.run(scenario) for side in sides)
    same = left == right and left[-1:] == ["end"]
    print(f"{'same' if same else 'DIFFERENT'}  {scenario}  ({len(left)} lines, {time.monotonic() - begin:.1f} s)")
    if not same:
        show_difference(left, right, sides[0].label, sides[1].label)
    for side, errors in zip(sides, (left_errors, right_errors)):
        if errors:
            print(f"{side.label} printed errors:\n{errors}")
    if recording and same:
        record(scenario, left)
    elif not recording:
        note_drift(scenario, left)
    sys.stdout.flush()
    return same


def compare_all(arguments, uri):
    stock = Side("libvirt", arguments.stock, uri)
    if arguments.ours:
        other = Side("libvirt-jobs", arguments.ours, uri if arguments.ours_uri == "libvirt" else arguments.ours_uri)
    elif arguments.preload:
        other = Side("preloaded", arguments.stock, uri, os.path.realpath(arguments.preload))
    else:
        other = Side("libvirt again", arguments.stock, uri)
    scenarios = arguments.scenario or scenarios_of(arguments.stock)
    results = [compare(name, (stock, other), arguments.record) for _ in range(arguments.repeat) for name in scenarios]
    print(f"{results.count(True)} of {len(results)} the same")
    return 0 if all(results) else 1


def parse():
    parser = argparse.ArgumentParser(description="Compare this library with the stock libvirt.")
    parser.add_argument("--stock", required=True, help="older-block-jobs, linked to the system's libvirt")
    parser.add_argument("--ours", help="older-block-jobs, linked to libvirt-jobs")
    parser.add_argument("--ours-uri", default="qemu+qmp://{DIR}", help="{DIR} is an empty directory (default: %(default)s)")
    parser.add_argument("--preload", help="libvirt-jobs.so.0, for the stock program's second run")
    parser.add_argument("--record", action="store_true", help="write expected/ where both sides are the same")
    parser.add_argument("--repeat", type=int, default=1, help="how many times to run it all")
    parser.add_argument("scenario", nargs="*")
    return parser.parse_args()


def main():
    arguments = parse()
    if "ORACLE_URI" in os.environ:
        return compare_all(arguments, os.environ["ORACLE_URI"])
    directory = tempfile.mkdtemp(prefix="libvirtd-")
    try:
        return compare_all(arguments, private_libvirtd.start(directory)["ORACLE_URI"])
    finally:
        private_libvirtd.stop(directory)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main())
    except private_libvirtd.Skip as reason:
        print(f"SKIP: {reason}")
        sys.exit(77)
    except private_libvirtd.Failure as reason:
        print(reason)
        sys.exit(1)
