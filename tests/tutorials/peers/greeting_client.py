"""Tutorial 1, TCP client: sends its arguments as names, and prints the greetings."""

from peer import ARGUMENTS, connected

client = connected()
print(client.recv(1024).decode())
for name in ARGUMENTS:
    client.send(name.encode())
    print(client.recv(1024).decode())
client.send(b"exit")
client.close()
