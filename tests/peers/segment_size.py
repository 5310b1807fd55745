"""A client that prints the kernel's send MSS for a connection to a server: segment_size.py ADDRESS PORT."""

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as stream:
    stream.recv(1)
    print(stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
