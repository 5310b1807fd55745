"""A server that answers each request with the value of a Python expression, which is the query of the URL.

The server prints the path of the URL. After the answer, the path /close closes the connection, /hold keeps it open, and
/reset resets it. The path /hops/N starts N redirects.
"""

import socket
import struct
from urllib.parse import unquote

from server import tcp


def serve(connection):
    request = b''
    while b'\r\n\r\n' not in request:
        more = connection.recv(65536)
        if not more:
            return
        request += more
    path, _, query = request.split(b' ')[1].decode().partition('?')
    print('asked', path, flush=True)
    if not path.startswith('/hops/'):
        answer = eval(unquote(query))
    elif left := int(path[6:]):
        answer = b'HTTP/1.1 303 See Other\r\nLocation: %d\r\n\r\n' % (left - 1)
    else:
        answer = b'HTTP/1.1 200 OK\r\n\r\nhere'
    connection.sendall(answer)
    if path == '/reset':
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        return
    if path != '/hold':
        connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


tcp(serve)
