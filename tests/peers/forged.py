"""Forges an RST and a SYN for its own connection, over a TUN, then prints the status page: forged.py INTERFACE SOURCE DESTINATION PORT."""

import socket
import sys

from raw_tcp import packet

interface, source, destination, port = *sys.argv[1:4], int(sys.argv[4])
connection = socket.create_connection((destination, port), timeout=60)
own = connection.getsockname()[1]
source, destination = socket.inet_aton(source), socket.inet_aton(destination)

raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
for flags in (4, 2):
    raw.sendto(packet(source, destination, (own, port), 1, flags), (interface, 0x0800))
connection.sendall(b'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
while data := connection.recv(4096):
    sys.stdout.write(data.decode())
