"""Tutorials 1 and 3, UDP server: greets each datagram. The argument is the template."""

from peer import ARGUMENTS, bound, endpoint

server = bound()
print("Bind UDP")
while True:
    name, sender = server.recvfrom(1024)
    print(f"Received from {endpoint(sender)}.")
    server.sendto(ARGUMENTS[0].encode() % name, sender)
