"""Tutorial 2, TCP servers: talks with one client. With the argument `several`, it talks with clients one after another."""

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
    # As in the tutorial, the assignment closes the earlier connection.
    connection, _ = listener.accept()
    talk(connection)
print("通讯已结束")
connection.close()
