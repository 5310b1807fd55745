"""Tutorial 0, TCP client: sends an HTTP request and prints the result of one read. Also used with the ACK server."""

from peer import connected

with connected() as client:
    client.send(b"GET / HTTP/1.1\r\nHost: host.example\r\n\r\n")
    print(client.recv(4096).decode())
