"""Tutorial 0, UDP client: sends a datagram and prints the reply."""

from peer import ADDRESS, PORT, datagrams

with datagrams() as client:
    client.sendto(b"AAABBBCCC", (ADDRESS, PORT))
    reply, _ = client.recvfrom(4096)
    print(reply.decode())
