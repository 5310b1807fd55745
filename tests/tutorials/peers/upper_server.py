"""Tutorial 4, TCP server on port 14000: sends one message of each connection back in upper case."""

from peer import listening

listener = listening()
print("This server is ready to receive")
while True:
    connection, _ = listener.accept()
    sentence = connection.recv(2048)
    if sentence:
        print("接受到的数据是:", sentence)
    connection.send(sentence.upper())
    connection.close()
