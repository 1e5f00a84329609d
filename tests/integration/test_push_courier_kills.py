"""A utility that pushes is killed around each commit and each request, and started again: nothing is lost or late."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from gateway.app.virtual import VirtualClock
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Book, Place, Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_push import Push
from gateway.protocols.oadr2b.vtn_records import (
    DeliveryRecord,
    QueueRecord,
    Record,
    RequestRecord,
)
from gateway.protocols.oadr2b.vtn_requests import RequestState
from gateway.servers.vtn2b.courier import Courier
from gateway.servers.vtn2b.desk import VtnDesk
from gateway.transport.client import Answer
from tests.fakes import CountedIds
from tests.oadr2b_world import CODEC
from tests.vtn_story import event, response, usage_metadata, wish

START = datetime(2026, 5, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
R = TypeVar("R", bound=Record)
Deed = Callable[["Life"], Awaitable[object]]


class Killed(BaseException):
    """The process is gone; nothing in it may catch this."""


@dataclass
class Fate:
    """Counts steps and kills at one of them; what is dead stays dead."""

    at: int
    step: int = 0
    dead: bool = False
    names: list[str] = field(default_factory=list)

    def pass_by(self, name: str) -> None:
        self.step += 1
        self.names.append(name)
        if self.dead or self.step == self.at:
            self.dead = True
            raise Killed(name)


@dataclass
class Disk:
    """What outlives the process."""

    fate: Fate
    kept: dict[Place, Record | None] = field(default_factory=dict)

    async def load(self) -> Book:
        book = Book()
        book.take(dict(self.kept))
        return book

    async def save(self, turn: Turn) -> None:
        self.fate.pass_by("commit.before")
        self.kept.update(turn.changes)
        self.fate.pass_by("commit.after")

    async def close(self) -> None:
        pass


@dataclass
class Site:
    """The VEN: takes each push, answers events by messages of its own, repeats what was not acknowledged."""

    fate: Fate
    clock: VirtualClock
    versions: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    owed: dict[str, int] = field(default_factory=dict)

    async def post(self, push: Push, body: bytes) -> Answer:
        self.fate.pass_by("send.before")
        await self.clock.sleep_until(self.clock.now() + SECOND / 10)
        reply = self.hear(CODEC.decode(body), push.ven_id)
        self.fate.pass_by("send.after")
        return Answer(
            status=200,
            body=CODEC.encode(reply) if reply else b"",
            media_type="application/xml",
            peer_der=None,
            date=None,
            retry_after=None,
        )

    def hear(self, message: wire.Message, ven_id: str) -> wire.Message | None:
        match message:
            case wire.OadrDistributeEvent():
                for one in message.oadr_events:
                    descriptor = one.ei_event.event_descriptor
                    self.versions.append(descriptor.modification_number)
                    self.owed[descriptor.event_id] = descriptor.modification_number
                return None
            case wire.OadrCreateReport():
                ids = [one.report_request_id for one in message.oadr_report_requests]
                self.requests += ids
                return wire.OadrCreatedReport(
                    ei_response=wire.EiResponse(request_id=message.request_id),
                    oadr_pending_reports=tuple(ids),
                    ven_id=ven_id,
                )
            case wire.OadrRegisterReport():
                told = wire.EiResponse(request_id=message.request_id)
                return wire.OadrRegisteredReport(ei_response=told, ven_id=ven_id)
            case _:
                raise AssertionError(message)


@dataclass
class Life:
    """One run of the utility's process, with the VEN beside it."""

    desk: VtnDesk
    site: Site

    async def say(self, service: str, message: wire.Message) -> wire.Message | None:
        return await self.desk.answer(service, message, "")

    async def register(self) -> None:
        message = wire.OadrCreatePartyRegistration(
            request_id="r",
            ven_id="v0",
            oadr_http_pull_model=False,
            oadr_transport_address="http://ven.example/x",
        )
        await self.say("EiRegisterParty", message)

    async def offer(self) -> None:
        await self.say(
            "EiReport",
            wire.OadrRegisterReport(request_id="m", oadr_reports=(usage_metadata(),), ven_id="v0"),
        )

    async def publish(self) -> None:
        spec = event(start=START + 60 * MINUTE).message()
        await self.desk.open(lambda now: self.desk.vtn.publish(spec, (), now))

    async def modify(self) -> None:
        spec = event(start=START + 70 * MINUTE).message()
        await self.desk.open(lambda now: self.desk.vtn.modify(spec, now))

    async def want(self) -> None:
        await self.desk.open(lambda now: self.desk.vtn.want_all((wish(),), now))

    async def cancel(self) -> None:
        await self.desk.open(lambda now: self.desk.vtn.cancel("e1", now))

    async def answer(self) -> None:
        """Answer what the VEN owes; it forgets that only when it was acknowledged."""
        for event_id, version in list(self.site.owed.items()):
            message = wire.OadrCreatedEvent(
                ei_response=wire.EiResponse(request_id=""),
                ven_id="v0",
                event_responses=(response(event_id, version, wire.OptType.OPT_IN),),
            )
            await self.say("EiEvent", message)
            if self.site.owed.get(event_id) == version:
                del self.site.owed[event_id]


