"""Runs a command on a pseudo-terminal of 100 columns: terminal.py COMMAND...

The script copies its standard input to the terminal, and the terminal's output to standard output. At the end, it prints
whether the terminal's echo is still on.
"""

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import threading

child, terminal = pty.fork()
if child == 0:
    # A job in the background starts with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 100, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])


def types():
    while data := os.read(0, 1024):
        os.write(terminal, data)


threading.Thread(target=types, daemon=True).start()
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    os.write(1, data)
_, status = os.waitpid(child, 0)
echo = termios.tcgetattr(terminal)[3] & termios.ECHO
os.write(1, b'echo on\n' if echo else b'echo off\n')
os._exit(os.waitstatus_to_exitcode(status))
