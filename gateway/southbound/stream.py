"""Server-sent events: a site's stream, resumable by cursor, in bounded memory.

A stream reads the store page by page when its bell rings; nothing is queued per subscriber. Whoever reads too slowly
is disconnected and goes on later from its cursor.

Under a virtual clock every block carries a token, taken before it is written and given back by the reader when it
asks for the next one. That is why a stream ends with a comment of its own before its connection does.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web
from prometheus_client import Counter, Gauge

from gateway.domain.errors import StoreError
from gateway.domain.names import SiteId
from gateway.domain.ports import Clock
from gateway.observability.latency import EventToSite
from gateway.pipeline.ports import Work
from gateway.pipeline.records import OutboxItem
from gateway.southbound.access import Access, Caller
from gateway.southbound.fencing import refuse_stopped
from gateway.southbound.parts import Parts
from gateway.southbound.positions import Reset, number, reset, timely, usable
from gateway.southbound.queries import LARGEST_CURSOR
from gateway.southbound.tokens import accepted

HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}
PING: Final = b": ping\n\n"
BYE: Final = b": bye\n\n"


class Blocks:
    """Writes blocks of one stream.

    Args:
        response: Prepared or about to be.
        clock: Takes a token per block; bounds the wait for a slow reader.
        write_s: The bound, seconds.
        gone: Says whether the connection has ended.
    """

    def __init__(
        self,
        response: web.StreamResponse,
        clock: Clock,
        write_s: float,
        gone: Callable[[], bool],
    ) -> None:
        self._gone = gone
        self._response = response
        self._clock = clock
        self._write_s = write_s

    def require(self) -> None:
        """Insist on a reader, so that one who left does not count as a stream until the next ping.

        Raises:
            ConnectionError: the reader is gone.
        """
        if self._gone():
            raise ConnectionResetError

    async def write(self, block: bytes) -> None:
        """Write one block.

        Raises:
            ConnectionError: the reader is gone.
            TimeoutError: the reader is too slow.
        """
        self._clock.hold()
        written = False
        try:
            async with self._clock.timeout(self._write_s):
                await self._response.write(block)
            written = True
        finally:
            if not written:
                self._clock.release()


class Streams:
    """Handler of ``GET /stream``.

    Args:
        parts: What the app stands on.
        access: Counts open streams.
    """

    def __init__(self, parts: Parts, access: Access) -> None:
        self._parts = parts
        self._access = access
        self._open = Gauge(
            "gateway_southbound_streams", "Open event streams", registry=parts.registry
        )
        self._ended = Counter(
            "gateway_southbound_streams_ended",
            "Event streams that ended, by cause",
            ["cause"],
            registry=parts.registry,
        )
        self._latency = EventToSite(parts.registry)

    async def stream(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Send what follows the reader's cursor, and everything from then on."""
        cursor = _cursor(request)
        response = web.StreamResponse(headers=HEADERS)
        with (
            self._access.waiting(caller),
            self._parts.clock.held(),
            self._open.track_inprogress(),
        ):
            cause = await self._life(request, response, caller, cursor)
        self._ended.labels(cause).inc()
        return response

    async def _life(
        self,
        request: web.Request,
        response: web.StreamResponse,
        caller: Caller,
        cursor: int,
    ) -> str:
        blocks = Blocks(
            response, self._parts.clock, self._parts.pace.write_s, lambda: request.transport is None
        )
        try:
            await response.prepare(request)
            return await self._serve(blocks, caller, cursor)
        except ConnectionError:
            return "gone"
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            return "slow"

    async def _serve(self, blocks: Blocks, caller: Caller, cursor: int) -> str:
        pace, clock, bells = self._parts.pace, self._parts.clock, self._parts.bells
        await blocks.write(b"retry: %d\n\n" % pace.retry_ms)
        ping_at = self._in(pace.ping_s)
        cause = "closed"
        try:
            await self._until_open(blocks, caller.site)
            cursor = await self._begin(blocks, caller.site, cursor)
            while not bells.closed:
                blocks.require()
                seen = bells.rings(caller.site)
                allowed, page = await self._look(caller, cursor)
                if not allowed:
                    cause = "revoked"
                    break
                refuse_stopped(self._parts.fence)
                for item in page:
                    await self._send(blocks, item)
                    cursor = item.sequence
                if clock.now() >= ping_at:
                    await blocks.write(PING)
                    ping_at = self._in(pace.ping_s)
                if len(page) < pace.page:
                    await bells.wait(caller.site, seen, min(ping_at, self._in(pace.recheck_s)))
        except StoreError:
            cause = "store"
        await blocks.write(BYE)
        return cause

    async def _until_open(self, blocks: Blocks, site: SiteId) -> None:
        """Keep a stream alive while a restored store is not complete yet: the lease holds, nothing is told."""
        bells = self._parts.bells
        while not self._parts.open(site) and not bells.closed:
            refuse_stopped(self._parts.fence)
            seen = bells.rings(site)
            await blocks.write(PING)
            if not self._parts.open(site):
                await bells.wait(site, seen, self._in(self._parts.pace.recheck_s))

    async def _begin(self, blocks: Blocks, site: SiteId, cursor: int) -> int:
        at, parts = self._parts.clock.now(), self._parts

        def job(work: Work) -> Reset | None:
            if usable(work, site, cursor):
                return None
            return reset(work, site, source=parts.source, sign=parts.signer.detached, at=at)

        found = await parts.store.read(job)
        if found is None:
            return cursor
        await self._write(blocks, "reset", found.sequence, found.body)
        return found.sequence

    async def _look(self, caller: Caller, cursor: int) -> tuple[bool, tuple[OutboxItem, ...]]:
        """Return whether the token is still in force, and what comes next: one look at the store for both."""
        now, limit = self._parts.clock.now(), self._parts.pace.page

        def job(work: Work) -> tuple[bool, tuple[OutboxItem, ...]]:
            if accepted(work, caller.sha256, now) is None:
                return False, ()
            return True, work.outbox.after(caller.site, cursor, limit)

        return await self._parts.store.read(job)

    async def _send(self, blocks: Blocks, item: OutboxItem) -> None:
        """Write one document, unless it is too late for it: a last look right before the socket (R-OUT-1)."""
        if timely(item, self._parts.clock.now()):
            await self._write(blocks, item.kind, item.sequence, item.body)
            self._parts.delivered(item, "stream")
            self._latency.written(item, self._parts.clock.now())

    async def _write(self, blocks: Blocks, kind: str, sequence: int, body: bytes) -> None:
        refuse_stopped(
            self._parts.fence
        )  # the last look: another gateway may go on since the store was read
        self._parts.watch(f"stream.{kind}.before")
        await blocks.write(block(kind, sequence, body))
        self._parts.watch(f"stream.{kind}.written")

    def _in(self, seconds: float) -> datetime:
        return self._parts.clock.now() + timedelta(seconds=seconds)


def block(kind: str, sequence: int, body: bytes) -> bytes:
    """Write one event; canonical JSON has no line break, so ``data`` is one line."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (sequence, kind.encode(), body)


def _cursor(request: web.Request) -> int:
    """Return where the reader stands: ``Last-Event-ID`` (a reconnecting browser) goes before ``after``."""
    last = request.headers.get("Last-Event-ID", "")
    if last.isascii() and last.isdigit() and len(last) <= 16:
        return int(last)
    return number(request, "after", 0, LARGEST_CURSOR)
