"""The Python module on bare QEMU."""

import shutil
import tempfile
import unittest

import machines
from machines import virt_jobs


class BareQemu(machines.Scenarios, unittest.TestCase):
    def start(self, xml):
        monitors = tempfile.mkdtemp(prefix="monitors-")
        self.addCleanup(shutil.rmtree, monitors)
        conn = virt_jobs.open("qemu+qmp://" + monitors)
        self.addCleanup(conn.close)
        return conn.create(xml)

    def test_another_client_finds_a_job_by_its_name(self):
        domain = self.machine()
        job = domain.copy("vda", self.file("copy.qcow2"), bandwidth=1 << 20, persist=True)
        monitors = domain.connection.uri
        domain.connection.close()
        del domain
        with virt_jobs.open(monitors) as conn:
            found = conn.domain("machine").job(job.name)
            found.abort()
            self.assertEqual(found.wait(timeout=20).name, "ABORTED")
            found.dismiss()
            conn.domain("machine").destroy()


if __name__ == "__main__":
    machines.main()
