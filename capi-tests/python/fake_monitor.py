"""A QEMU that is only a monitor: it greets, answers what a client asks, and has the jobs that a test gives it."""

import json
import os
import socket
import threading

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}, "capabilities": ["oob"]}}


class Monitor:
    uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f"

    def __init__(self, path, greets=True):
        self.path = path
        self.greets = greets
        self.jobs = {}
        self.commands = []
        self.silent = False
        self.connection = None
        self.lock = threading.Lock()
        self.mouth = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        try:
            self.connection = self.listener.accept()[0]
            if not self.greets:
                return
            self.send(GREETING)
            for line in self.connection.makefile("rb"):
                command = json.loads(line)
                name = command.get("execute") or command.get("exec-oob")
                with self.lock:
                    self.commands.append(name)
                if not self.silent:
                    self.send({"return": self.answer(name, command.get("arguments", {})), "id": command.get("id")})
        except OSError:
            # The test, or the client, is through with it.
            pass

    def send(self, message):
        self.say(json.dumps(message).encode() + b"\n")

    def say(self, text):
        """Says it in one piece, whoever else has something to say."""
        with self.mouth:
            self.connection.sendall(text)

    def answer(self, name, arguments):
        answers = {
            "query-status": {"status": "running", "running": True, "singlestep": False},
            "query-name": {"name": "fake"},
            "query-uuid": {"UUID": self.uuid},
            "query-target": {"arch": "x86_64"},
            "query-kvm": {"enabled": True, "present": True},
            "query-memory-size-summary": {"base-memory": 1 << 30, "plugged-memory": 0},
            "query-cpus-fast": [{"cpu-index": 0, "thread-id": 1, "qom-path": "/machine/cpu", "target": "x86_64"}],
        }
        if name == "query-jobs":
            return list(self.jobs.values())
        if name == "job-cancel":
            self.end(arguments["id"])
        return answers.get(name, [] if name.startswith("query-") else {})

    def event(self, name, data):
        self.send({"event": name, "data": data, "timestamp": {"seconds": 1795500000, "microseconds": 0}})

    def add_job(self, job, kind):
        self.jobs[job] = {"id": job, "type": kind, "status": "running", "current-progress": 1, "total-progress": 10,
                          "a-member-of-the-future": [1, {"x": None}]}
        self.event("JOB_STATUS_CHANGE", {"status": "created", "id": job})
        self.event("JOB_STATUS_CHANGE", {"status": "running", "id": job})

    def end(self, job):
        for status in ("aborting", "concluded", "null"):
            self.jobs[job]["status"] = status
            self.jobs[job]["error"] = "Operation canceled"
            if status == "null":
                del self.jobs[job]
            self.event("JOB_STATUS_CHANGE", {"status": status, "id": job})

    def asked(self):
        """What was asked since the last look."""
        with self.lock:
            asked, self.commands = self.commands, []
        return asked

    def close(self):
        for end in (self.connection, self.listener):
            if end:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()
        self.thread.join()
        # The library may have swept it away.
        if os.path.exists(self.path):
            os.unlink(self.path)
