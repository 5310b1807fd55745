"""Thanks for each datagram."""

from server import udp

udp(lambda data, _: b"thank you !")
