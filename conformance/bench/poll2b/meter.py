"""How a server process of the bench talks to its measurer: one JSON line when ready, then its clock on request."""

import asyncio
import json
import sys
import time


def say(found: dict[str, object]) -> None:
    """Write one line."""
    sys.stdout.write(f"{json.dumps(found)}\n")
    sys.stdout.flush()


async def tell_until_closed() -> None:
    """Answer each line on standard input with this process's processor time, user and system, until it ends."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while await reader.readline():
        say({"cpu_s": time.process_time()})
