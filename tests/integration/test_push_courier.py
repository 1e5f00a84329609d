"""The courier of a utility that pushes: in order, one at a time, patient with the dead and quick with the living."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from gateway.app.virtual import VirtualClock
from gateway.domain.errors import TransportError
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Delivered, Fact, GaveUp
from gateway.protocols.oadr2b.vtn_push import Push
from gateway.protocols.oadr2b.vtn_records import QueueRecord
from gateway.servers.vtn2b.courier import Courier, CourierOptions
from gateway.servers.vtn2b.desk import VtnDesk
from gateway.servers.vtn2b.store import MemoryStore
from gateway.transport.client import Answer
from tests.fakes import CountedIds
from tests.oadr2b_world import CODEC
from tests.vtn_story import event

START = datetime(2026, 5, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Halfway:
    """Chance that always falls in the middle, so that waits are what they are without their spread."""

    def randint(self, low: int, high: int) -> int:
        return (low + high) // 2

    def random(self) -> float:
        return 0.5


def answer(status: int = 200, body: bytes = b"", after: timedelta | None = None) -> Answer:
    return Answer(
        status=status,
        body=body,
        media_type="application/xml",
        peer_der=None,
        date=None,
        retry_after=after,
    )


@dataclass
class Vens:
    """Every VEN there is: takes a while to answer, as it is told to."""

    clock: VirtualClock
    behave: Callable[[Push], Answer] = lambda _: answer()
    takes: Callable[[str], float] = lambda _: 0.1
    seen: list[tuple[datetime, str, wire.Message]] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    most_of_one: int = 0
    most_of_all: int = 0

    async def post(self, push: Push, body: bytes) -> Answer:
        message = CODEC.decode(body)
        self.seen.append((self.clock.now(), push.ven_id, message))
        self.under_way[push.ven_id] += 1
        self.most_of_one = max(self.most_of_one, self.under_way[push.ven_id])
        self.most_of_all = max(self.most_of_all, self.under_way.total())
        try:
            seconds = self.takes(push.ven_id)
            await self.clock.sleep_until(self.clock.now() + timedelta(seconds=seconds))
            return self.behave(push)
        finally:
            self.under_way[push.ven_id] -= 1

    def kinds(self, ven_id: str = "v0") -> list[str]:
        return [type(message).__name__ for _, ven, message in self.seen if ven == ven_id]

    def times(self, kind: type) -> list[float]:
        return [
            round((at - START).total_seconds(), 3)
            for at, _, message in self.seen
            if isinstance(message, kind)
        ]


@dataclass
class World:
    clock: VirtualClock
    desk: VtnDesk
    vens: Vens
    facts: list[Fact]
    courier: Courier

    async def register(self, name: str, address: str = "http://ven.example/x") -> None:
        message = wire.OadrCreatePartyRegistration(
            request_id="r",
            ven_id=name,
            oadr_http_pull_model=False,
            oadr_transport_address=address,
        )
        reply = await self.desk.answer("EiRegisterParty", message, "")
        assert isinstance(reply, wire.OadrCreatedPartyRegistration)
        assert reply.ei_response.is_success, reply

    async def publish(self, event_id: str = "e1") -> None:
        spec = event(event_id, start=self.clock.now() + 60 * MINUTE).message()
        await self.desk.open(lambda now: self.desk.vtn.publish(spec, (), now))

    def queued(self, ven_id: str = "v0") -> list[str]:
        page = self.desk.vtn.page(self.clock.now())
        return [item.waiting.value for item in page.all(QueueRecord, ven_id)]


@asynccontextmanager
async def world(*names: str, options: CourierOptions | None = None) -> AsyncIterator[World]:
    """Run a utility whose VENs are values; it has registered those named."""
    clock = VirtualClock(START, on_stuck=print)
    facts: list[Fact] = []
    vtn = Vtn(VtnOptions(vtn_id="vtn", push=True), CountedIds())
    desk = VtnDesk(vtn, MemoryStore(), clock, lambda fact, _: facts.append(fact))
    vens = Vens(clock)
    courier = Courier(desk, CODEC, clock, Halfway(), vens, options or CourierOptions())
    running = asyncio.create_task(courier.run())
    with clock.held():
        try:
            found = World(clock, desk, vens, facts, courier)
            for name in names or ("v0",):
                await found.register(name)
            yield found
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def registered(push: Push) -> Answer:
    """Answer as a well-behaved VEN does."""
    if isinstance(push.message, wire.OadrRegisterReport):
        ok = wire.EiResponse(request_id=push.message.request_id)
        return answer(
            body=CODEC.encode(wire.OadrRegisteredReport(ei_response=ok, ven_id=push.ven_id))
        )
    return answer()


@pytest.mark.spec("OpenADR 2.0b section 9.1.7")
async def test_waits_are_a_second_doubled_each_time_up_to_the_cap() -> None:
    async with world() as w:

        def refuse(_: Push) -> Answer:
            raise TransportError("CONNECT", "nobody there")

        w.vens.behave, w.vens.takes = refuse, lambda _: 0
        await w.clock.sleep_until(START + 5 * MINUTE)
        standing = w.courier.standing["v0"]

    assert w.vens.times(wire.OadrRegisterReport) == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert standing.failures == 10
    assert standing.last_failure == "CONNECT"
    assert w.queued() == ["register_report"]


@pytest.mark.spec("OpenADR 2.0b section 8.6")
async def test_messages_go_out_in_order_and_one_at_a_time() -> None:
    async with world() as w:
        w.vens.behave, w.vens.takes = registered, lambda _: 3.0
        await w.publish("e1")
        await w.clock.sleep_until(START + SECOND)
        await w.publish("e2")
        await w.clock.sleep_until(START + 30 * SECOND)

    assert w.vens.kinds()[:2] == ["OadrRegisterReport", "OadrDistributeEvent"]
    assert w.vens.most_of_one == 1
    last = w.vens.seen[-1][2]
    assert isinstance(last, wire.OadrDistributeEvent)
    assert len(last.oadr_events) == 2
    assert last.ei_response is None


@pytest.mark.spec("OpenADR 2.0b section 8.6")
async def test_an_event_published_while_a_push_is_on_its_way_is_pushed_right_after_it() -> None:
    async with world() as w:
        w.vens.behave, w.vens.takes = registered, lambda _: 3.0
        await w.clock.sleep_until(START + 10 * SECOND)
        await w.publish("e1")
        await w.clock.sleep_until(START + 12 * SECOND)
        await w.publish("e2")
        await w.clock.sleep_until(START + 20 * SECOND)
        pushed = [m for _, _, m in w.vens.seen if isinstance(m, wire.OadrDistributeEvent)]

    assert [len(m.oadr_events) for m in pushed] == [1, 2]
    assert pushed[0].request_id != pushed[1].request_id
    assert w.vens.times(wire.OadrDistributeEvent) == [10, 13]


@pytest.mark.spec("OpenADR 2.0b rule 344")
@pytest.mark.spec("OpenADR 2.0b case R0_8120")
async def test_a_request_inside_the_reply_to_metadata_is_answered_by_a_push() -> None:
    async with world() as w:

        def asks(push: Push) -> Answer:
            if not isinstance(push.message, wire.OadrRegisterReport):
                return answer()
            specifier = wire.ReportSpecifier(
                report_specifier_id="METADATA",
                granularity=timedelta(0),
                report_back_duration=timedelta(0),
                specifier_payloads=(wire.SpecifierPayload(r_id="0"),),
            )
            wanted = wire.OadrReportRequest(report_request_id="m2", report_specifier=specifier)
            first = push.message.report_request_id is None
            reply = wire.OadrRegisteredReport(
                ei_response=wire.EiResponse(request_id=push.message.request_id),
                oadr_report_requests=(wanted,) if first else (),
                ven_id=push.ven_id,
            )
            return answer(body=CODEC.encode(reply))

        w.vens.behave = asks
        await w.clock.sleep_until(START + 10 * SECOND)
        created = [m for _, _, m in w.vens.seen if isinstance(m, wire.OadrCreatedReport)]
        asked = [m for _, _, m in w.vens.seen if isinstance(m, wire.OadrRegisterReport)]

    assert w.vens.kinds() == ["OadrRegisterReport", "OadrCreatedReport", "OadrRegisterReport"]
    assert [m.oadr_pending_reports for m in created] == [("m2",)]
    assert created[0].ei_response.request_id == asked[0].request_id
    assert asked[1].report_request_id == "m2"
    assert w.queued() == []


async def test_a_reply_settles_what_it_answers_and_an_event_waits_for_its_answer() -> None:
    async with world() as w:
        w.vens.behave = registered
        await w.publish()
        await w.clock.sleep_until(START + 50 * SECOND)
        before = w.queued()
        await w.clock.sleep_until(START + 70 * SECOND)  # pushed again, as nobody answered
        distributed = w.vens.kinds().count("OadrDistributeEvent")
        created = wire.OadrCreatedEvent(
            ei_response=wire.EiResponse(request_id=""),
            ven_id="v0",
            event_responses=(
                wire.EventResponse(
                    response_code="200",
                    request_id="x",
                    qualified_event_id=wire.QualifiedEventId(event_id="e1", modification_number=0),
                    opt_type=wire.OptType.OPT_IN,
                ),
            ),
        )
        await w.desk.answer("EiEvent", created, "")
        await w.clock.sleep_until(START + 10 * MINUTE)

    assert before == ["events"]
    assert distributed == 2
    assert w.vens.kinds().count("OadrDistributeEvent") == 2
    assert w.queued() == []


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
@pytest.mark.parametrize("status", [404, 406, 501])
async def test_what_a_ven_will_never_take_is_given_up_and_the_next_goes_out(status: int) -> None:
    async with world() as w:
        w.vens.behave = lambda push: (
            answer(status) if isinstance(push.message, wire.OadrRegisterReport) else answer()
        )
        await w.publish()
        await w.clock.sleep_until(START + 10 * SECOND)

    assert w.vens.kinds() == ["OadrRegisterReport", "OadrDistributeEvent"]
    assert [fact.waiting.value for fact in w.facts if isinstance(fact, GaveUp)] == [
        "register_report"
    ]


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
async def test_a_ven_that_asks_to_be_left_alone_is() -> None:
    async with world() as w:
        w.vens.behave = lambda _: answer(503, after=90 * SECOND)
        w.vens.takes = lambda _: 0
        await w.clock.sleep_until(START + 80 * SECOND)
        await w.publish()
        early = len(w.vens.seen)
        await w.clock.sleep_until(START + 100 * SECOND)

    assert early == 1
    assert w.vens.times(wire.OadrRegisterReport) == [0, 90]


async def test_a_ven_that_is_not_registered_yet_is_tried_again_and_not_for_ever() -> None:
    refusal = CODEC.encode(
        wire.OadrResponse(ei_response=wire.EiResponse(response_code="463", request_id=""))
    )
    async with world() as w:
        w.vens.behave, w.vens.takes = lambda _: answer(body=refusal), lambda _: 0
        await w.clock.sleep_until(START + 60 * MINUTE)

    assert len(w.vens.times(wire.OadrRegisterReport)) == 21
    assert [fact for fact in w.facts if isinstance(fact, GaveUp)]
    assert not [fact for fact in w.facts if isinstance(fact, Delivered)]


async def test_a_new_registration_is_pushed_to_at_once_whatever_the_wait() -> None:
    async with world() as w:

        def at_home(push: Push) -> Answer:
            if "new" not in push.root:
                raise TransportError("CONNECT", "nobody there")
            return registered(push)

        w.vens.behave, w.vens.takes = at_home, lambda _: 0
        await w.clock.sleep_until(START + 2 * MINUTE + 10 * SECOND)  # waiting for a minute now
        await w.register("v0", "http://new.example")
        await w.clock.sleep_until(w.clock.now() + SECOND)

    assert w.queued() == []


async def test_a_ven_that_polls_again_is_not_pushed_to() -> None:
    async with world() as w:

        def refuse(_: Push) -> Answer:
            raise TransportError("CONNECT", "nobody there")

        w.vens.behave = refuse
        await w.clock.sleep_until(START + 10 * SECOND)
        polls = wire.OadrCreatePartyRegistration(
            request_id="r", ven_id="v0", oadr_http_pull_model=True
        )
        await w.desk.answer("EiRegisterParty", polls, "")
        seen = len(w.vens.seen)
        await w.clock.sleep_until(START + 10 * MINUTE)

    assert len(w.vens.seen) == seen


@pytest.mark.parametrize(
    "address", ["", "ftp://x", "https://u:p@ven.example", "https://ven.example/?q", "x" * 2000]
)
async def test_an_address_that_cannot_be_pushed_to_is_refused(address: str) -> None:
    async with world() as w:
        with pytest.raises(AssertionError, match="459"):
            await w.register("v9", address)


async def test_the_dead_do_not_hold_up_the_living() -> None:
    dead, living = [f"d{n:03}" for n in range(300)], [f"l{n:03}" for n in range(300)]
    options = CourierOptions(at_once=32, in_doubt=8)
    async with world(*dead, *living, options=options) as w:

        def at_home(push: Push) -> Answer:
            if push.ven_id.startswith("d"):
                raise TransportError("TIMEOUT", "no answer")
            return registered(push)

        w.vens.behave = at_home
        w.vens.takes = lambda ven_id: 30.0 if ven_id.startswith("d") else 0.1
        await w.clock.sleep_until(START + 10 * MINUTE)  # the dead are known by now
        w.vens.seen.clear()
        w.vens.most_of_all = 0
        published = w.clock.now()
        await w.publish()
        await w.clock.sleep_until(published + 20 * SECOND)
        served = {
            ven: at - published
            for at, ven, message in w.vens.seen
            if ven.startswith("l") and isinstance(message, wire.OadrDistributeEvent)
        }

    assert len(served) == 300
    assert max(served.values()) <= 2 * SECOND
    assert w.vens.most_of_all <= 40
    assert w.vens.most_of_one == 1
