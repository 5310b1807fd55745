"""A server that prints each datagram and answers none."""

from server import udp

udp(lambda data, _: print(data.decode(errors="replace"), flush=True))
