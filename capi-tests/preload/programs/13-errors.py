"""Errors: as exceptions, as told to a handler, as the last of a thread and of a connection."""

import os
import threading

import libvirt


def show(error):
    print(error.get_error_code(), error.get_error_domain(), error.get_error_level(), error.get_error_message(),
          error.get_str1(), error.get_str2(), error.get_str3(), error.get_int1(), error.get_int2())


def attempt(call, *arguments):
    try:
        print(call.__name__, "returned", call(*arguments))
    except libvirt.libvirtError as error:
        show(error)
    print("last", libvirt.virGetLastError())


conn = libvirt.open(os.environ["URI"])
readonly = libvirt.openReadOnly(os.environ["URI"])
attempt(conn.lookupByName, "nobody")
attempt(conn.lookupByUUIDString, "0e1a2b3c-0000-4000-8000-00000000ffff")
attempt(conn.lookupByUUIDString, "nonsense")
attempt(conn.lookupByID, 4711)
attempt(conn.defineXML, "<domain/>")
attempt(conn.defineXML, "<domain")
attempt(conn.createXML, "<domain type='qemu'><name>a/b</name></domain>", 0)
attempt(readonly.defineXML, "<domain/>")
attempt(conn.networkLookupByName, "nobody")
attempt(conn.storagePoolLookupByName, "nobody")
attempt(conn.nodeDeviceLookupByName, "nobody")
attempt(conn.restore, "/nonexistent")
attempt(conn.listAllDomains, 1 << 30)
attempt(libvirt.open, "nonsense:///x")
attempt(libvirt.open, "qemu+tcp://localhost:1/system")
attempt(libvirt.openAuth, "nonsense:///x", [[], lambda *_: 0, None], 0)
print(conn.virConnGetLastError())
conn.virConnResetLastError()
print(conn.virConnGetLastError())


def handler(context, error):
    print("told", context, error)


libvirt.registerErrorHandler(handler, "context")
attempt(conn.lookupByName, "nobody")
attempt(readonly.defineXML, "<domain/>")


def elsewhere():
    print("here nothing failed yet:", libvirt.virGetLastError())
    attempt(conn.lookupByName, "nobody in a thread")


attempt(conn.lookupByName, "nobody")
thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
libvirt.virResetLastError()
print(libvirt.virGetLastError(), libvirt.virGetLastErrorMessage())
libvirt.registerErrorHandler(None, None)
attempt(conn.lookupByName, "nobody")
test = libvirt.open("test:///default")
domain = test.lookupByName("test")
attempt(domain.create)
attempt(domain.blockJobInfo, "vda")
attempt(domain.jobStats)
attempt(domain.migrateToURI3, "nonsense:///x", {}, 0)
attempt(domain.memoryPeek, 0, 1, 0)
print("closed", conn.close(), readonly.close())
try:
    conn.lookupByName("nobody")
except Exception as error:
    print(type(error).__name__, error)
print("done")
