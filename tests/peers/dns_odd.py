"""A DNS server that answers questions for host.example in odd ways: dns_odd.py ADDRESS PORT CASE.

aliases-N       a chain of N aliases with an address at its end
loop            two names that are aliases of each other
noise           malformed datagrams, and replies to other queries, before the reply
truncated       a truncated reply without an address over UDP, five addresses over TCP
partly          a truncated reply with one address over UDP, five addresses over TCP
deaf            a truncated reply over UDP, but no server on TCP
silent          a truncated reply over UDP, but no reply over TCP
long            a truncated reply over UDP, but only the length of a message over TCP
"""

import socket
import struct
import sys
import threading

from server import ADDRESS, FAMILY, PORT, udp

CASE = sys.argv[3]
A, ALIAS = 1, 5


def name(text):
    return b''.join(bytes([len(part)]) + part.encode() for part in text.split('.')) + b'\0'


def record(owner, kind, data):
    return name(owner) + struct.pack('>HHIH', kind, 1, 60, len(data)) + data


def reply(query, records, flags=0x8180):
    return query[:2] + struct.pack('>HHHHH', flags, 1, len(records), 0, 0) + query[12:] + b''.join(records)


def addresses(query, count, owner='host.example'):
    of_v4 = query[-4:-2] == b'\0\1'
    return [record(owner, A, bytes([192, 168, 69, 200 + number])) for number in range(count)] if of_v4 else []


def answer(query, sender):
    if CASE.startswith('aliases-'):
        count = int(CASE.split('-')[1])
        names = ['host.example'] + [f'alias{number}.example' for number in range(count)]
        chain = [record(alias, ALIAS, name(target)) for alias, target in zip(names, names[1:])]
        return reply(query, chain + addresses(query, 1, names[-1]))
    if CASE == 'loop':
        return reply(query, [record('host.example', ALIAS, name('b.example')),
                             record('b.example', ALIAS, name('host.example'))])
    if CASE == 'noise':
        other = name('other.example') + query[-4:]
        false = [record('host.example', A, bytes([192, 168, 69, 77]))]
        for junk in (b'junk', query[:2] + b'\x81\x80junk', reply(query, false)[:40], reply(query[:12] + other, false),
                     reply(bytes([query[0] ^ 1]) + query[1:], false)):
            noisy.sendto(junk, sender)
        stranger.sendto(reply(query, false), sender)
        # The reply follows all these datagrams, from the same socket.
        noisy.sendto(reply(query, addresses(query, 1)), sender)
        return None
    return reply(query, addresses(query, int(CASE == 'partly')), 0x8380)


def serve(connection):
    query = b''
    while len(query) < 2 or len(query) < 2 + int.from_bytes(query[:2], 'big'):
        more = connection.recv(1000)
        if not more:
            return
        query += more
    message = reply(query[2:], addresses(query, 5))
    if CASE == 'long':
        connection.sendall(b'\xff\xff')
    elif CASE != 'silent':
        connection.sendall(struct.pack('>H', len(message)) + message)
    connection.recv(1)


def over_tcp():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


if CASE == 'noise':
    noisy, stranger = (socket.socket(FAMILY, socket.SOCK_DGRAM) for _ in range(2))
    for bound, port in (noisy, PORT), (stranger, PORT + 1):
        bound.bind((ADDRESS, port))
    print('ready', flush=True)
    while True:
        answer(*noisy.recvfrom(65535))
if CASE in ('truncated', 'partly', 'silent', 'long'):
    listener = socket.create_server((ADDRESS, PORT), family=FAMILY)
    threading.Thread(target=over_tcp, daemon=True).start()
udp(answer)
