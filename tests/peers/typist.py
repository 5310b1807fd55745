"""Runs a command on a pseudo-terminal and types lines at its prompts: typist.py LINE|LINE... COMMAND...

The script types a line after each prompt, and prints the terminal's output at the end. The terminal cannot move its
cursor, so lines are not edited.
"""

import os
import pty
import sys

lines, command = sys.argv[1].split("|"), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["NO_COLOR"] = "1"
    os.environ["TERM"] = "dumb"
    os.environ["COLUMNS"] = "100"
    os.execv(command[0], command)
shown = b""


def until(what):
    """Reads until `what` has been printed. Returns False if the output ends first."""
    global shown
    start = len(shown)
    while what not in shown[start:]:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            return False
        if not more:
            return False
        shown += more
    return True


for line in lines:
    if not until(b"> "):
        break
    os.write(terminal, line.encode() + b"\n")
until(b"nothing ends this but the end")
sys.stdout.buffer.write(shown)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
