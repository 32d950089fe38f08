"""Close callbacks, of connections whose peer goes away and of those that are closed, with keepalive messages on."""

import os
import re
import socket
import threading

import libvirt

DIR = os.environ["DIR"]
socket_path = re.search("socket=(.*)", os.environ["URI"]).group(1)


def relay(listener):
    """Between a client and libvirtd, until it is told to hang up."""
    client, _ = listener.accept()
    daemon = socket.socket(socket.AF_UNIX)
    daemon.connect(socket_path)

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    threads = [threading.Thread(target=pump, args=pair, daemon=True) for pair in ((client, daemon), (daemon, client))]
    for thread in threads:
        thread.start()
    hang_up.wait()
    for end in (client, daemon):
        end.shutdown(socket.SHUT_RDWR)
        end.close()


class Opaque:
    def __del__(self):
        print("freed")


reasons = []
hang_up = threading.Event()
listener = socket.socket(socket.AF_UNIX)
listener.bind(f"{DIR}/relay")
listener.listen()
threading.Thread(target=relay, args=(listener,), daemon=True).start()

libvirt.virEventRegisterDefaultImpl()
conn = libvirt.open(f"qemu:///session?socket={DIR}/relay")
print("keepalive", conn.setKeepAlive(5, 3))
conn.registerCloseCallback(lambda connection, reason, opaque: reasons.append(reason), Opaque())
try:
    conn.registerCloseCallback(lambda *_: None, None)
except libvirt.libvirtError as error:
    print(error)
print("alive", conn.isAlive())
hang_up.set()
while not reasons:
    libvirt.virEventRunDefaultImpl()
print("reasons", reasons, "alive", conn.isAlive())
try:
    conn.listAllDomains()
except libvirt.libvirtError as error:
    print(error.get_error_code())
print("closed", conn.close())

conn = libvirt.open(os.environ["URI"])
conn.registerCloseCallback(lambda *arguments: print("never"), Opaque())
conn.unregisterCloseCallback()
conn.registerCloseCallback(lambda *arguments: print("never"), Opaque())
print("closed", conn.close())
del conn
for _ in range(2):
    timer = libvirt.virEventAddTimeout(0, lambda *_: None, None)
    libvirt.virEventRunDefaultImpl()
    libvirt.virEventRemoveTimeout(timer)
print("done")
