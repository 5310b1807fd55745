"""Sends and receives frames for a test: packet_socket.py INTERFACE.

A command is the length of a frame in two bytes, followed by the frame. The script sends this frame. If the length is LOOK, no
frame follows, and the script waits for the next frame that the device sent. An answer is y (success) or n (failure), a length
in two bytes, and a frame of that length.
"""

import select
import socket
import sys

ALL, OUTGOING, LOOK = 3, 4, 0xffff
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
link.bind((sys.argv[1], ALL))
link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)


def say(went_well, data=b''):
    sys.stdout.buffer.write((b'y' if went_well else b'n') + len(data).to_bytes(2, 'big') + data)
    sys.stdout.buffer.flush()


def look():
    while select.select([link], [], [], 0.2)[0]:
        data, sender = link.recvfrom(65535)
        if sender[2] != OUTGOING:
            return say(True, data)
    say(False)


say(True)
while head := sys.stdin.buffer.read(2):
    length = int.from_bytes(head, 'big')
    if length == LOOK:
        look()
        continue
    try:
        link.send(sys.stdin.buffer.read(length))
        say(True)
    except OSError:
        say(False)
