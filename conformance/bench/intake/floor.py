"""Child process of the intake bench: the least that any gateway must do, with the same TLS, payloads and disk.

Poll over mutual TLS, one durable SQLite commit of the body, one block written to an event stream over TLS; no parsing,
no validation, no plan, no signature.
"""

import asyncio
import json
import re
import sqlite3
import sys
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from conformance.bench.intake.place import UTILITIES, utility
from gateway.transport.server import listen
from gateway.transport.tls import TlsFiles, TlsProfile, openadr_client, southbound_server

POLL: Final = b"<oadrPoll/>" * 40
"""As long as a real one; nobody reads it."""
EVENT_ID: Final = re.compile(rb"eventID>([^<]+)<")


class Floor:
    """See the module.

    Args:
        folder: Certificates lie there.
        own: The store goes there.
        vtn_url: Root of the utilities.
        block_bytes: Length of one block of the stream, as the gateway's was.
    """

    def __init__(self, folder: Path, own: Path, vtn_url: str, block_bytes: int) -> None:
        self._folder = folder
        self._vtn_url = vtn_url
        self._padding = b"x" * block_bytes
        self._streams: dict[int, web.StreamResponse] = {}
        self._file = sqlite3.connect(own / "floor.db", isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=FULL")
        self._file.execute("CREATE TABLE inbox (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    async def serve(self) -> None:
        """Run until killed."""
        app = web.Application()
        app.router.add_get("/v1/stream", self._stream)
        folder = self._folder
        context = southbound_server(folder / "server.pem", folder / "server.key")
        listener = await listen(app, "127.0.0.1", 0, context)
        files = TlsFiles(
            certificate=folder / "ven.pem", key=folder / "ven.key", ca=folder / "root.pem"
        )
        connector = aiohttp.TCPConnector(ssl=openadr_client(files, TlsProfile.MODERN), limit=0)
        async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as tasks:
            for number in range(UTILITIES):
                tasks.create_task(self._poll(http, number))
            tokens = [str(number) for number in range(UTILITIES)]
            sys.stdout.write(json.dumps({"url": listener.url, "tokens": tokens}) + "\n")
            sys.stdout.flush()

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        number = int(request.headers["Authorization"].removeprefix("Bearer "))
        self._streams[number] = response
        await response.write(b"retry: 2000\n\n")
        await asyncio.Event().wait()
        return response

    async def _poll(self, http: aiohttp.ClientSession, number: int) -> None:
        url = f"{self._vtn_url}/{utility(number)}/OpenADR2/Simple/2.0b/OadrPoll"
        headers = {"Content-Type": "application/xml"}
        while True:
            async with http.post(url, data=POLL, headers=headers) as answer:
                body = await answer.read()
            found = EVENT_ID.search(body)
            if found is None:
                continue
            self._file.execute("INSERT INTO inbox (body) VALUES (?)", (body,))
            text = b'data: {"eventID":"' + found[1] + b'","rest":"' + self._padding
            await self._streams[number].write(text[: len(self._padding)] + b'"}\n\n')


if __name__ == "__main__":
    folder, own, vtn_url, block_bytes = sys.argv[1:]
    asyncio.run(Floor(Path(folder), Path(own), vtn_url, int(block_bytes)).serve())
