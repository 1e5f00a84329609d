"""What operators and generators read: health, figures, keys, the interface itself."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.domain.canonical import canonical
from gateway.southbound.documents import Health
from gateway.southbound.openapi import openapi_bytes
from gateway.southbound.parts import Parts


class Service:
    """Handlers without a token; nothing here is about a site.

    Args:
        parts: What the app stands on.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._openapi = openapi_bytes()

    async def read_keys(self, _: web.Request) -> web.Response:
        """Return the public keys."""
        body = canonical(self._parts.signer.key_set())
        return web.Response(
            body=body,
            content_type="application/jwk-set+json",
            headers={"Cache-Control": "public, max-age=300"},
        )

    async def read_openapi(self, _: web.Request) -> web.Response:
        """Return the OpenAPI document."""
        return web.Response(body=self._openapi, content_type="application/json")

    async def health_live(self, _: web.Request) -> web.Response:
        """Answer."""
        return _health(Health(status="ok"))

    async def health_ready(self, _: web.Request) -> web.Response:
        """Run every check; 503 when one fails."""
        found = {name: await check() or "ok" for name, check in self._parts.checks.items()}
        ready = all(word == "ok" for word in found.values())
        return _health(Health(status="ok" if ready else "not_ready", checks=found))

    async def read_metrics(self, _: web.Request) -> web.Response:
        """Return the figures of this process, those that must be looked up first."""
        await self._parts.refresh()
        return web.Response(
            body=generate_latest(self._parts.registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )


def _health(health: Health) -> web.Response:
    return web.Response(
        status=200 if health.status == "ok" else 503,
        body=health.model_dump_json().encode(),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
