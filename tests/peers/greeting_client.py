"""A client that sends three names and prints the replies: greeting_client.py ADDRESS PORT."""

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), 60) as s:
    print(s.recv(1024).decode())
    for name in ['Li', 'Cheng', 'victor']:
        s.send(name.encode())
        print(s.recv(1024).decode())
    s.send(b'exit')
    assert s.recv(1024) == b''
