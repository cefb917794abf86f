"""Publishes messages of the given sizes and prints a line for each: its size and a checksum.

    broker_sender.py HOST PORT CHANNEL SIZE...

Subscribes to the channel too, and ends when it has heard itself as often as it spoke.
"""
import asyncio
import struct
import sys
import zlib


async def main(host, port, channel, *sizes):
    reader, writer = await asyncio.open_connection(host, port)
    name = struct.pack(">I", len(channel)) + channel.encode()
    writer.write(name)
    for n, size in enumerate(map(int, sizes)):
        payload = bytes((n + i) % 251 for i in range(size))
        print(size, zlib.crc32(payload), flush=True)
        writer.write(name + struct.pack(">I", size) + payload)
    await writer.drain()
    for size in sizes:
        (heard,) = struct.unpack(">I", await reader.readexactly(4))
        await reader.readexactly(heard)
        assert heard == int(size), (heard, size)
    writer.write(bytes(4))  # the empty frame: goodbye
    assert await reader.read() == b""
    print("goodbye", flush=True)


asyncio.run(main(*sys.argv[1:]))
