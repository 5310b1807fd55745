"""A server that reads one message and closes without a reply."""

from server import tcp


def serve(connection):
    connection.recv(65536)


tcp(serve)
