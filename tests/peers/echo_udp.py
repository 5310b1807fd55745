"""A server that sends each datagram back."""

from server import udp

udp(lambda data, _: data)
