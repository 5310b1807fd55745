"""Tutorial 2, TCP servers: a talk with one client, or, with the argument `several`, with one after another."""

from peer import ARGUMENTS, listening


def talk(connection):
    while True:
        message = connection.recv(1024).decode()
        if message.upper() == "Q":
            return
        print(message)
        answer = input(">>>")
        connection.send(answer.encode())
        if answer.upper() == "Q":
            return


listener = listening()
connection, _ = listener.accept()
talk(connection)
while ARGUMENTS == ["several"]:
    # The talk before it is closed by this, not earlier.
    connection, _ = listener.accept()
    talk(connection)
print("通讯已结束")
connection.close()
