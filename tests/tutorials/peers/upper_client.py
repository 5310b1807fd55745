"""Tutorial 4, TCP client for port 14000: sends a line and prints the first 1,024 bytes of the reply."""

from peer import connected

client = connected()
client.send(input("Input lowercase sentence:").encode())
print("From Server:", client.recv(1024))
client.close()
