"""A broker in a few lines of asyncio, as one would write it from the protocol's description alone.

    broker_asyncio.py HOST PORT

Prints "ready PORT" when it listens. Port 0 takes a free one.
"""
import asyncio
import itertools
import sys
from collections import defaultdict

subscribers = defaultdict(list)
turns = defaultdict(itertools.count)


async def read_frame(reader):
    size = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(size)


def deliver(channel, data):
    if channel == b"/null" or not subscribers[channel]:
        return
    everybody = subscribers[channel]
    if channel.startswith(b"/queue"):
        everybody = [everybody[next(turns[channel]) % len(everybody)]]
    for writer in everybody:
        writer.writelines([len(data).to_bytes(4, "big"), data])


async def serve(reader, writer):
    channel = None
    try:
        channel = await read_frame(reader)
        subscribers[channel].append(writer)
        while name := await read_frame(reader):
            deliver(name, await read_frame(reader))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        if channel is not None:
            subscribers[channel].remove(writer)
        writer.close()


async def main(host, port):
    server = await asyncio.start_server(serve, host, int(port), reuse_address=True)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
