#!/usr/bin/python3
"""A libvirtd of one's own for tests, serving qemu:///session out of one directory and nothing else on the machine.

    private_libvirtd.py start DIR       start it; print the variables to use, as shell assignments
    private_libvirtd.py stop DIR        end its machines and itself, remove DIR
    private_libvirtd.py run COMMAND...  start in a new directory, run COMMAND with the variables set, stop
    private_libvirtd.py pair COMMAND... the same with a second one that takes itself for another host: PEER_URI,
                                        and PEER_P2P_URI, by which the first one reaches it as if it were far
    private_libvirtd.py kill DIR        kill libvirtd; its machines go on
    private_libvirtd.py revive DIR      start it again

The variables are ORACLE_URI (with the socket in it, so no XDG_* needs to be set) and ORACLE_DIR; `run` sets ORACLE_SCRIPT,
too, which is this file. DIR/libvirtd.pid has libvirtd's process.

A libvirtd that runs as root always is the system one, with its sockets in /run and its state in /var/lib. So for root
it is started in a user namespace where root is called 1000: there it takes itself for a session daemon and keeps to its
XDG directories, while for the kernel it is still root and may open /dev/kvm.

libvirtd and its machines are kept by a supervisor, which is the reaper of all of them. So `stop` knows for sure which
processes are its own, and a machine that ended is gone at once (an init that reaps late would make libvirt wait).

Finding out what QEMU can do takes libvirtd some seconds. VIRT_JOBS_ORACLE_CACHE names a directory that keeps the answer
between runs.

Exit status: 77 if there is no libvirtd, QEMU or user namespace here, 1 on other failures; the reason is on stderr.
"""

import contextlib
import ctypes
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

START_SECONDS = 60
STOP_SECONDS = 20
PR_SET_CHILD_SUBREAPER = 36
KILL, REVIVE = signal.SIGUSR1, signal.SIGUSR2
AWAITED = {signal.SIGTERM, signal.SIGCHLD, KILL, REVIVE}
QEMU = os.environ.get("QEMU", "qemu-system-x86_64")

QEMU_CONF = """\
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
"""

LIBVIRTD_CONF = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:{directory}/libvirtd.log"
"""


class Skip(Exception):
    """Something that is needed is not on this machine."""


class Failure(Exception):
    """It is, but did not work."""


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def command_prefix():
    """What makes libvirtd a session daemon, checking that it can be started at all."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool in ("libvirtd", "virsh", QEMU, "qemu-img", "qemu-io"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        return []
    prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("root cannot make a user namespace here")
    return prefix


def socket_uri(directory):
    return f"qemu:///session?socket={directory}/run/libvirt/libvirt-sock"


def environment(directory):
    cache = os.environ.get("VIRT_JOBS_ORACLE_CACHE", f"{directory}/cache")
    os.makedirs(cache, exist_ok=True)
    return dict(
        os.environ,
        HOME=directory,
        XDG_RUNTIME_DIR=f"{directory}/run",
        XDG_CONFIG_HOME=f"{directory}/config",
        XDG_DATA_HOME=f"{directory}/data",
        XDG_CACHE_HOME=cache,
    )


def configure(directory, extra):
    os.makedirs(f"{directory}/config/libvirt")
    os.makedirs(f"{directory}/run", mode=0o700)
    with open(f"{directory}/config/libvirt/qemu.conf", "w") as file:
        file.write(QEMU_CONF)
    with open(f"{directory}/libvirtd.conf", "w") as file:
        file.write(LIBVIRTD_CONF.format(directory=directory) + extra)


def children():
    """The children of this process: once libvirtd is gone, its machines are among them."""
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            found.add(int(entry))
    return found


def reap():
    """The children that have ended since the last call."""
    ended = set()
    try:
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            ended.add(pid)
    except ChildProcessError:
        pass
    return ended


def end(pids):
    for how in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, how)
        if wait_until(lambda: not (pids.difference_update(reap()) or pids), STOP_SECONDS):
            return


def spawn(directory, prefix):
    """Start libvirtd as a child of the supervisor."""
    with open(f"{directory}/output", "a") as output:
        daemon = subprocess.Popen(
            prefix + ["libvirtd", "--config", f"{directory}/libvirtd.conf"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(directory),
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED),
        ).pid
    with open(f"{directory}/libvirtd.pid", "w") as file:
        print(daemon, file=file)
    return daemon


def supervise(directory, prefix):
    """The supervisor's life: it ends when it is told to, or when libvirtd does."""
    pid_file = open(f"{directory}/supervisor.pid", "w")
    fcntl.flock(pid_file, fcntl.LOCK_EX)
    print(os.getpid(), file=pid_file, flush=True)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    daemon = spawn(directory, prefix)
    while (told := signal.sigwait(AWAITED)) != signal.SIGTERM:
        if told == KILL and daemon:
            os.kill(daemon, signal.SIGKILL)
            os.waitpid(daemon, 0)
            daemon = None
            os.unlink(f"{directory}/libvirtd.pid")
        elif told == REVIVE and not daemon:
            daemon = spawn(directory, prefix)
        elif daemon in reap():
            break
    else:
        end({daemon} - {None})
    end(children())


