"""A server for the UDP client of tutorial 0: prints each datagram. If it has an argument, it replies with the argument."""

from peer import ARGUMENTS, bound, endpoint

server = bound()
while True:
    data, sender = server.recvfrom(1024)
    print(endpoint(sender), data.decode())
    if ARGUMENTS:
        server.sendto(ARGUMENTS[0].encode(), sender)
