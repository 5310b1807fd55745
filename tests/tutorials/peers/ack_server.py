"""Tutorial 0, TCP server: prints one message of each connection and replies ACK."""

import threading

from peer import endpoint, listening


def serve(connection):
    with connection:
        message = connection.recv(1024)
        print(f"[*] Received: {message.decode()}")
        connection.send(b"ACK")


listener = listening()
print("[*] Listening")
while True:
    connection, address = listener.accept()
    print(f"[*] Accepted connection from {endpoint(address)}")
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
