"""With the drop-in in front and a real libvirt in its usual place: what is libvirt's goes on to libvirt.

To be run by support/private_libvirtd.py, whose libvirtd is the one that is talked to.
"""

import ctypes
import os
import unittest

from stock import Watch, error_of, libvirt

DOMAIN = """\
<domain type='qemu'>
  <name>guest</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><emulator>{emulator}</emulator></devices>
</domain>
"""


def libraries():
    with open("/proc/self/maps") as maps:
        return {os.path.realpath(line.split()[-1]) for line in maps if "/libvirt.so." in line}


def jobs(domain):
    """How many jobs a domain has; the module knows nothing of them."""
    return ctypes.CDLL("libvirt.so.0").virDomainJobList(ctypes.c_void_p(domain.c_pointer()), None, 0)


class RealLibvirt(unittest.TestCase):
    def test_its_connections_are_its_own_and_ours_are_ours(self):
        ours = libvirt.open("test:///default")
        self.assertEqual(len(libraries()), 1)
        self.assertEqual(error_of(ours.listAllNetworks).get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)

        conn = libvirt.open(os.environ["ORACLE_URI"])
        self.assertEqual(len(libraries()), 2)
        self.assertEqual(conn.getType(), "QEMU")

        # Neither of these is implemented here.
        self.assertEqual(conn.getInfo()[0], os.uname().machine)
        self.assertGreater(conn.getFreeMemory(), 0)
        self.assertIn("<cpu", conn.getDomainCapabilities(virttype="qemu"))
        missing = error_of(lambda: conn.networkLookupByName("nowhere"))
        self.assertNotEqual(missing.get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)

        self.assertEqual(error_of(lambda: conn.lookupByName("nobody")).get_error_code(), libvirt.VIR_ERR_NO_DOMAIN)
        self.assertEqual([domain.name() for domain in ours.listAllDomains()], ["test"])
        self.assertEqual(error_of(ours.listAllNetworks).get_error_code(), libvirt.VIR_ERR_NO_SUPPORT)
        self.assertEqual(ours.close(), 0)
        self.assertEqual(conn.close(), 0)

    def test_its_domains_run_and_its_events_come_through_the_one_loop(self):
        conn = libvirt.open(os.environ["ORACLE_URI"])
        ours = libvirt.open("test+jobs:///default")
        watch, other = Watch(conn), Watch(ours)
        emulator = os.environ.get("QEMU", "/usr/bin/qemu-system-x86_64")
        domain = conn.createXML(DOMAIN.format(emulator=emulator), libvirt.VIR_DOMAIN_START_PAUSED)
        self.assertEqual([domain.name() for domain in conn.listAllDomains()], ["guest"])
        self.assertEqual(domain.vcpus()[0][0][0], 0)
        self.assertIn("<name>guest</name>", domain.XMLDesc())
        self.assertEqual(jobs(domain), 0)
        domain.resume()
        ours.lookupByName("test").suspend()
        ours.lookupByName("test").resume()
        domain.destroy()
        watch.wait_for("lifecycle", "guest", libvirt.VIR_DOMAIN_EVENT_STOPPED)
        other.wait_for("lifecycle", "test", libvirt.VIR_DOMAIN_EVENT_RESUMED)
        self.assertNotIn("test", [event[1] for event in watch.seen])
        watch.end()
        other.end()


if __name__ == "__main__":
    libvirt.virEventRegisterDefaultImpl()
    unittest.main()
