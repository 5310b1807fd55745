"""Tutorial 2, TCP client: sends and receives in turn, until one side sends q."""

from peer import connected

client = connected()
while True:
    message = input(">>>")
    client.send(message.encode())
    if message.upper() == "Q":
        break
    answer = client.recv(1024).decode()
    if answer.upper() == "Q":
        break
    print(answer)
print("通讯已结束")
client.close()
