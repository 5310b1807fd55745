"""Tutorial 2, the second UDP server: answers the sender of each datagram."""

from peer import bound

server = bound()
while True:
    message, sender = server.recvfrom(1024)
    print(message.decode())
    server.sendto(input(">>>").encode(), sender)
