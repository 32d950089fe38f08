"""Debian's libvirt-python, unchanged, on test:///default."""

import unittest

from stock import Watch, error_of, libvirt

COPY = "<disk type='file'><driver type='qcow2'/><source file='/guest/copy'/></disk>"


class SimulatedDomains(unittest.TestCase):
    def setUp(self):
        self.conn = libvirt.open("test:///default")
        self.domain = self.conn.lookupByName("test")
        if not self.domain.isActive():
            self.domain.create()

    def tearDown(self):
        for snapshot in self.domain.listAllSnapshots():
            snapshot.delete()

    def test_versions_and_the_host(self):
        self.assertEqual(libvirt.getVersion(), 9000000)
        self.assertEqual(self.conn.getURI(), "test:///default")
        self.assertEqual(self.conn.getType(), "TEST")
        self.assertTrue(self.conn.isAlive())
        self.assertIn("<capabilities>", self.conn.getCapabilities())

    def test_domains_are_listed_and_described(self):
        self.assertEqual([domain.name() for domain in self.conn.listAllDomains()], ["test"])
        self.assertEqual(self.conn.listDomainsID(), [self.domain.ID()])
        self.assertEqual(self.conn.lookupByUUIDString(self.domain.UUIDString()).name(), "test")
        self.assertIn("<target dev='vda' bus='virtio'/>", self.domain.XMLDesc())
        state, memory, _used, cpus, _time = self.domain.info()
        self.assertEqual((state, cpus), (libvirt.VIR_DOMAIN_RUNNING, 2))
        self.assertEqual(memory, self.domain.maxMemory())

    def test_domains_are_stopped_and_started(self):
        watch = Watch(self.conn)
        self.domain.suspend()
        self.assertEqual(self.domain.state(), [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER])
        self.domain.resume()
        self.domain.destroy()
        self.assertFalse(self.domain.isActive())
        self.domain.create()
        watch.wait_for("lifecycle", "test", libvirt.VIR_DOMAIN_EVENT_STARTED)
        what = [event[2] for event in watch.seen]
        self.assertEqual(what, [libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_RESUMED,
                                libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STARTED])
        watch.end()

    def test_block_jobs_are_watched_and_ended(self):
        watch = Watch(self.conn)
        self.domain.blockPull("vda", 1)
        self.assertEqual(self.domain.blockJobInfo("vda")["type"], libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL)
        self.domain.blockJobSetSpeed("vda", 2)
        self.assertEqual(self.domain.blockJobInfo("vda")["bandwidth"], 2)
        self.domain.blockJobAbort("vda")
        self.assertEqual(self.domain.blockJobInfo("vda"), {})
        watch.wait_for("block-job", "test", "vda", libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, libvirt.VIR_DOMAIN_BLOCK_JOB_CANCELED)

        self.domain.blockCopy("vdb", COPY, flags=libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
        watch.wait_for("block-job", "test", "vdb", libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, libvirt.VIR_DOMAIN_BLOCK_JOB_READY)
        self.domain.blockJobAbort("vdb", libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
        watch.wait_for("block-job", "test", "vdb", libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, libvirt.VIR_DOMAIN_BLOCK_JOB_COMPLETED)
        self.assertIn("<source file='/guest/copy'", self.domain.XMLDesc())
        watch.end()

    def test_snapshots_are_taken_and_listed(self):
        first = self.domain.snapshotCreateXML("<domainsnapshot><name>first</name></domainsnapshot>")
        self.domain.snapshotCreateXML("<domainsnapshot><name>second</name></domainsnapshot>")
        self.assertEqual({snapshot.getName() for snapshot in self.domain.listAllSnapshots()}, {"first", "second"})
        self.assertEqual(self.domain.snapshotCurrent().getName(), "second")
        self.assertEqual(self.domain.snapshotCurrent().getParent().getName(), "first")
        self.assertIn("<name>first</name>", first.getXMLDesc())
        self.domain.revertToSnapshot(first)
        self.assertTrue(first.isCurrent())

    def test_typed_parameters_cross_the_border(self):
        self.assertEqual(self.domain.jobStats()["type"], libvirt.VIR_DOMAIN_JOB_NONE)
        self.assertEqual(self.domain.jobInfo()[0], libvirt.VIR_DOMAIN_JOB_NONE)
        self.domain.blockCopy("vda", COPY, {libvirt.VIR_DOMAIN_BLOCK_COPY_BANDWIDTH: 1 << 20})
        self.assertEqual(self.domain.blockJobInfo("vda", libvirt.VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES)["bandwidth"], 1 << 20)
        self.domain.blockJobAbort("vda")

    def test_errors_have_libvirts_codes(self):
        missing = error_of(lambda: self.conn.lookupByName("nobody"))
        self.assertEqual(missing.get_error_code(), libvirt.VIR_ERR_NO_DOMAIN)
        self.assertEqual(missing.get_error_domain(), libvirt.VIR_FROM_TEST)
        self.assertIn("nobody", missing.get_error_message())
        self.assertEqual(error_of(lambda: self.domain.blockPull("nothing")).get_error_code(), libvirt.VIR_ERR_INVALID_ARG)
        with libvirt.openReadOnly("test:///default") as looking:
            refused = error_of(lambda: looking.lookupByName("test").destroy())
            self.assertEqual(refused.get_error_code(), libvirt.VIR_ERR_OPERATION_DENIED)

    def test_what_is_not_implemented_says_so(self):
        calls = [
            (self.conn.listAllNetworks, libvirt.VIR_FROM_NETWORK),
            (lambda: self.conn.storagePoolLookupByName("default"), libvirt.VIR_FROM_STORAGE),
            (self.conn.newStream, libvirt.VIR_FROM_STREAMS),
            (self.conn.getSysinfo, libvirt.VIR_FROM_DOMAIN),
            (self.domain.listAllCheckpoints, libvirt.VIR_FROM_DOMAIN_CHECKPOINT),
            (lambda: self.conn.networkCreateXML("<network/>"), libvirt.VIR_FROM_NETWORK),
        ]
        for call, domain in calls:
            error = error_of(call)
            self.assertEqual((error.get_error_code(), error.get_error_domain()), (libvirt.VIR_ERR_NO_SUPPORT, domain), error)
            self.assertTrue(error.get_error_message().startswith("this function is not supported by the connection driver: vir"))

    def test_connections_are_closed_with_their_last_object(self):
        conn = libvirt.open("test:///default")
        domain = conn.lookupByName("test")
        self.assertEqual(conn.close(), 1)
        del domain
        again = libvirt.open("test:///default")
        self.assertEqual(again.close(), 0)


if __name__ == "__main__":
    libvirt.virEventRegisterDefaultImpl()
    unittest.main()
