"""TCP segments without data, made by hand for peers that forge them."""

import struct


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(source, destination, ports, number, flags):
    """An IPv4 packet. The addresses are 4 bytes each. `ports` contains the source port and the destination port."""
    segment = lambda sum: struct.pack('!HHIIBBHHH', *ports, number, 0, 5 << 4, flags, 65535, sum, 0)
    pseudo = source + destination + struct.pack('!BBH', 0, 6, 20)
    header = lambda sum: struct.pack('!BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, sum) + source + destination
    return header(checksum(header(0))) + segment(checksum(pseudo + segment(0)))
