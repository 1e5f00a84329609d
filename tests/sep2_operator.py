"""The operator of a 2030.5 utility over JSON, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from gateway.servers.sep2.admin.app import admin_app
from gateway.servers.sep2.utility import Sep2Utility
from gateway.transport.server import listen
from tests.sep2_server_world import Premises

TOKEN = "a-token-of-the-operator"


class Operator:
    """Speaks to the interface."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, method: str, path: str, **body: object) -> tuple[int, Any]:
        told = body if method in {"PUT", "POST"} else None
        async with self._session.request(method, self._url + path, json=told) as answer:
            return answer.status, await answer.json(content_type=None)

    async def do(self, method: str, path: str, **body: object) -> Any:
        status, found = await self.ask(method, path, **body)
        assert status in {200, 201}, found
        return found


@asynccontextmanager
async def operated(site: Premises, utility: Sep2Utility) -> AsyncIterator[Operator]:
    listener = await listen(admin_app(utility, site.clock, TOKEN), "127.0.0.1", 0, None)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        async with aiohttp.ClientSession(headers=headers) as session:
            yield Operator(session, listener.url)
    finally:
        await listener.stop()
