"""Listings, typed parameters in and out, streams, and what becomes of objects."""

import os
import subprocess

import libvirt

DIR = os.environ["DIR"]
XML = """<domain type='qemu'><name>obj%d</name><uuid>0e1a2b3c-0000-4000-8000-00000000014%d</uuid><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"""

print(libvirt.getVersion())
conn = libvirt.open(os.environ["URI"])
print(conn.getType(), conn.getLibVersion(), conn.getVersion(), conn.isAlive(), conn.isEncrypted(), conn.isSecure())
domains = [conn.defineXML(XML % (n, n)) for n in range(3)]
domains[1].create()
print(sorted(d.name() for d in conn.listAllDomains(0)))
print([d.name() for d in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)])
print(sorted(conn.listDefinedDomains()), len(conn.listDomainsID()), conn.numOfDomains(), conn.numOfDefinedDomains())
for domain, figures in sorted(conn.getAllDomainStats(), key=lambda pair: pair[0].name()):
    print(domain.name(), sorted(figures))
running = domains[1]
print(running.info()[0:2], running.maxMemory(), running.maxVcpus(), running.OSType(), running.isActive(), running.isPersistent())
print(running.UUIDString(), running.UUID(), running.state(), running.autostart(), running.hasManagedSaveImage())
print(sorted(running.memoryStats()), running.jobInfo()[0], running.jobStats())
try:
    running.schedulerParameters()
except libvirt.libvirtError as error:
    print(error)
print(running.connect() is conn, running.connect().getURI() == conn.getURI())
simulated = libvirt.open("test:///default").lookupByName("test")
print(sorted(simulated.schedulerParameters()), simulated.memoryParameters(), simulated.blkioParameters())
simulated.setSchedulerParameters({"weight": 40})
simulated.setMemoryParameters({"hard_limit": 123456, "soft_limit": 1000}, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
print(simulated.memoryParameters(libvirt.VIR_DOMAIN_AFFECT_CONFIG))
snapshot = simulated.snapshotCreateXML("<domainsnapshot><name>s</name></domainsnapshot>", 0)
print(snapshot.getName(), snapshot.isCurrent(), snapshot.hasMetadata(), snapshot.getDomain().name(), simulated.snapshotNum())
print([s.getName() for s in simulated.listAllSnapshots()], snapshot.numChildren(), snapshot.listAllChildren())
snapshot.delete(0)
for fails in (
    lambda: running.save("/nonexistent/saved"),
    lambda: running.coreDump("/nonexistent/core", 0),
    lambda: running.migrateToURI3("nonsense:///x", {}, 0),
    lambda: running.migrateToURI3("tcp:127.0.0.1:1", {"bandwidth": 1}, libvirt.VIR_MIGRATE_PEER2PEER),
):
    try:
        fails()
    except libvirt.libvirtError as error:
        print(error)

os.mkdir(f"{DIR}/pool")
pool = conn.storagePoolCreateXML(f"<pool type='dir'><name>obj</name><target><path>{DIR}/pool</path></target></pool>", 0)
volume = pool.createXML("<volume><name>v</name><capacity>1000000</capacity></volume>", 0)
stream = conn.newStream(0)
volume.upload(stream, 0, 1000000, 0)
left = [b"y" * 250000] * 4
stream.sendAll(lambda s, wanted, pieces: pieces.pop(0) if pieces else b"", left)
stream.finish()
stream = conn.newStream(0)
volume.download(stream, 0, 1000000, 0)
got = bytearray()
stream.recvAll(lambda s, data, into: into.extend(data), got)
stream.finish()
print(len(got), bytes(got) == b"y" * 1000000)
volume.delete()
pool.destroy()

running.destroy()
for domain in domains:
    domain.undefine()
try:
    domains[0].info()
except libvirt.libvirtError as error:
    print(error)
del snapshot, simulated, running, domain, domains, volume, pool, stream
print("closed", conn.close())
print("done")
