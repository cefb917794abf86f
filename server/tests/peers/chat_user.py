"""A plain chat user in a few lines: docs/protocol.md §4 as any program would speak it.

Usage: chat_user.py HOST PORT NAME. Says each line of its input, prints each line that it hears, ends with its input.
"""

import socket
import sys
import threading

host, port, name = sys.argv[1:]
chat = socket.create_connection((host, int(port)))
chat.sendall(f"CONNECT {name}\n".encode())


def talk():
    for line in sys.stdin.buffer:
        chat.sendall(line)
    chat.shutdown(socket.SHUT_WR)


threading.Thread(target=talk, daemon=True).start()
for line in chat.makefile("rb"):
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
