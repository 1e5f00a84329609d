"""A webhook receiver on loopback that answers as it is told and writes down all that it gets."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web


@dataclass(frozen=True)
class Got:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Act = Callable[[Got], Awaitable[web.StreamResponse | None]]


@dataclass
class Receiver:
    """``act`` may answer by itself; else ``status``, ``headers`` and ``answer`` do."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    act: Act | None = None
    tls: ssl.SSLContext | None = None
    got: list[Got] = field(default_factory=list)
    port: int = 0

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Self]:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, host, port or self.port, ssl_context=self.tls)
        await site.start()
        self.port = int(runner.addresses[0][1])
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        got = Got(request.method, request.raw_path, dict(request.headers), await request.read())
        self.got.append(got)
        answer = await self.act(got) if self.act else None
        return answer or web.Response(status=self.status, headers=self.headers, body=self.answer)
