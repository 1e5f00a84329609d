"""A store and a listener in a process that runs out of something.

python -m tests.starved_child descriptors|store PATH
"""

import asyncio
import contextlib
import os
import resource
import socket
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog
from aiohttp import ClientSession, web

from gateway.domain.errors import StoreError
from gateway.pipeline.ports import Work
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from gateway.transport.server import listen
from tests.fakes import CountedIds
from tests.store_processes import url
from tests.store_samples import NOW, timer

MANY = 600


def say(line: str) -> None:
    """Print at once."""
    os.write(1, f"{line}\n".encode())


async def store(path: Path) -> None:
    """Store one row more, and say how many there were; or why not."""
    try:
        async with await open_store(url(path), ids=CountedIds()) as opened:
            known = len(await opened.read(lambda work: work.timers.due(NOW)))
            await opened.write(lambda work: work.timers.set(timer(f"t:{known}")))
            say(f"stored {known}")
    except StoreError as error:
        say(error.reason)


def _app(opened: SqliteStore) -> web.Application:
    def many(work: Work) -> None:
        # Enough rows for a journal of the savepoint that would not stay in memory.
        for number in range(MANY):
            work.timers.set(timer(f"k:{number}"))

    async def write(_: web.Request) -> web.Response:
        await opened.write(many)
        return web.Response(text="stored")

    app = web.Application()
    app.add_routes([web.get("/", write)])
    return app


async def descriptors(path: Path) -> None:
    """Use up every descriptor, go on with what is open, give them back."""
    said = asyncio.Event()

    def heard(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event["event"] == "door_short_of_descriptors":
            said.set()
        return event

    structlog.configure(processors=[heard, structlog.processors.JSONRenderer()])
    async with await open_store(url(path), ids=CountedIds()) as opened:
        listener = await listen(_app(opened), "127.0.0.1", 0, None)
        async with ClientSession() as kept:

            async def get(session: ClientSession) -> int:
                async with session.get(listener.url) as answer:
                    await answer.read()
                    return answer.status

            say(f"before {await get(kept)}")
            async with ClientSession() as fresh:
                used = await _starved(fresh, listener.port)
                say(f"stored {await get(kept)}")
                say(f"open connection {await get(kept)}")
                await said.wait()
                say("said accept")
                for file in used:
                    os.close(file)
                say(f"after {await get(fresh)}")
        await listener.stop()


async def _starved(_: ClientSession, port: int) -> list[int]:
    """Connect, then leave no descriptor for the other end of the connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    knocking = socket.socket()
    knocking.setblocking(False)
    used = []
    while True:
        try:
            used.append(os.dup(0))
        except OSError:
            break
    with contextlib.suppress(BlockingIOError):
        knocking.connect(("127.0.0.1", port))
    used.append(knocking.detach())
    return used


WORDS = {"descriptors": descriptors, "store": store}

if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(WORDS[sys.argv[1]](Path(sys.argv[2])))
