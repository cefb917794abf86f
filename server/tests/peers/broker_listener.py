"""Takes COUNT messages of a channel and prints a line for each: its size and a checksum.

    broker_listener.py HOST PORT CHANNEL COUNT

Reads whatever the socket gives and cuts it into frames itself.
"""
import socket
import struct
import sys
import zlib

host, port, channel, count = sys.argv[1:]
peer = socket.create_connection((host, int(port)), timeout=60)
peer.sendall(struct.pack(">I", len(channel)) + channel.encode())
print("subscribed", flush=True)
buffer, left = bytearray(), int(count)
while left:
    chunk = peer.recv(65536)
    if not chunk:
        sys.exit(f"the connection ended with {left} messages to come")
    buffer += chunk
    while left and len(buffer) >= 4:
        (size,) = struct.unpack_from(">I", buffer)
        if len(buffer) < 4 + size:
            break
        payload = bytes(buffer[4 : 4 + size])
        del buffer[: 4 + size]
        print(size, zlib.crc32(payload), flush=True)
        left -= 1
