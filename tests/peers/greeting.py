"""A server that sends a welcome, answers each message with a greeting, and closes at `exit` or at the end of the stream."""

from server import tcp


def serve(connection):
    connection.sendall(b'Welcome!')
    while True:
        data = connection.recv(1024)
        if not data or data == b'exit':
            break
        connection.sendall(b'Hello,' + data + b'!')


tcp(serve)
