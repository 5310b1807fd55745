"""A server that prints one message, answers ACK, and closes."""

from server import tcp


def serve(connection):
    print(connection.recv(1024).decode(), flush=True)
    connection.sendall(b'ACK')


tcp(serve)
