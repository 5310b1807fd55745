"""Prints each datagram, and answers with its sender's address."""

from server import udp


def answer(data, sender):
    print(data.decode(), flush=True)
    return sender[0].encode() + b" sent " + data


udp(answer)
