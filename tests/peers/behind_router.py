"""A client of an echo server, in a network namespace behind a router: behind_router.py OWN ROUTER SERVER.

This process has its own network namespace. After "ready" is printed, the test moves the interface v1 into the namespace.
Packets are sent without DF, so that a router is allowed to fragment them.
"""

import socket
import subprocess
import sys

own, router, server = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
with open("/proc/sys/net/ipv4/ip_no_pmtu_disc", "w") as file:
    file.write("1")
for line in (f"address add {own}/24 dev v1", "link set v1 up", f"route add default via {router}"):
    subprocess.run(["ip", *line.split()], check=True)

s = socket.create_connection((server, 7), 60)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for seed in range(20):
    # Each message is one segment.
    text = bytes((n + seed) % 251 for n in range(1_400))
    s.sendall(text)
    echo = b""
    while len(echo) < len(text):
        echo += s.recv(65_536) or sys.exit("the server has closed")
    assert echo == text, seed
print("echoed", flush=True)
