"""A DNS server for the names in HOSTS (RFC 1035 section 4). Other names do not exist; silent.test gets no reply."""

import socket

from server import udp

HOSTS = {
    'both.test': ['fdaa::64', '192.168.69.100'],
    'four.test': ['192.168.69.100'],
    'six.test': ['fdaa::64'],
    'dead.test': ['fdaa::dead', '192.168.69.100'],
    'alldead.test': ['fdaa::dead', 'fdaa::beef', '192.168.69.77', '192.168.69.100'],
    'nowhere.test': ['fdaa::dead'],
}


def answer(query, _):
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1:at + 1 + length].decode())
        at += 1 + length
    name, kind, end = '.'.join(labels), query[at + 2], at + 5
    print('asked', name, flush=True)
    if name == 'silent.test':
        return None
    found = [socket.inet_pton(socket.AF_INET6 if ':' in host else socket.AF_INET, host)
             for host in HOSTS.get(name, []) if (':' in host) == (kind == 28)]
    head = query[:2] + (b'\x81\x80' if name in HOSTS else b'\x81\x83') + bytes([0, 1, 0, len(found), 0, 0, 0, 0])
    record = lambda data: b'\xc0\x0c' + bytes([0, kind, 0, 1, 0, 0, 0, 60, 0, len(data)]) + data
    return head + query[12:end] + b''.join(map(record, found))


udp(answer)
