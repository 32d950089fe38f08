"""Debian's libvirtaio, unchanged: the drop-in's events come through the loop that it registers."""

import asyncio
import sys
import unittest

from stock import SOON, libvirt

try:
    import libvirtaio
except ModuleNotFoundError:
    print("skipped: no libvirtaio")
    sys.exit(77)


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def test_events_wake_the_loop(self):
        libvirtaio.virEventRegisterAsyncIOImpl()
        conn = libvirt.open("test:///default")
        domain = conn.lookupByName("test")
        seen = asyncio.Queue()
        number = conn.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
                                             lambda _conn, _domain, *what: seen.put_nowait(what[:3]), None)
        domain.blockPull("vda")
        pull = ("vda", libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, libvirt.VIR_DOMAIN_BLOCK_JOB_COMPLETED)
        self.assertEqual(await asyncio.wait_for(seen.get(), SOON), pull)
        conn.domainEventDeregisterAny(number)


if __name__ == "__main__":
    unittest.main()
