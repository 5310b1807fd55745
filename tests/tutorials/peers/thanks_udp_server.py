"""Tutorial 4, UDP server: prints each datagram and answers with thanks."""

from peer import bound

server = bound()
while True:
    data, sender = server.recvfrom(1024)
    print("server收到的数据", data)
    server.sendto("thank you !".encode(), sender)
