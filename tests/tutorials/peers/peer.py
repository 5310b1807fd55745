"""The common part of the tutorials' programs in this folder: `PROGRAM.py ADDRESS PORT [ARGUMENT...]`."""

import socket
import sys

ADDRESS = sys.argv[1]
PORT = int(sys.argv[2])
ARGUMENTS = sys.argv[3:]
FAMILY = socket.AF_INET6 if ":" in ADDRESS else socket.AF_INET


def connected():
    stream = socket.socket(FAMILY, socket.SOCK_STREAM)
    stream.connect((ADDRESS, PORT))
    return stream


def listening():
    listener = socket.socket(FAMILY, socket.SOCK_STREAM)
    # With this option, the next test can use the same port immediately. The option does not change the output.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((ADDRESS, PORT))
    listener.listen(5)
    ready()
    return listener


def datagrams():
    return socket.socket(FAMILY, socket.SOCK_DGRAM)


def bound():
    udp = datagrams()
    udp.bind((ADDRESS, PORT))
    ready()
    return udp


def ready():
    """Notifies the test that the server accepts clients, on standard error, because the tests compare standard output."""
    print("ready", file=sys.stderr)


def endpoint(address):
    """Returns HOST:PORT. In Python, an IPv6 address has two more fields, which this function omits."""
    return "%s:%s" % address[:2]
