"""Runs a command on a pseudo-terminal, and prints the terminal's output: pseudo_terminal.py COMMAND..."""

import os
import pty
import sys

status = pty.spawn(sys.argv[1:], lambda terminal: os.read(terminal, 65536))
sys.exit(os.waitstatus_to_exitcode(status))
