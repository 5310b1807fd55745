"""A server that sends a header and only part of the announced body. The server prints `asked` for each request."""

from server import tcp


def serve(connection):
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    print('asked', flush=True)
    while connection.recv(65536):
        pass


tcp(serve)