DEEDS: tuple[Deed, ...] = (
    Life.register,
    Life.offer,
    Life.publish,
    Life.answer,
    Life.modify,
    Life.answer,
    Life.want,
    Life.cancel,
    Life.answer,
)
_DONE = {"EVENT_EXISTS", "EVENT_ENDED", "WANT_EXISTS"}
"""What an operator is told who repeats what had been stored before the kill."""


class Halfway:
    """Chance that always falls in the middle."""

    def randint(self, low: int, high: int) -> int:
        return (low + high) // 2

    def random(self) -> float:
        return 0.5


async def live(life: Life, clock: VirtualClock, left: list[Deed]) -> None:
    """Do what is left, five seconds apart; a deed that was broken off stays left."""
    while left:
        try:
            await left[0](life)
        except MisuseError as error:
            assert error.reason in _DONE, error
        del left[0]
        await clock.sleep_until(clock.now() + 5 * SECOND)
    for _ in range(2):
        await clock.sleep_until(clock.now() + 3 * MINUTE)
        await life.answer()


async def played(kill_at: int) -> tuple[Fate, Site, Disk]:
    """Play the story with one kill; return what came of it."""
    clock = VirtualClock(START, on_stuck=print)
    fate = Fate(kill_at)
    disk, site, ids = Disk(fate), Site(fate, clock), CountedIds()
    left = list(DEEDS)
    with clock.held():
        while True:
            vtn = Vtn(VtnOptions(vtn_id="vtn", push=True), ids, await disk.load())
            desk = VtnDesk(vtn, disk, clock, lambda fact, at: None)
            running = asyncio.create_task(Courier(desk, CODEC, clock, Halfway(), site).run())
            with suppress(Killed):
                await live(Life(desk, site), clock, left)
            running.cancel()
            with suppress(asyncio.CancelledError, Killed, BaseExceptionGroup):
                await running
            if not fate.dead:
                return fate, site, disk
            fate.dead = False
            await clock.sleep_until(clock.now() + 10 * SECOND)


def records(disk: Disk, kind: type[R]) -> list[R]:
    return [one for one in disk.kept.values() if isinstance(one, kind)]


@pytest.mark.slow
async def test_a_kill_at_any_step_loses_nothing_and_keeps_the_order() -> None:
    calm, _, _ = await played(0)
    assert set(calm.names) == {"commit.before", "commit.after", "send.before", "send.after"}
    assert calm.names.count("send.after") >= 5

    for kill_at in range(calm.step + 1):
        _, site, disk = await played(kill_at)
        where = (kill_at, site.versions)

        assert records(disk, QueueRecord) == [], where
        assert site.versions == sorted(site.versions), where
        assert site.versions[-1] == 2, where
        assert [one.answered_version for one in records(disk, DeliveryRecord)] == [2], where
        assert len(set(site.requests)) == 1, where
        assert [one.state for one in records(disk, RequestRecord)] == [RequestState.PENDING], where
