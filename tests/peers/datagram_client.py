"""Sends one datagram and prints the reply: datagram_client.py ADDRESS PORT."""

import socket
import sys

s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
s.sendto(b'Li', (sys.argv[1], int(sys.argv[2])))
print(s.recv(1024).decode())
