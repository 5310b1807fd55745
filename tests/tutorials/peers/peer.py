"""What the tutorials' programs share here: `PROGRAM.py ADDRESS PORT [ARGUMENT...]`."""

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
    # For the next run of a test: nothing that a reader would see.
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
    """Tells the test that clients may come, where no reader of the output sees it."""
    print("ready", file=sys.stderr)


def endpoint(address):
    """IPv6 addresses have four fields; the tutorials print two."""
    return "%s:%s" % address[:2]
