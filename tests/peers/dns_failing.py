"""A DNS server that answers every query with the same bad reply: dns_failing.py ADDRESS PORT silent|garbage|FLAGS [garbage].

FLAGS are the second 16 bits of the reply's header, in hexadecimal. The rest of the reply is a copy of the query, or garbage.
"""

import sys

from server import udp

WHAT, GARBAGE = sys.argv[3], sys.argv[4:]


def answer(query, _):
    if WHAT == "silent":
        return None
    if WHAT == "garbage":
        return b"garbage"
    return query[:2] + bytes.fromhex(WHAT) + (b"garbage" if GARBAGE else query[4:])


udp(answer)
