"""The Python module as its users have it, with the library that is tested; and what its tests have in common."""

import os
import subprocess
import sys
import tempfile

from virtjobs import FIXTURE

SOURCE = os.environ["VIRT_JOBS_SOURCE"]
MODULE = os.path.join(SOURCE, "python")
os.environ["VIRT_JOBS_LIBRARY"] = os.environ["VIRT_JOBS_LIB"]
sys.path.insert(0, MODULE)

import virt_jobs  # noqa: E402

SOON = 20


def world(script=None):
    """A connection to simulated domains; `script` is what a fixture tells the test hypervisor, None for the shared world."""
    if script is None:
        return virt_jobs.open("test+jobs:///default")
    with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
        file.write(FIXTURE.format(script))
        file.flush()
        return virt_jobs.open("test+jobs://" + file.name)


def run_python(program, *arguments, **variables):
    """Runs a program in an interpreter of its own, strictly; its status, and what it printed on either stream."""
    done = subprocess.run([sys.executable, "-B", "-X", "dev", "-W", "error", "-c", program, *arguments], text=True,
                          capture_output=True, timeout=60, env={**os.environ, "PYTHONPATH": MODULE, **variables})
    return done.returncode, done.stdout, done.stderr
