"""Sets the offload of a TAP or TUN as QEMU does: leave_offload.py INTERFACE KIND. The settings remain when the file is closed."""

import fcntl
import struct
import sys

TUNSETIFF, TUNSETVNETHDRSZ, TUNSETOFFLOAD = 0x400454CA, 0x400454D8, 0x400454D0
IFF_NO_PI, IFF_VNET_HDR = 0x1000, 0x4000

f = open("/dev/net/tun", "r+b", buffering=0)
flags = int(sys.argv[2]) | IFF_NO_PI | IFF_VNET_HDR
fcntl.ioctl(f, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), flags))
fcntl.ioctl(f, TUNSETVNETHDRSZ, struct.pack("i", 12))
fcntl.ioctl(f, TUNSETOFFLOAD, 7)
