"""A DHCP server with bad offers: dhcp_nonsense.py INTERFACE.

The server sends three bad offers in turn: without an address, with an invalid mask, and with a lease time of 0. Before each
offer, the server sends garbage.
"""

import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
server.bind(('', 67))
print('ready', flush=True)
NOBODY, US = bytes(4), bytes([192, 168, 69, 100])
MASK, HOUR = bytes([255, 255, 255, 0]), bytes([0, 0, 14, 16])
LEASES = [(NOBODY, MASK, HOUR), (bytes([192, 168, 69, 150]), bytes([255, 0, 255, 0]), HOUR),
          (bytes([192, 168, 69, 150]), MASK, NOBODY)]
heard = 0
while True:
    asked = server.recv(2000)
    address, mask, time = LEASES[heard % len(LEASES)]
    heard += 1
    options = b'\x63\x82Sc' + b'\x35\x01\x02' + b'\x36\x04' + US + b'\x01\x04' + mask + b'\x33\x04' + time
    reply = bytes([2]) + asked[1:12] + NOBODY + address + US + NOBODY + asked[28:44] + bytes(192) + options + b'\xff'
    for answer in b'', reply[:100], asked, reply:
        server.sendto(answer, ('255.255.255.255', 68))
