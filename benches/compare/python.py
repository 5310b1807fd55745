# A greeting server with a thread for each connection. The server runs until its standard input ends.
import contextlib, os, socket, sys, threading


def greet(connection):
    # A client can reset its connection.
    with connection, contextlib.suppress(ConnectionError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"Welcome!")
        while (name := connection.recv(1024)) and name != b"exit":
            connection.sendall(b"Hello," + name + b"!")


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=greet, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
threading.Thread(target=accept, args=(listener,), daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
os._exit(0)
