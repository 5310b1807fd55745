"""A server that waits at most 50 ms for a message, and resets the connection."""

import socket
import struct

from server import tcp


def serve(connection):
    connection.settimeout(0.05)
    try:
        connection.recv(65536)
    except TimeoutError:
        pass
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


tcp(serve)
