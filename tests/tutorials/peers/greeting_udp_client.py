"""Tutorials 1 and 3, UDP client: sends its arguments as names, and prints the greetings."""

from peer import ADDRESS, ARGUMENTS, PORT, datagrams

with datagrams() as client:
    for name in ARGUMENTS:
        client.sendto(name.encode(), (ADDRESS, PORT))
        print(client.recv(1024).decode())
