"""A server that sends one message back in upper case, and closes."""

from server import tcp


def serve(connection):
    connection.sendall(connection.recv(1024).decode().upper().encode())


tcp(serve)
