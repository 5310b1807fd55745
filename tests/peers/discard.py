"""Prints the number of bytes of each connection."""

from server import tcp


def serve(connection):
    count = 0
    while data := connection.recv(65536):
        count += len(data)
    print(count, flush=True)


tcp(serve)
