"""A second DHCP server, which contradicts the first server: dhcp_liar.py INTERFACE.

This server immediately offers an address, but refuses every request, even a request for the other server's offer.
"""

import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for option in socket.SO_REUSEADDR, socket.SO_REUSEPORT, socket.SO_BROADCAST:
    server.setsockopt(socket.SOL_SOCKET, option, 1)
server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
# Renewals go to the other server's address, so this server does not receive them.
server.bind(('255.255.255.255', 67))
print('ready', flush=True)
while True:
    asked = server.recv(2000)
    kind = asked[asked.index(b'\x35\x01') + 2]
    if kind not in (1, 3):
        continue
    print('heard', kind, flush=True)
    answer, address = (2, bytes([192, 168, 69, 77])) if kind == 1 else (6, bytes(4))
    options = bytes([53, 1, answer, 54, 4, 192, 168, 69, 99, 1, 4, 255, 255, 255, 0, 51, 4, 0, 0, 14, 16, 255])
    reply = bytes([2]) + asked[1:12] + bytes(4) + address + bytes(8) + asked[28:44] + bytes(192) + b'\x63\x82Sc' + options
    for _ in range(50):
        server.sendto(reply, ('255.255.255.255', 68))
