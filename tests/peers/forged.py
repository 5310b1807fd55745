"""Forges an RST and a SYN for its own connection, over a TUN, then prints the status page: forged.py INTERFACE SOURCE DESTINATION PORT."""

import socket
import struct
import sys

interface, source, destination, port = *sys.argv[1:4], int(sys.argv[4])
connection = socket.create_connection((destination, port), timeout=60)
own = connection.getsockname()[1]
source, destination = socket.inet_aton(source), socket.inet_aton(destination)


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(flags):
    segment = lambda sum: struct.pack('!HHIIBBHHH', own, port, 1, 0, 5 << 4, flags, 65535, sum, 0)
    pseudo = source + destination + struct.pack('!BBH', 0, 6, 20)
    header = lambda sum: struct.pack('!BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, sum) + source + destination
    return header(checksum(header(0))) + segment(checksum(pseudo + segment(0)))


raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
for flags in (4, 2):
    raw.sendto(packet(flags), (interface, 0x0800))
connection.sendall(b'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
while data := connection.recv(4096):
    sys.stdout.write(data.decode())
