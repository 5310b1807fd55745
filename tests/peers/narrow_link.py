"""Clients behind a router, on a link with an MTU of 1,400 bytes: narrow_link.py SERVER SERVER_V6.

This process has its own network namespace. After "ready" is printed, the test moves the interface v1 into the namespace. During
the TCP part, v1 has an MTU of 1,500 bytes, so that the server's segments are too long for the router's end of the link.
"""

import socket
import subprocess
import sys


def ip(line):
    subprocess.run(["ip", *line.split()], check=True)


def read(s, count):
    got = b""
    while len(got) < count:
        got += s.recv(65_536) or sys.exit("the server has closed")
    return got


print("ready", flush=True)
sys.stdin.readline()
for line in ("address add 10.7.0.2/24 dev v1", "address add 10.7.0.3/24 dev v1", "address add fdbb::2/64 dev v1 nodad",
             "address add fdbb::3/64 dev v1 nodad", "link set v1 up", "route add default via 10.7.0.1",
             "-6 route add default via fdbb::1"):
    ip(line)

for server, own, other in ((sys.argv[1], "10.7.0.2", "10.7.0.3"), (sys.argv[2], "fdbb::2", "fdbb::3")):
    for port in (19, 7):
        with socket.create_connection((server, port), 60, (own, 0)) as s:
            s.settimeout(10)
            if port == 19:
                read(s, 500_000)
            else:
                text = bytes(n % 251 for n in range(50_000))
                s.sendall(text)
                assert read(s, len(text)) == text

    # The server's answer is longer than the path MTU. The client's kernel sends the request in fragments.
    ip("link set v1 mtu 1400")
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((other, 0))
        s.settimeout(0.1)
        question = b"?" * 1_440
        for _ in range(100):
            s.sendto(question, (server, 7))
            try:
                assert s.recv(65_536) == question
                break
            except TimeoutError:
                # The first answer is lost, and the router reports the MTU to the server.
                continue
        else:
            sys.exit("the path is not known")
    ip("link set v1 mtu 1500")
print("served", flush=True)
