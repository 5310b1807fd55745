"""A web server for the HTTP clients of tutorials 0, 1 and 3."""

from peer import listening

PAGE = "<h1>你好</h1>\n".encode()

listener = listening()
while True:
    connection, _ = listener.accept()
    with connection:
        print(connection.recv(4096).split(b"\r\n")[0].decode())
        header = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n"
        connection.send(header.encode() + PAGE)
