"""A server that answers a request with the request's Host line."""

from server import tcp


def serve(connection):
    request = connection.recv(65536).decode()
    body = next(line for line in request.split('\r\n') if line.startswith('Host:'))
    connection.sendall(f'HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}'.encode())


tcp(serve)
