"""A DHCP relay and its server, which is on another network: dhcp_relay.py INTERFACE ADDRESS SERVER GIVEN.

The relay has the address ADDRESS on INTERFACE, and accepts broadcasts on this interface (RFC 1542 section 4). The server has
the address SERVER. The server leases GIVEN for 120 s, with renewal after 3 s. The relay and the server print the messages
that they receive.
"""

import selectors
import socket
import sys

KINDS = {1: 'DISCOVER', 2: 'OFFER', 3: 'REQUEST', 4: 'DECLINE', 5: 'ACK', 6: 'NAK', 7: 'RELEASE'}
interface, address, server, given = sys.argv[1:]


def bound(to, device=None):
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if device:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    own.bind((to, 67))
    return own


def options(message):
    found, at = {}, 240
    while at < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        found[message[at]] = message[at + 2:at + 2 + message[at + 1]]
        at += 2 + message[at + 1]
    return found


def reply(message, kind):
    """Returns the server's answer to the client or the relay."""
    packed = socket.inet_aton
    parts = [(53, bytes([kind])), (54, packed(server)), (1, packed('255.255.255.0')), (3, packed(address)),
             (51, bytes([0, 0, 0, 120])), (58, bytes([0, 0, 0, 3]))]
    head = bytes([2]) + message[1:12] + bytes(4) + packed(given) + bytes(4) + message[24:44] + bytes(192)
    return head + b'\x63\x82Sc' + b''.join(bytes([k, len(v)]) + v for k, v in parts) + b'\xff'


# The relay is bound to the broadcast address, so packets for the server do not reach the relay.
relay, far = bound('255.255.255.255', interface), bound(server)
ready = selectors.DefaultSelector()
for each in relay, far:
    ready.register(each, selectors.EVENT_READ)
print('ready', flush=True)
while True:
    for key, _ in ready.select():
        message, peer = key.fileobj.recvfrom(2000)
        kind = options(message)[53][0]
        if key.fileobj is relay:
            print('relay', KINDS[kind], flush=True)
            # The server is this process, so the relay computes its answer directly.
            message = message[:24] + socket.inet_aton(address) + message[28:]
            if kind in (1, 3):
                relay.sendto(reply(message, 2 if kind == 1 else 5), ('255.255.255.255', 68))
            continue
        print('server', KINDS[kind], 'from', socket.inet_ntoa(message[12:16]), flush=True)
        if kind == 3:
            far.sendto(reply(message, 5), (socket.inet_ntoa(message[12:16]), 68))
