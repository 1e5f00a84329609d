"""The utility of the story: publishes, changes and takes back by the plot, and writes down what it is told."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, cast

from lxml import etree

from conformance.peers.vtn2b import Told, UtilityPeer
from conformance.soak.history import UTILITY, Answered, Asked, Down, Found, Ordered, Up
from conformance.story.cast import Cast, Write
from conformance.story.plot import (
    AWAY,
    DEEDS,
    MARKET,
    METER,
    OPT_BY,
    POLL,
    REPORT,
    SAMPLE,
    SITE,
    START,
    VTN_ID,
    WORDS,
    Deed,
    configuration,
    ends,
)
from gateway.domain.points import all_points
from gateway.domain.ports import Clock, Ids
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import OptType
from gateway.protocols.oadr2b.vtn_book import Book, Place, Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered as AnsweredFact
from gateway.protocols.oadr2b.vtn_facts import Delivered, Fact, Reported
from gateway.protocols.oadr2b.vtn_records import Record
from gateway.servers.vtn2b.app import HttpOptions
from gateway.transport.schemas import load_oadr20b_schema

Changes = dict[Place, Record | None]
REPORTED: Final = tuple(
    f"report {SITE}.{METER}.{what} {START + k * SAMPLE:%H:%M}"
    for k in range(8)
    for what in ("power", "energy")
)
"""What the utility must have been told by the end."""
schema: Callable[[], etree.XMLSchema] = cache(load_oadr20b_schema)
_FIRST: Final = -1
"""Before the first deed: the wish for reports."""


class KeptTurns:
    """A store that keeps every change of a VTN, so that another VTN can go on from any moment.

    Args:
        turns: What was kept before.
    """

    def __init__(self, turns: Sequence[Changes] = ()) -> None:
        self.turns = list(turns)

    async def load(self) -> Book:
        """Return everything that was kept."""
        book = Book()
        for changes in self.turns:
            book.take(changes)
        return book

    async def save(self, turn: Turn) -> None:
        """Keep what a turn changed."""
        self.turns.append(turn.changes)

    async def close(self) -> None:
        """Do nothing."""


class StoryUtility:
    """Plays the utility.

    Args:
        clock: Time.
        ids: Of its messages.
        schema: Compiled.
        write: Takes its marks.
        kept: What it knows; survives the gateway.
        port: 0 for any free one.
    """

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        schema: etree.XMLSchema,
        write: Write,
        kept: KeptTurns,
        port: int = 0,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._codec = Codec(schema)
        self._write = write
        self._kept = kept
        self._peer = self._make(port)
        self._url = ""
        self.done = _FIRST
        """Deeds done, the wish for reports not counted."""

    @property
    def url(self) -> str:
        """Return what the gateway is given; the same while nobody listens there."""
        return self._url

    @property
    def turns(self) -> Sequence[Changes]:
        """Return everything that it has kept so far."""
        return self._kept.turns

    async def start(self) -> None:
        """Listen."""
        await self._peer.start()
        self._url = self._peer.url

    async def stop(self) -> None:
        """Listen no longer."""
        await self._peer.stop()

    async def act(self) -> None:
        """Do what the plot says, from where it stands, then return; the caller holds a token of the clock."""
        if self.done == _FIRST:
            await self._peer.request_report(REPORT)
            self.done = 0
        away = self._clock.now() >= AWAY.start
        for deed in DEEDS[self.done :]:
            await self._clock.sleep_until(deed.at)
            await self._do(deed)
            self.done += 1
        if not away:
            await self._clock.sleep_until(AWAY.start)
            await self._leave()

    async def _leave(self) -> None:
        """Be away for a while, then come back to the same address."""
        port = self._peer.port
        self._write(Down(at=self._clock.now(), who=UTILITY))
        await self._peer.stop()
        await self._clock.sleep_until(AWAY.end)
        self._peer = self._make(port)
        await self._peer.start()
        self._write(Up(at=self._clock.now(), who=UTILITY))

    async def _do(self, deed: Deed) -> None:
        self._write(
            Ordered(
                at=self._clock.now(),
                event=deed.event.event_id,
                version=deed.version,
                sites=(SITE,),
                ends=ends(deed.event),
                cancels=deed.cancels,
                silence=OPT_BY,
            )
        )
        if deed.cancels:
            await self._peer.cancel(deed.event.event_id)
        elif deed.version:
            await self._peer.modify(deed.event)
        else:
            await self._peer.publish(deed.event)

    def _make(self, port: int) -> UtilityPeer:
        return UtilityPeer(
            VtnOptions(vtn_id=VTN_ID, poll_every=POLL),
            clock=self._clock,
            ids=self._ids,
            codec=self._codec,
            tls=None,
            port=port,
            store=self._kept,
            http=HttpOptions(requests_per_s=0),
            watch=self._hear,
        )

    def _hear(self, told: Told[Fact]) -> None:
        fact = told.fact
        if isinstance(fact, AnsweredFact):
            self._write(
                Answered(
                    at=told.at,
                    event=fact.event_id,
                    version=fact.version,
                    opt="in" if fact.opt is OptType.OPT_IN else "out",
                    delivery=fact.request_id,
                )
            )
        elif isinstance(fact, Delivered):
            self._write(Asked(at=told.at))
        elif isinstance(fact, Reported) and fact.starts_at >= START and fact.value is not None:
            key = f"report {fact.r_id} {fact.starts_at:%H:%M}"
            self._write(Found(at=told.at, key=key, content=str(fact.value)))


def _utility(clock: Clock, ids: Ids, write: Write, past: Sequence[object]) -> StoryUtility:
    turns = cast(Sequence[Changes], past)  # what a utility of this kind has kept
    return StoryUtility(clock, ids, schema(), write, KeptTurns(turns))


def _configure(folder: Path, url: str) -> Path:
    spoken = f"""\
protocol = "oadr20b"
url = "{url}"
ven_name = "story"
"""
    return configuration(folder, spoken, MARKET)


def _names(source: Mapping[str, str]) -> tuple[str, int]:
    return source["eventID"], int(source["modificationNumber"])


OADR20B: Final = Cast(
    utility=_utility,
    configure=_configure,
    words=WORDS,
    names=_names,
    event=lambda event_id: event_id,
    points=all_points(),
    told=REPORTED,
    settled="e1",
)
"""The story in OpenADR 2.0b."""
