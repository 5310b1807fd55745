"""A client that retransmits its SYN, then greets: deaf_client.py INTERFACE ADDRESS PORT COUNT.

The client's socket drops all segments until the kernel has sent COUNT SYNs and has received COUNT answers.
"""

import ctypes
import select
import socket
import struct
import sys

interface, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
six = ':' in address

# Captures all packets on the interface. The capture starts before the first SYN.
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
sniffer.bind((interface, 3))
sniffer.settimeout(60)

# A BPF filter that drops everything. The only instruction of the filter is `return 0`.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
nothing = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))
client = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HL', 1, ctypes.addressof(nothing)))
client.setblocking(False)
try:
    client.connect((address, port))
except BlockingIOError:
    pass
own = client.getsockname()[1]

syns, numbers = [], []
while len(syns) < count or len(numbers) < count:
    packet, (_, protocol, *_) = sniffer.recvfrom(65536)
    segment = packet[40:] if six else packet[20:]
    if protocol != (0x86dd if six else 0x0800) or len(segment) < 20:
        continue
    source, destination, number = struct.unpack('!HHI', segment[:8])
    if (source, destination, segment[13] & 0x3f) == (own, port, 0x02):
        syns.append(number)
    if (source, destination, segment[13] & 0x3f) == (port, own, 0x12):
        numbers.append(number)
assert len(set(syns)) == 1 and len(set(numbers)) == 1, (syns, numbers)

client.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
_, connected, _ = select.select([], [client], [], 60)
assert connected and client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
client.settimeout(60)
print(client.recv(1024).decode())
client.sendall(b'Li')
print(client.recv(1024).decode())
