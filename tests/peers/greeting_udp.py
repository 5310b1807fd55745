"""Greets each datagram."""

from server import udp

udp(lambda data, _: b"hello " + data + b"!")
