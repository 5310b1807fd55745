"""Runs a command on a pseudo-terminal and answers its prompts: person.py PROMPTS COMMAND...

The script answers the first PROMPTS prompts, the third with Ctrl-D. Then it prints the terminal's output and the exit code.
"""

import os
import pty
import sys

prompts = int(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.environ['RUST_LOG'] = 'error'
    os.execv(sys.argv[2], sys.argv[2:])
seen, answered = b'', 0
while True:
    try:
        data = os.read(terminal, 1024)
    except OSError:
        break
    if not data:
        break
    seen += data
    while answered < prompts and seen.count(b'>> ') > answered:
        answered += 1
        # The third answer is Ctrl-D.
        os.write(terminal, b'hello %d\n' % answered if answered < 3 else b'\x04')
_, status = os.waitpid(child, 0)
sys.stdout.write(seen.decode() + 'exit %d\n' % os.waitstatus_to_exitcode(status))
