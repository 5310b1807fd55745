"""A server that reads to the end of the stream, and then replies."""

from server import tcp


def serve(connection):
    everything = b''
    while data := connection.recv(65536):
        everything += data
    connection.sendall(b'you said ' + everything)


tcp(serve)
