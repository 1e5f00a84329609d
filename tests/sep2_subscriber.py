"""A subscriber of its own: an HTTPS listener with a device's certificate that writes down what it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from certs.sep2.hierarchy import Sep2Leaf
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode
from gateway.transport.sep2_tls import sep2_server
from gateway.transport.server import listen
from tests.sep2_pki import files
from tests.sep2_server_world import Premises


@dataclass
class Subscriber:
    """What came, and what is answered."""

    uri: str = ""
    came: list[sep.Notification] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; then 201."""
    on_notification: Callable[[sep.Notification], None] = lambda _: None
    hang: Callable[[], Awaitable[None]] | None = None
    """Waited for before anything is answered."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of answers that are no success."""
    connections: set[int] = field(default_factory=set)
    """Ports that it was called from."""

    async def handle(self, request: web.Request) -> web.Response:
        """Take one notification."""
        assert request.method == "POST"
        assert request.content_type == "application/sep+xml"
        if request.transport is not None:
            self.connections.add(request.transport.get_extra_info("peername")[1])
        body = await request.read()
        if self.hang is not None:
            await self.hang()
        notification = decode(body, sep.Notification, strict=True).value
        status = self.answers.pop(0) if self.answers else 201
        if 200 <= status < 300:
            self.came.append(notification)
            self.on_notification(notification)
            return web.Response(status=status)
        return web.Response(status=status, headers=self.headers)


@asynccontextmanager
async def subscriber(site: Premises, leaf: Sep2Leaf, port: int = 0) -> AsyncIterator[Subscriber]:
    """Listen for notifications."""
    made = Subscriber()
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/{path:.*}", made.handle)
    context = sep2_server(
        files(site.folder, f"subscriber-{leaf.lfdi}", leaf, site.pki), site.profile
    )
    with site.clock.held():  # or time would go on while nobody seems to work
        listener = await listen(app, "127.0.0.1", port, context)
    made.uri = f"https://127.0.0.1:{listener.port}/ntfy"
    try:
        yield made
    finally:
        with site.clock.held():
            await listener.stop()


def subscription(resource: str, uri: str, **others: object) -> sep.Subscription:
    """Make a subscription."""
    told: dict[str, object] = {"encoding": 0, "level": "+S1", "limit": 10, **others}
    return sep.Subscription(subscribed_resource=resource, notification_uri=uri, **told)  # type: ignore[arg-type] # by name
