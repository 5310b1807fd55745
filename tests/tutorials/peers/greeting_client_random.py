"""Tutorial 3, TCP client: sends twenty random fractions, and prints the greetings."""

import random

from peer import connected

client = connected()
print(client.recv(1024).decode())
for _ in range(20):
    client.send(str(random.random()).encode())
    print(client.recv(1024).decode())
client.send(b"exit")
client.close()
