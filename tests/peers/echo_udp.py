"""Sends each datagram back."""

from server import udp

udp(lambda data, _: data)
