"""A server that sends all bytes back, but only after the end of the stream."""

from server import tcp


def serve(connection):
    everything = b''
    while data := connection.recv(65536):
        everything += data
    connection.sendall(everything)


tcp(serve)
