"""Events on an event loop that the program brings: asyncio's, through libvirtaio."""

import asyncio
import os

import libvirt
import libvirtaio

XML = """<domain type='qemu'><name>aio</name><uuid>0e1a2b3c-0000-4000-8000-000000000012</uuid><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"""


async def main():
    libvirtaio.virEventRegisterAsyncIOImpl()
    conn = libvirt.open(os.environ["URI"])
    told = asyncio.Queue()

    def on_lifecycle(connection, domain, event, detail, opaque):
        told.put_nowait((domain.name(), event, detail, opaque))

    number = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle, "opaque")
    test = libvirt.open("test:///default")
    other = test.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle, "test")
    domain = conn.createXML(XML, 0)
    for call in (domain.suspend, domain.resume, domain.destroy):
        call()
    for _ in range(5):
        print(await asyncio.wait_for(told.get(), 20))
    simulated = test.lookupByName("test")
    simulated.suspend()
    print(await asyncio.wait_for(told.get(), 20))
    simulated.resume()
    print(await asyncio.wait_for(told.get(), 20))
    conn.domainEventDeregisterAny(number)
    test.domainEventDeregisterAny(other)
    await asyncio.sleep(0.1)
    del domain, simulated
    print("closed", conn.close(), test.close())


asyncio.run(main())
print("done")
