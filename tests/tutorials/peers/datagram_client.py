"""Tutorial 0, UDP client: a datagram, and the reply to it."""

from peer import ADDRESS, PORT, datagrams

with datagrams() as client:
    client.sendto(b"AAABBBCCC", (ADDRESS, PORT))
    reply, _ = client.recvfrom(4096)
    print(reply.decode())
