"""A server that accepts connections and sends nothing."""

from server import tcp


def serve(connection):
    while connection.recv(65536):
        pass


tcp(serve)
