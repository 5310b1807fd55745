"""A server that answers one message with thanks, and closes."""

from server import tcp


def serve(connection):
    connection.recv(1024)
    connection.sendall(b'thank you !')


tcp(serve)