def supervisor_of(directory):
    """The pid of its supervisor, or None; who holds the lock on the pid file is alive and is the supervisor."""
    try:
        with open(f"{directory}/supervisor.pid") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        return None


def answers(uri):
    return subprocess.run(["virsh", "-q", "-c", uri, "version"], capture_output=True).returncode == 0


def log_of(directory):
    text = ""
    for name in ("output", "libvirtd.log"):
        if os.path.exists(f"{directory}/{name}"):
            with open(f"{directory}/{name}", errors="replace") as file:
                text += file.read()
    return text


def start(directory, extra=""):
    """Start a supervisor with its libvirtd; returns when that answers, which includes the probing of QEMU.

    `extra` is what else libvirtd.conf is to hold.
    """
    prefix = command_prefix()
    os.makedirs(directory, exist_ok=True)
    directory = os.path.realpath(directory)
    if os.listdir(directory):
        raise Failure(f"{directory} is not empty")
    configure(directory, extra)
    if os.fork() == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        try:
            supervise(directory, prefix)
        finally:
            os._exit(0)
    uri = socket_uri(directory)
    begun = wait_until(lambda: supervisor_of(directory), STOP_SECONDS)
    wait_until(lambda: not supervisor_of(directory) or answers(uri), START_SECONDS)
    if not begun or not answers(uri):
        log = log_of(directory)
        stop(directory)
        raise Failure(f"libvirtd did not answer within {START_SECONDS} s\n{log}")
    return {"ORACLE_URI": uri, "ORACLE_DIR": directory}


def stop(directory):
    directory = os.path.realpath(directory)
    supervisor = supervisor_of(directory)
    if supervisor:
        os.kill(supervisor, signal.SIGTERM)
        wait_until(lambda: not supervisor_of(directory), 3 * STOP_SECONDS)
    if os.path.exists(f"{directory}/supervisor.pid"):
        shutil.rmtree(directory, ignore_errors=True)


def signal_supervisor(directory, number):
    supervisor = supervisor_of(directory)
    if not supervisor:
        raise Failure(f"no libvirtd is kept in {directory}")
    os.kill(supervisor, number)


def kill(directory):
    signal_supervisor(directory, KILL)
    if not wait_until(lambda: not os.path.exists(f"{directory}/libvirtd.pid"), STOP_SECONDS):
        raise Failure("libvirtd was not killed")


def revive(directory):
    signal_supervisor(directory, REVIVE)
    if not wait_until(lambda: answers(socket_uri(directory)), START_SECONDS):
        raise Failure(f"libvirtd did not answer again within {START_SECONDS} s\n{log_of(directory)}")


@contextlib.contextmanager
def serving(extra=""):
    """One in a new directory, which goes with it at the end; gives its variables. `extra` as for start()."""
    directory = tempfile.mkdtemp(prefix="libvirtd-")
    try:
        yield start(directory, extra)
    finally:
        stop(directory)
        shutil.rmtree(directory, ignore_errors=True)


def far_uri(directory, peer):
    """A URI that names a host, as libvirtd wants it of the other end of a migration, and gets there through a program."""
    relay = f"{directory}/relay"
    with open(relay, "w") as file:
        file.write(f"#!/bin/sh\nXDG_RUNTIME_DIR='{peer}/run' exec virt-ssh-helper 'qemu:///session?mode=legacy'\n")
    os.chmod(relay, 0o700)
    return f"qemu+ext://peer/session?command={relay}"


@contextlib.contextmanager
def serving_pair():
    """The same of two, of which the second takes itself for another host."""
    with serving() as variables, serving(f'host_uuid = "{uuid.uuid4()}"\n') as peer:
        variables["PEER_URI"] = peer["ORACLE_URI"]
        variables["PEER_P2P_URI"] = far_uri(variables["ORACLE_DIR"], peer["ORACLE_DIR"])
        yield variables


def as_program(main, *failures):
    """Ends the process as `main` says. What is missing is told as tests tell it; `failures` are other reasons to fail."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(main())
    except Skip as reason:
        print(f"SKIP: {reason}")
        sys.exit(77)
    except (Failure, *failures) as reason:
        print(reason)
        sys.exit(1)


def run(command, serving=serving):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with serving() as variables:
        return subprocess.run(command, env=dict(os.environ, **variables, ORACLE_SCRIPT=os.path.abspath(__file__))).returncode


def main(arguments):
    match arguments:
        case ["start", directory]:
            for name, value in start(directory).items():
                print(f"{name}={shlex.quote(value)}")
            return 0
        case ["stop", directory]:
            stop(directory)
            return 0
        case ["kill", directory]:
            kill(os.path.realpath(directory))
            return 0
        case ["revive", directory]:
            revive(os.path.realpath(directory))
            return 0
        case ["run", _, *_]:
            return run(arguments[1:])
        case ["pair", _, *_]:
            return run(arguments[1:], serving_pair)
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Skip as reason:
        print(f"SKIP: {reason}", file=sys.stderr)
        sys.exit(77)
    except Failure as reason:
        print(f"private-libvirtd: {reason}", file=sys.stderr)
        sys.exit(1)
