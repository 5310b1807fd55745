"""A server that prints the number of bytes that it receives on each connection."""

from server import tcp


def serve(connection):
    count = 0
    while data := connection.recv(65536):
        count += len(data)
    print(count, flush=True)


tcp(serve)
