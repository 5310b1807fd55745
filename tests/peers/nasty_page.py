"""An HTTP server whose page has control characters, which must not reach a terminal."""

from server import tcp


def serve(connection):
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nX: \xe2\x80\xae\r\n\r\n')
    connection.sendall(b'\x1b[2Ja\x07\xe2\x80\xaeb\xc2\x9b31mc\x9b32m\td\xc3\xbc\r\ne\rf\n\xe2\x80')


tcp(serve)
