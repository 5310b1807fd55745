"""Prints `asked` for each ARP or NDP request for a host's hardware address: questions.py INTERFACE ADDRESS."""

import socket
import sys

ALL, NDP, SOLICITATION = 3, 58, 135
interface, address = sys.argv[1:]
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
link.bind((interface, ALL))
print('ready', flush=True)
family = socket.AF_INET6 if ':' in address else socket.AF_INET
target = socket.inet_pton(family, address)
while True:
    frame = link.recv(65535)
    if family == socket.AF_INET:
        # Operation 1 is an ARP request.
        asked = frame[12:14] == b'\x08\x06' and frame[20:22] == b'\x00\x01' and frame[38:42] == target
    else:
        asked = frame[12:14] == b'\x86\xdd' and frame[20] == NDP and frame[54] == SOLICITATION and frame[62:78] == target
    if asked:
        print('asked', flush=True)
