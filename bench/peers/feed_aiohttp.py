"""A feed as a small team writes it: aiohttp with aiohttp-sse, a bounded queue per client, samples posted to /publish.

Usage: feed_aiohttp.py HOST:PORT
"""

import asyncio
import sys

from aiohttp import web
from aiohttp_sse import sse_response

QUEUE_SAMPLES = 1000
clients = set()


async def publish(request):
    sample = (await request.read()).decode()
    for queue in clients:
        if not queue.full():
            queue.put_nowait(sample)
    return web.Response(status=202)


async def feed(request):
    queue = asyncio.Queue(QUEUE_SAMPLES)
    async with sse_response(request) as response:
        clients.add(queue)
        # aiohttp holds its headers back until there is a body to go with them.
        await response.write(b": welcome\n\n")
        try:
            while response.is_connected():
                await response.send(await queue.get())
        finally:
            clients.discard(queue)
    return response


app = web.Application()
app.add_routes([web.post("/publish", publish), web.get("/feed", feed)])
host, port = sys.argv[1].rsplit(":", 1)
web.run_app(app, host=host, port=int(port), backlog=4096, access_log=None, print=None, shutdown_timeout=0.1)
