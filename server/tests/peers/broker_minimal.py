"""A listener and a sender as one would write them from the protocol's description alone.

    broker_minimal.py listen HOST PORT CHANNEL
    broker_minimal.py send   HOST PORT CHANNEL COUNT
"""
import asyncio
import sys


async def read_frame(reader):
    size = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(size)


async def write_frame(writer, data):
    writer.writelines([len(data).to_bytes(4, "big"), data])
    await writer.drain()


async def listen(host, port, channel):
    reader, writer = await asyncio.open_connection(host, port)
    await write_frame(writer, channel.encode())
    print("subscribed", flush=True)
    try:
        while True:
            print((await read_frame(reader)).decode(), flush=True)
    except asyncio.IncompleteReadError as end:
        print("end" if not end.partial else "cut", flush=True)


async def send(host, port, channel, count):
    _, writer = await asyncio.open_connection(host, port)
    await write_frame(writer, b"/null")
    for n in range(int(count)):
        await write_frame(writer, channel.encode())
        await write_frame(writer, f"message {n}".encode())
    writer.close()
    await writer.wait_closed()


asyncio.run({"listen": listen, "send": send}[sys.argv[1]](*sys.argv[2:]))
