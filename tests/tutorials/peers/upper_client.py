"""Tutorial 4, TCP client on port 14000: sends a line and prints what one read brings of the reply."""

from peer import connected

client = connected()
client.send(input("Input lowercase sentence:").encode())
print("From Server:", client.recv(1024))
client.close()
