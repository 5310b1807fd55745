"""A server that answers each datagram with thanks."""

from server import udp

udp(lambda data, _: b"thank you !")
