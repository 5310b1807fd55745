"""A server that prints each datagram, and answers it with the sender's address and the text."""

from server import udp


def answer(data, sender):
    print(data.decode(), flush=True)
    return sender[0].encode() + b" sent " + data


udp(answer)
