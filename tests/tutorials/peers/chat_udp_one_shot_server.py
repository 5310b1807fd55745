"""Tutorial 2, the first UDP server: prints one datagram with its sender."""

from peer import bound

with bound() as server:
    data, sender = server.recvfrom(1024)
    print((data, sender[:2]))
