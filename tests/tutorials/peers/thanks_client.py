"""Tutorial 4, TCP client for port 8080: sends a line and prints the reply."""

from peer import connected

client = connected()
client.send(input("请输入client要发送的数据:").encode())
print("client接收到的数据为:", client.recv(1024).decode())
client.close()
