"""Sends back all bytes until the client closes its side, and prints `end` then."""

from server import tcp


def serve(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    print('end', flush=True)


tcp(serve)
