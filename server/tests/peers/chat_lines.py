"""Two plain chat users in a few lines each: docs/protocol.md §4 as any program would speak it.

Usage: chat_lines.py HOST PORT. Ends with 0 when everything came as the protocol says, else with a traceback.
"""

import asyncio
import sys

HOST, PORT = sys.argv[1], int(sys.argv[2])


class User:
    async def connect(self, name):
        self.reader, self.writer = await asyncio.open_connection(HOST, PORT)
        self.say(f"CONNECT {name}")
        return self

    def say(self, line):
        self.writer.write(line.encode() + b"\n")

    async def hears(self, *expected):
        for line in expected:
            heard = await asyncio.wait_for(self.reader.readline(), 20)
            assert heard == line.encode() + b"\n", f"expected {line!r}, heard {heard!r}"


async def main():
    ada = await User().connect("py-ada")
    await ada.hears("Welcome! 1 user(s) are online!", "py-ada connected!")
    bob = await User().connect("py-bob")
    await bob.hears("Welcome! 2 user(s) are online!", "py-bob connected!")
    await ada.hears("py-bob connected!")

    # Half a character first: what ends a line is the line feed, not the packet.
    text = "zażółć gęślą jaźń"
    encoded = f"{text}\r\n".encode()
    ada.writer.write(encoded[:3])
    await ada.writer.drain()
    await asyncio.sleep(0)
    ada.writer.write(encoded[3:])
    for user in (ada, bob):
        await user.hears(f"py-ada: {text}")

    for n in range(20):
        bob.say(f"line {n}")
    for user in (ada, bob):
        await user.hears(*[f"py-bob: line {n}" for n in range(20)])

    bob.writer.close()
    await ada.hears("py-bob has left the chat")

    # The name is free again, and taken while somebody has it.
    bob = await User().connect("py-bob")
    await bob.hears("Welcome! 2 user(s) are online!")
    refused = await User().connect("py-bob")
    await refused.hears('Error: the name "py-bob" is in use. "py-bob2" is free')
    assert await asyncio.wait_for(refused.reader.read(), 20) == b""


asyncio.run(main())
