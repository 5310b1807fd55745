"""Tutorials 1 and 3, TCP server: sends a welcome, then greets each message until `exit`. The argument is the template.

Unlike the tutorials' server, it does not sleep before each reply.
"""

import threading

from peer import ARGUMENTS, endpoint, listening

TEMPLATE = ARGUMENTS[0]


def serve(connection, address):
    print(f"Accept new connection from {endpoint(address)}...")
    connection.send(b"Welcome!")
    while True:
        message = connection.recv(1024).decode()
        if message in ("", "exit"):
            break
        connection.send((TEMPLATE % message).encode())
    connection.close()
    print(f"Connection from {endpoint(address)} closed.")


listener = listening()
print("Waiting for connection...")
while True:
    connection, address = listener.accept()
    threading.Thread(target=serve, args=(connection, address), daemon=True).start()
