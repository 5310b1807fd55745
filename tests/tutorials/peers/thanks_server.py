"""Tutorial 4, TCP server on port 8080: prints one message of each connection and answers with thanks."""

from peer import listening

listener = listening()
print("This server is ready to receive")
while True:
    connection, address = listener.accept()
    print("client连接地址信息为:", address[:2])
    message = connection.recv(1024)
    print("server接收到的数据为:", message.decode())
    connection.send("thank you !".encode())
    connection.close()
