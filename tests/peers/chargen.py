"""A server that sends digits endlessly."""

from server import tcp


def serve(connection):
    try:
        while True:
            connection.sendall(b'0123456789' * 100)
    except OSError:
        pass


tcp(serve)
