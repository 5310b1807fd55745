"""Tutorial 2, the first UDP client: sends one datagram."""

from peer import ADDRESS, PORT, datagrams

with datagrams() as client:
    client.sendto(b"hello", (ADDRESS, PORT))
