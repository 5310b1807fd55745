"""The server that the UDP client of tutorial 0 asks: prints each datagram, and replies with its argument if it has one."""

from peer import ARGUMENTS, bound, endpoint

server = bound()
while True:
    data, sender = server.recvfrom(1024)
    print(endpoint(sender), data.decode())
    if ARGUMENTS:
        server.sendto(ARGUMENTS[0].encode(), sender)
