"""A client that streams until it is killed: streaming_client.py ADDRESS PORT reads|stuffed.

The client prints its own address. With `reads`, the client prints `flows` after each MiB that it receives. With
`stuffed`, the client reads nothing, and prints `flows` when it cannot send any more data.
"""

import select
import socket
import sys

s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)
own = s.getsockname()
print(('[%s]:%d' if ':' in own[0] else '%s:%d') % own[:2], flush=True)
s.setblocking(False)
writes = sys.argv[2] == '7'
got = 0
while True:
    reads = sys.argv[3] == 'reads'
    readable, writable, _ = select.select([s] if reads else [], [s] if writes else [], [], 60 if reads else 0.2)
    if readable:
        got += len(s.recv(65536))
    if writable:
        s.send(bytes(65536))
    if got > 1 << 20 or not (readable or writable):
        print('flows', flush=True)
        got = 0
