"""The utilities of the intake bench: real VTNs but for the poll, which is answered when the bench says so."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from conformance.bench.intake.place import PROGRAM, UTILITIES, site, utility
from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from gateway.app.ids import SystemIds
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EventStatus,
    OadrDistributeEvent,
    SignalType,
)
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.servers.vtn2b.app import HttpOptions, vtn_app
from gateway.servers.vtn2b.desk import VtnDesk
from gateway.servers.vtn2b.store import MemoryStore

_POLL: Final = "/OadrPoll"
_VTN: Final = "bench-vtn"


@dataclass
class Line:
    """The poll of one utility: withheld until there is a body to answer it with."""

    polls: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    """One item for each poll that waits."""
    bodies: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    sent_at: float = 0.0
    """``perf_counter`` when the last body was handed to the socket."""

    async def answer(self) -> web.Response:
        """Wait for a body and send it."""
        self.polls.put_nowait(None)
        body = await self.bodies.get()
        self.sent_at = perf_counter()
        return web.Response(body=body, content_type="application/xml")


class HeadEnd:
    """All utilities behind one listener.

    Args:
        codec: Writes events.
        clock: Time of the VTNs.
    """

    def __init__(self, codec: Codec, clock: Clock) -> None:
        self._codec = codec
        self._clock = clock
        self.lines = [Line() for _ in range(UTILITIES)]
        self._numbers = [0] * UTILITIES

    def app(self, *, only_polls: bool = False) -> web.Application:
        """Build the app.

        Args:
            only_polls: True: no VTN behind it; for the floor, which neither registers nor reports.
        """
        root = web.Application()
        for number, line in enumerate(self.lines):
            below = web.Application() if only_polls else self._vtn(number)
            if only_polls:
                below.router.add_post("/{path:.*}", _nothing)
            below.middlewares.insert(0, _withheld(line))
            root.add_subapp(f"/{utility(number)}", below)
        return root

    def _vtn(self, number: int) -> web.Application:
        clock = self._clock
        vtn = Vtn(VtnOptions(vtn_id=_VTN, poll_every=timedelta(seconds=1)), SystemIds())
        desk = VtnDesk(vtn, MemoryStore(), clock, lambda fact, at: None)
        options = HttpOptions(prefix=f"/{utility(number)}", requests_per_s=0)
        return vtn_app(desk, self._codec, clock, options)

    def event(self, number: int, *, fresh: bool) -> tuple[str, bytes]:
        """Return id and bytes of what a utility says next.

        Args:
            number: Which utility.
            fresh: True: a new event; the message lists no other, so the one before is cancelled (rule 61). False: the
                next version of the utility's one event.
        """
        self._numbers[number] += 1
        count = self._numbers[number]
        event_id = f"{utility(number)}-{count:05}" if fresh else utility(number)
        version = 0 if fresh else count
        document = _document(event_id, version, number, self._clock.now())
        return event_id, self._codec.encode(document)


def _withheld(line: Line) -> Middleware:
    @web.middleware
    async def withhold(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.endswith(_POLL):
            return await handler(request)
        await request.read()
        return await line.answer()

    return withhold


async def _nothing(_: web.Request) -> web.Response:
    return web.Response(status=200)


def _document(event_id: str, version: int, number: int, now: datetime) -> OadrDistributeEvent:
    start = (now + timedelta(hours=2)).replace(microsecond=0)
    signal = SignalSpec(
        name="LOAD_DISPATCH",
        type=SignalType.SETPOINT,
        unit="kW",
        steps=(Step(lasts=timedelta(hours=1), value=Decimal(80)),),
    )
    spec = EventSpec(
        event_id=event_id,
        market_context=PROGRAM,
        start=start,
        signals=(signal,),
        notification=timedelta(hours=1),
        resources=(site(number),),
    )
    made = spec.message()
    descriptor = replace(
        made.ei_event.event_descriptor,
        modification_number=version,
        created_date_time=now.replace(microsecond=0),
        event_status=EventStatus.FAR,
    )
    event = replace(made, ei_event=replace(made.ei_event, event_descriptor=descriptor))
    return OadrDistributeEvent(
        ei_response=EiResponse(response_code="200", request_id=""),
        request_id=event_id,
        vtn_id=_VTN,
        oadr_events=(event,),
    )
