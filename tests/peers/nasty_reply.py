"""A server that answers one message with control characters, byte by byte."""

from server import tcp


def serve(connection):
    connection.recv(1024)
    for byte in b'\x1b[2Ja\x07\xe2\x80\xaeb\xc2\x9b31mc\x9b32m\td\xc3\xbc\r\ne\rf\n\xe2\x80':
        connection.sendall(bytes([byte]))


tcp(serve)
