"""Prints `asked` for a request, and sends half of the body that it announces."""

from server import tcp


def serve(connection):
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    print('asked', flush=True)
    while connection.recv(65536):
        pass


tcp(serve)
