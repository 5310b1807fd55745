"""Tutorials 1 and 3, HTTP client: reads to the end, prints the header, and saves the page in its argument, a file."""

from peer import ARGUMENTS, connected

with connected() as client:
    client.send(b"GET / HTTP/1.1\r\nHost: host.example\r\nConnection: close\r\n\r\n")
    pieces = []
    while piece := client.recv(1024):
        pieces.append(piece)
header, page = b"".join(pieces).split(b"\r\n\r\n", 1)
print(header.decode())
with open(ARGUMENTS[0], "wb") as file:
    file.write(page)
