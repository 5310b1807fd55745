"""The common part of the servers in this folder: NAME.py ADDRESS PORT. Each prints `ready` when it accepts clients."""

import socket
import sys
import threading

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
FAMILY = socket.AF_INET6 if ":" in ADDRESS else socket.AF_INET


def tcp(serve):
    """Calls `serve` for each connection on its own thread, and then closes the connection."""
    listener = socket.create_server((ADDRESS, PORT), family=FAMILY, backlog=128)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=run, args=(serve, connection), daemon=True).start()


def run(serve, connection):
    with connection:
        serve(connection)


def udp(answer):
    """Answers each datagram with the result of `answer(data, sender)`, unless the result is None."""
    bound = socket.socket(FAMILY, socket.SOCK_DGRAM)
    bound.bind((ADDRESS, PORT))
    print("ready", flush=True)
    while True:
        data, sender = bound.recvfrom(65535)
        reply = answer(data, sender)
        if reply is not None:
            bound.sendto(reply, sender)
