"""Sends datagrams without a checksum to port 7 of an IPv4 address and checks the echoes: without_checksums.py ADDRESS."""

import socket
import sys

SO_NO_CHECK = 11

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
s.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
s.connect((sys.argv[1], 7))
for length in (1, 2, 999, 1472, 8000):
    text = bytes(n * length % 251 for n in range(length))
    s.send(text)
    assert s.recv(65536) == text, length
