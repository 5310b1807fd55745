"""Tutorial 4, UDP client: sends each line and prints the reply with its sender."""

from peer import ADDRESS, PORT, datagrams

client = datagrams()
while True:
    message = input(">> ").strip()
    client.sendto(message.encode(), (ADDRESS, PORT))
    data, sender = client.recvfrom(1024)
    print("客户端recvfrom ", data, sender[:2])
