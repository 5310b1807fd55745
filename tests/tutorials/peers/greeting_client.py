"""Tutorial 1, TCP client: has its arguments greeted."""

from peer import ARGUMENTS, connected

client = connected()
print(client.recv(1024).decode())
for name in ARGUMENTS:
    client.send(name.encode())
    print(client.recv(1024).decode())
client.send(b"exit")
client.close()
