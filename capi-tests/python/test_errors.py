"""Errors, refused handles, and what is freed."""

import ctypes
import os
import subprocess
import sys
import threading
import unittest

import virtjobs as v
from virtjobs import World, lib


class Errors(unittest.TestCase):
    def setUp(self):
        v.quiet_errors()

    def test_a_failure_leaves_an_error_and_a_success_none(self):
        with World() as world:
            self.assertFalse(lib.virGetLastError())
            self.assertIsNone(lib.virDomainLookupByName(world.conn, b"nobody"))
            error = lib.virGetLastError().contents
            self.assertEqual((error.code, error.domain, error.level), (v.ERR_NO_DOMAIN, 12, 2))
            self.assertEqual(error.message, b"Domain not found: no domain with matching name 'nobody'")
            self.assertEqual(lib.virConnectNumOfDomains(world.conn), 1)
            self.assertFalse(lib.virGetLastError())

    def test_an_error_can_be_saved(self):
        with World() as world:
            lib.virDomainLookupByName(world.conn, b"nobody")
            saved = lib.virSaveLastError()
            lib.virDomainLookupByName(world.conn, b"another")
            self.assertIn(b"'nobody'", saved.contents.message)
            lib.virFreeError(saved)

    def test_a_handler_written_in_python_is_told(self):
        told = []
        handler = v.ErrorFunc(lambda _opaque, error: told.append((error.contents.code, error.contents.message)))
        lib.virSetErrorFunc(None, handler)
        with World() as world:
            self.assertEqual(lib.virDomainJobControl(world.domain, b"no-such-job", v.ABORT, 0), -1)
        v.quiet_errors()
        [(code, message)] = told
        self.assertEqual(code, v.ERR_NO_DOMAIN_JOB)
        self.assertIn(b"no-such-job", message)

    def test_without_a_handler_stderr_is_told(self):
        script = "import virtjobs as v; v.lib.virConnectOpen(b'test+jobs:///no/such/file')"
        here = os.path.dirname(os.path.abspath(__file__))
        run = subprocess.run([sys.executable, "-c", script], cwd=here, capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        self.assertRegex(run.stderr, r"^libvirt: .* error : .*/no/such/file")

    def test_errors_belong_to_their_thread(self):
        with World() as world:
            lib.virDomainLookupByName(world.conn, b"nobody")
            codes = []
            thread = threading.Thread(target=lambda: codes.append(lib.virGetLastErrorCode()))
            thread.start()
            thread.join()
            self.assertEqual(codes, [0])
            self.assertEqual(v.last_error()[0], v.ERR_NO_DOMAIN)

    def test_a_read_only_connection_changes_nothing(self):
        with World() as world:
            name = v.start_endless(world.domain)
            conn = lib.virConnectOpenReadOnly(v.URI)
            domain = lib.virDomainLookupByName(conn, b"test")
            self.assertEqual(v.jobs(domain), [(name.decode(), "running")])
            self.assertEqual(lib.virDomainJobControl(domain, name, v.ABORT, 0), -1)
            self.assertEqual(v.last_error()[0], v.ERR_OPERATION_DENIED)
            self.assertEqual(lib.virDomainDestroy(domain), -1)
            self.assertEqual(v.last_error()[0], v.ERR_OPERATION_DENIED)
            self.assertEqual(lib.virDomainFree(domain), 0)
            self.assertEqual(lib.virConnectClose(conn), 0)


class Handles(unittest.TestCase):
    def setUp(self):
        v.quiet_errors()

    def test_what_is_no_handle_is_refused(self):
        with World() as world:
            memory = ctypes.create_string_buffer(1024)
            freed = lib.virDomainLookupByName(world.conn, b"test")
            self.assertEqual(lib.virDomainFree(freed), 0)
            for wrong in (None, 1, 0xDEAD0000BEEF, ctypes.addressof(memory), freed, world.conn, world.domain + 8):
                self.assertEqual(lib.virDomainJobList(wrong, None, 0), -1)
                self.assertEqual(v.last_error()[0], v.ERR_INVALID_DOMAIN, wrong)
                self.assertEqual(lib.virDomainFree(wrong), -1)
                self.assertEqual(v.last_error()[0], v.ERR_INVALID_DOMAIN, wrong)
            self.assertEqual(lib.virConnectClose(world.domain), -1)
            self.assertEqual(v.last_error()[0], v.ERR_INVALID_CONN)
            self.assertEqual(lib.virDomainJobList(world.domain, None, 0), 0)

    def test_domains_keep_their_connection(self):
        conn = lib.virConnectOpen(v.URI)
        domain = lib.virDomainLookupByName(conn, b"test")
        self.assertEqual(lib.virConnectClose(conn), 1)
        self.assertEqual(v.jobs(domain), [])
        self.assertEqual(lib.virDomainFree(domain), 0)
        self.assertIsNone(lib.virConnectGetURI(conn))
        self.assertEqual(v.last_error()[0], v.ERR_INVALID_CONN)

    def test_what_may_be_null_may_be_freed(self):
        lib.virDomainJobFree(None)
        lib.virFreeError(None)
        self.assertEqual(lib.virGetLastErrorCode(), 0)

    def test_unknown_requests_and_flags_are_refused(self):
        with World() as world:
            name = v.start_endless(world.domain)
            for request in (0, 6, 1 << 31):
                self.assertEqual(lib.virDomainJobControl(world.domain, name, request, 0), -1)
                self.assertEqual(v.last_error()[0], v.ERR_INVALID_ARG)
            self.assertEqual(lib.virDomainJobControl(world.domain, name, v.ABORT, 1), -1)
            self.assertEqual(v.last_error()[0], v.ERR_INVALID_ARG)
            array = v.Jobs()
            self.assertEqual(lib.virDomainJobList(world.domain, ctypes.byref(array), 1 << 6), -1)
            self.assertEqual(v.last_error()[0], v.ERR_INVALID_ARG)
            self.assertFalse(array)


if __name__ == "__main__":
    unittest.main()
