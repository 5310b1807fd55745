"""A server that answers each datagram with a greeting."""

from server import udp

udp(lambda data, _: b"hello " + data + b"!")
