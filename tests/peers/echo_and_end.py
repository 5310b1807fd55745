"""A server that sends back all bytes until the client closes its side, then prints `end`."""

from server import tcp


def serve(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    print('end', flush=True)


tcp(serve)
