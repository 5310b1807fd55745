"""Tutorial 2, the second UDP client: sends and receives in turn."""

from peer import ADDRESS, PORT, datagrams

client = datagrams()
while True:
    client.sendto(input(">>>").encode(), (ADDRESS, PORT))
    print(client.recv(1024).decode())
