"""The driver: remembers before it sends, and waits for no peer."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.app.virtual import VirtualClock
from gateway.domain.errors import GatewayError, MisuseError, SessionError, StoreError, WireError
from gateway.domain.event import EventKey, RawMessage
from gateway.domain.names import EventId, UtilityName
from gateway.domain.opting import Decision
from gateway.domain.participation import Opt, Participation
from gateway.domain.registering import Order, Standing
from gateway.northbound.driver import DECIDED_AT_ONCE, Driver
from gateway.northbound.items import Ordered
from gateway.protocols.actions import (
    Action,
    Close,
    Collect,
    Emit,
    Failure,
    Kept,
    Message,
    Readings,
    Reply,
    Send,
    Wake,
)
from gateway.protocols.parts import State
from tests.fakes import ScriptedPeer
from tests.intent_samples import EVENT

START = datetime(2025, 5, 3, 21, 40, tzinfo=UTC)
UTILITY = UtilityName("azp")
RAW = RawMessage(body=b"<x/>", media_type="application/xml", sha256="0", peer="", received_at=START)
DECISION = Participation(
    event=EventKey(utility=UTILITY, event_id=EventId("evt-1")),
    version=0,
    opt=Opt.IN,
    reason="committed",
    decided_at=START,
    by="site:a",
)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@dataclass
class ScriptedSession:
    """Does what a function says; writes down which doors were opened, and when."""

    act: Callable[[str, object, datetime], Sequence[Action]]
    doors: list[tuple[str, datetime]] = field(default_factory=list)
    state: bytes = b"{}"

    def _open(self, door: str, item: object, now: datetime) -> Sequence[Action]:
        self.doors.append((door, now))
        return self.act(door, item, now)

    def on_message(self, message: Message, now: datetime) -> Sequence[Action]:
        return self._open("message", message, now)

    def on_failure(self, failure: Failure, now: datetime) -> Sequence[Action]:
        return self._open("failure", failure, now)

    def on_time(self, now: datetime) -> Sequence[Action]:
        return self._open("time", None, now)

    def on_decisions(self, decisions: Sequence[Decision], now: datetime) -> Sequence[Action]:
        return self._open("decision", tuple(decisions), now)

    def on_readings(self, readings: Readings, now: datetime) -> Sequence[Action]:
        return self._open("readings", readings, now)

    def snapshot(self) -> bytes:
        return self.state


@dataclass
class Memory:
    """The sink: a list of commits, which may be told to refuse."""

    peer: ScriptedPeer
    refusals: list[str] = field(default_factory=list)
    waiting: list[Participation] = field(default_factory=list)
    commits: list[tuple[int, int, int]] = field(default_factory=list)
    """(events, answers taken, requests the peer had seen by then)."""

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        if self.refusals:
            raise StoreError(self.refusals.pop(0), "scripted")
        events = sum(len(emit.events) for emit in emits)
        self.commits.append((events, len(taken), len(self.peer.seen)))

    async def pending(self, utility: UtilityName) -> Sequence[Decision]:
        return self.waiting


async def no_readings(wanted: Collect) -> Readings:
    return Readings(key=wanted.key, series={})


async def drive(
    act: Callable[[str, object, datetime], Sequence[Action]],
    clock: VirtualClock,
    peer: ScriptedPeer,
    memory: Memory,
) -> ScriptedSession:
    session = ScriptedSession(act)
    await Driver(UTILITY, session, peer, memory, no_readings, clock).run()
    return session


async def test_an_event_is_remembered_before_its_answer_is_sent() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"EiEvent": [b"<ok/>"]})
    memory = Memory(peer)

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "time":
            return [
                Send(request_id="1", service="EiEvent", body=b"<created/>"),
                Emit(events=(EVENT,), raw=RAW),
            ]
        return [Close(reason="done")]

    await drive(act, clock, peer, memory)

    assert memory.commits[0] == (1, 0, 0)
    assert peer.seen == [("EiEvent", b"<created/>")]


async def test_nothing_is_sent_while_the_store_refuses() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"EiEvent": [b"<ok/>"]})
    memory = Memory(peer, refusals=["BUSY", "FULL"])

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "time":
            sent = Send(request_id="1", service="EiEvent", body=b"<created/>")
            return [Emit(events=(EVENT,), raw=RAW), sent]
        return [Close(reason="done")]

    session = await drive(act, clock, peer, memory)

    assert memory.commits[0] == (1, 0, 0)
    assert session.doors[1] == ("message", at(2))


async def test_a_store_that_cannot_be_trusted_stops_the_driver() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock)
    memory = Memory(peer, refusals=["FLUSH_FAILED"])

    with pytest.raises(StoreError):
        await drive(lambda *_: [Emit(events=(EVENT,), raw=RAW)], clock, peer, memory)
    assert peer.seen == []


async def test_a_peer_that_hangs_delays_no_wake_up() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"OadrPoll": [b"<late/>"]}, delay_s={"OadrPoll": 30})

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "message":
            return [Close(reason="done")]
        sends = [Send(request_id="p", service="OadrPoll", body=b"<p/>")] if now == START else []
        return [*sends, Wake(at=now + timedelta(seconds=10))]

    session = await drive(act, clock, peer, Memory(peer))

    assert session.doors == [
        ("time", at(0)),
        ("time", at(10)),
        ("time", at(20)),
        ("message", at(30)),
    ]


async def test_a_stored_answer_reaches_the_session_after_a_restart_and_is_marked_taken() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock)
    memory = Memory(peer, waiting=[DECISION])

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        return [Close(reason="done")] if door == "decision" else []

    await drive(act, clock, peer, memory)

    assert memory.commits[-1] == (0, 1, 0)


async def test_a_message_that_the_session_refuses_counts_as_a_failure() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"OadrPoll": [b"<bad/>"]})
    failures: list[object] = []

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "time":
            return [Send(request_id="p", service="OadrPoll", body=b"<p/>")]
        if door == "message":
            raise WireError("NOT_XML", "scripted")
        failures.append(item)
        return [Close(reason="done")]

    await drive(act, clock, peer, Memory(peer))

    assert failures == [Failure(request_id="p", reason="NOT_XML")]


async def test_a_decision_is_taken_while_an_exchange_is_in_flight() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"OadrPoll": [b"<late/>"]}, delay_s={"OadrPoll": 60})
    session = ScriptedSession(lambda *_: [])

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "time":
            return [Send(request_id="p", service="OadrPoll", body=b"<p/>")]
        return [Close(reason="done")] if door == "message" else []

    session.act = act
    driver = Driver(UTILITY, session, peer, Memory(peer), no_readings, clock)

    async def decide() -> None:
        with clock.held():
            await clock.sleep_until(at(5))
            driver.decide(DECISION)

    await asyncio.gather(driver.run(), decide())

    assert session.doors[1] == ("decision", at(5))


@pytest.mark.parametrize(("size", "aside"), [(1000, False), (64 << 10, False), (300_000, True)])
async def test_a_long_answer_is_thought_about_off_the_loop(size: int, aside: bool) -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"OadrPoll": [b"x" * size]})
    threads: dict[str, int] = {}

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        threads[door] = threading.get_ident()
        if door == "time":
            return [Send(request_id="1", service="OadrPoll", body=b"<poll/>")]
        return [Close(reason="done")]

    await drive(act, clock, peer, Memory(peer))

    assert threads["time"] == threading.get_ident()
    assert (threads["message"] != threading.get_ident()) is aside


async def test_a_door_on_a_thread_keeps_the_others_waiting() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"OadrPoll": [b"x" * 300_000]})
    inside: list[str] = []

    decided = threading.Event()

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        inside.append(f"in {door}")
        if door == "time":
            return [Send(request_id="1", service="OadrPoll", body=b"<poll/>")]
        if door == "message":
            loop.call_soon_threadsafe(decide)
            assert decided.wait(5), "the loop is not free"
        inside.append(f"out {door}")
        return [Close(reason="done")] if door == "decision" else []

    def decide() -> None:
        driver.decide(DECISION)
        loop.call_soon(decided.set)

    loop = asyncio.get_running_loop()
    driver = Driver(UTILITY, ScriptedSession(act), peer, Memory(peer), no_readings, clock)
    await driver.run()

    assert inside == ["in time", "in message", "out message", "in decision", "out decision"]


async def test_an_answer_that_nobody_handed_over_is_found_at_the_next_wake() -> None:
    """Kills: a session that hears of answers only by being told, once."""
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock))

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "decision":
            return [Close(reason="done")]
        # Committed by a transaction whose outcome its caller never heard: no poke follows.
        memory.waiting = [DECISION] if now > START else []
        return [Wake(at=now + timedelta(seconds=10))]

    session = await drive(act, clock, memory.peer, memory)

    assert session.doors == [("time", at(0)), ("time", at(10)), ("decision", at(20))]
    assert memory.commits[-1] == (0, 1, 0)


def _decisions(count: int) -> list[Participation]:
    return [
        replace(DECISION, event=replace(DECISION.event, event_id=EventId(f"e{number}")))
        for number in range(count)
    ]


async def test_answers_that_wait_together_cost_one_transaction_and_keep_their_order() -> None:
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock))
    taken: list[object] = []
    decisions = _decisions(DECIDED_AT_ONCE + 5)

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "decision":
            assert isinstance(item, tuple)
            taken.extend(item)
            return [Close(reason="done")] if len(taken) == len(decisions) else []
        return [Wake(at=at(10))]

    session = ScriptedSession(act)
    driver = Driver(UTILITY, session, memory.peer, memory, no_readings, clock)
    for decision in decisions:
        driver.decide(decision)
    await driver.run()

    assert taken == decisions
    assert [commit for commit in memory.commits if commit[1]] == [
        (0, DECIDED_AT_ONCE, 0),
        (0, 5, 0),
    ]


async def test_an_answer_that_the_session_refuses_does_not_keep_its_neighbours_back() -> None:
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock))
    taken: list[object] = []
    good, bad, last = _decisions(3)

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "decision":
            assert isinstance(item, tuple)
            if bad in item:
                raise MisuseError("PARTIAL_OPT", "scripted")
            taken.extend(item)
            return [Close(reason="done")] if last in item else []
        return [Wake(at=at(10))]

    session = ScriptedSession(act)
    driver = Driver(UTILITY, session, memory.peer, memory, no_readings, clock)
    for decision in (good, bad, last):
        driver.decide(decision)
    await driver.run()

    assert taken == [good, last]
    assert sum(commit[1] for commit in memory.commits) == 3, "the refused one is not offered again"


async def test_what_comes_in_behind_an_answer_keeps_its_place() -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"OadrPoll": [b"<ok/>"]})
    memory = Memory(peer)
    first, second = _decisions(2)
    refusals = ["BUSY"]

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "time" and refusals:
            memory.refusals, refusals[:] = list(refusals), []
            driver.decide(first)
            return [
                Emit(events=(EVENT,), raw=RAW),
                Send(request_id="1", service="OadrPoll", body=b"<p/>"),
            ]
        if door == "message":
            driver.decide(second)
        return [Close(reason="done")] if door == "decision" and second in item else []  # type: ignore[operator] # a tuple

    session = ScriptedSession(act)
    driver = Driver(UTILITY, session, peer, memory, no_readings, clock)
    await driver.run()

    assert [door for door, _ in session.doors] == ["time", "decision", "message", "decision"]


async def test_an_answer_found_in_the_store_and_handed_over_is_taken_once() -> None:
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock), waiting=[DECISION])
    session = ScriptedSession(
        lambda door, _, now: (
            [Close(reason="done")] if now > START else [Wake(at=at(10))] if door == "time" else []
        )
    )
    driver = Driver(UTILITY, session, memory.peer, memory, no_readings, clock)
    driver.decide(DECISION)

    await driver.run()

    assert [door for door, _ in session.doors].count("decision") == 1


@pytest.mark.parametrize("reason", ["BUSY", "FULL", "NO_MEMORY", "UNKNOWN_OUTCOME"])
async def test_a_commit_that_may_not_have_happened_is_tried_again_before_anything_is_sent(
    reason: str,
) -> None:
    clock = VirtualClock(START)
    peer = ScriptedPeer(clock, {"EiEvent": [b"<ok/>"]})
    memory = Memory(peer, refusals=[reason, reason])

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "time":
            sent = Send(request_id="1", service="EiEvent", body=b"<created/>")
            return [Emit(events=(EVENT,), raw=RAW), sent]
        return [Close(reason="done")]

    await drive(act, clock, peer, memory)

    assert memory.commits[0] == (1, 0, 0)
    assert len(peer.seen) == 1


async def test_on_a_full_disk_what_is_cancelled_is_stored_and_the_session_begins_anew() -> None:
    """Kills: a driver that waits for ever with an event, and hears of no cancellation meanwhile."""
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock))
    gone = replace(EVENT, event_id=EventId("evt-2"), cancelled_at=START)

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        return [Emit(events=(EVENT, gone), raw=RAW)]

    class FullForNew(Memory):
        async def accept(
            self,
            utility: UtilityName,
            emits: Sequence[Emit],
            state: State,
            taken: Sequence[Decision],
            kept: Sequence[Kept] = (),
        ) -> None:
            if any(event.cancelled_at is None for emit in emits for event in emit.events):
                raise StoreError("FULL", "scripted")
            assert state == b"", "the stored state stays"
            await super().accept(utility, emits, state, taken, kept)

    full = FullForNew(memory.peer)
    with pytest.raises(StoreError, match="FULL"):
        await drive(act, clock, memory.peer, full)

    assert full.commits == [(1, 0, 0)]
    assert timedelta(seconds=20) < clock.now() - START < timedelta(minutes=1)


# --- requests of the utility


def pushes(
    replies: Sequence[Action],
) -> Callable[[str, object, datetime], Sequence[Action]]:
    """Answer every request so, and close when asked to at the second time door."""

    def act(door: str, item: object, now: datetime) -> Sequence[Action]:
        if door == "time":
            return (
                [Close(reason="done")] if now > START else [Wake(at=START + timedelta(seconds=60))]
            )
        return replies

    return act


@dataclass
class SlowMemory(Memory):
    """A commit takes its time, in which an answer that is given too early is seen."""

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        for _ in range(20):
            await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, no time
        await super().accept(utility, emits, state, taken, kept)


async def asked(
    replies: Sequence[Action], *, refusals: Sequence[str] = (), times: int = 1
) -> tuple[list[Reply], Memory, list[str]]:
    """Let the utility ask at once as often as wished; return the replies, the commits and the points passed."""
    clock = VirtualClock(START)
    memory = SlowMemory(ScriptedPeer(clock, {}), refusals=list(refusals))
    points: list[str] = []
    driver = Driver(
        UTILITY,
        ScriptedSession(pushes(replies)),
        memory.peer,
        memory,
        no_readings,
        clock,
        watch=points.append,
    )
    request = Message(request_id="", service="EiEvent", body=b"<event/>")
    found: list[Reply] = []

    async def utility() -> None:
        with clock.held():
            found.append(await driver.ask(request))
            found[-1] = replace(found[-1], body=b"%d %s" % (len(memory.commits), found[-1].body))

    with clock.held():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(driver.run())
            for _ in range(times):
                tasks.create_task(utility())
            await clock.sleep_until(START + timedelta(seconds=90))
    return found, memory, points


async def test_a_request_is_answered_after_the_commit() -> None:
    event = Emit(events=(EVENT,), raw=RAW)

    (reply,), memory, points = await asked([Reply(body=b"<ok/>"), event])

    assert reply.status == 200
    assert memory.commits == [(0, 0, 0), (1, 0, 0)]
    assert reply.body == b"2 <ok/>"  # both commits had been made when the reply came
    assert "door.push" in points


async def test_a_request_waits_for_a_busy_store_and_is_put_off_in_the_end() -> None:
    event = Emit(events=(EVENT,), raw=RAW)

    (soon,), *_ = await asked([Reply(body=b"<ok/>"), event], refusals=["BUSY"] * 3)
    (late,), memory, _ = await asked([Reply(body=b"<ok/>"), event], refusals=["BUSY"] * 30)

    assert soon.status == 200
    assert late.status == 503
    assert memory.commits[-1] == (1, 0, 0)  # done all the same, so that a repetition finds it


async def test_a_session_that_has_nothing_to_say_answers_500() -> None:
    (reply,), *_ = await asked([])

    assert reply.status == 500


async def test_more_requests_than_can_wait_are_put_off_at_once() -> None:
    replies, *_ = await asked([Reply(body=b"")], refusals=[], times=40)

    assert [reply.status for reply in replies].count(503) == 40 - 16
    assert [reply.status for reply in replies].count(200) == 16


async def test_a_session_that_is_over_puts_requests_off() -> None:
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock, {}))
    session = ScriptedSession(lambda *_: [Close(reason="done")])
    driver = Driver(UTILITY, session, memory.peer, memory, no_readings, clock)
    await driver.run()

    with clock.held():
        reply = await driver.ask(Message(request_id="", service="EiEvent", body=b""))

    assert reply.status == 503


# --- what an operator orders


class OrderedSession(ScriptedSession):
    """One that knows registrations."""

    def standing(self) -> Standing:
        return Standing(state="registered")

    def on_order(self, order: Order, now: datetime) -> Sequence[Action]:
        return self._open(f"order {order}", order, now)


def refuse_queries(door: str, _: object, now: datetime) -> Sequence[Action]:
    if door == "order query":
        raise SessionError("OUT_OF_SEQUENCE", "not now")
    return [Close(reason="done")] if door == "order cancel" else []


async def ordered_in_turn(
    driver: Driver, clock: VirtualClock, orders: Sequence[Order]
) -> list[str]:
    """Give orders one after the other; return what became of each."""
    found: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        with clock.held():
            for order in orders:
                wanted = Ordered(order, clock.mailbox())
                driver.order(wanted)
                try:
                    await wanted.wait(at(60))
                except GatewayError as error:
                    found.append(error.reason)
                else:
                    found.append("done")
    return found


async def test_an_order_ends_once_what_follows_from_it_is_stored() -> None:
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock, {}))
    session = OrderedSession(refuse_queries)
    driver = Driver(UTILITY, session, memory.peer, memory, no_readings, clock)

    found = await ordered_in_turn(driver, clock, [Order.QUERY, Order.RENEW, Order.CANCEL])

    assert found == ["OUT_OF_SEQUENCE", "done", "done"]
    late = Ordered(Order.RENEW, clock.mailbox())
    driver.order(late)
    with clock.held(), pytest.raises(SessionError, match="REFUSED"):
        await late.wait(at(60))


async def test_a_session_that_had_closed_begins_with_the_order_that_wants_it_back() -> None:
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock, {}))
    session = OrderedSession(lambda *_: [Close(reason="done")])
    first = Ordered(Order.RENEW, clock.mailbox())

    await Driver(UTILITY, session, memory.peer, memory, no_readings, clock, first=first).run()

    assert [door for door, _ in session.doors] == ["order renew"]
    with clock.held():
        await first.wait(at(60))


async def test_a_protocol_without_registrations_refuses_orders() -> None:
    clock = VirtualClock(START)
    memory = Memory(ScriptedPeer(clock, {}))
    first = Ordered(Order.RENEW, clock.mailbox())
    session = ScriptedSession(lambda *_: [Close(reason="done")])

    await Driver(UTILITY, session, memory.peer, memory, no_readings, clock, first=first).run()

    with clock.held(), pytest.raises(SessionError, match="REFUSED"):
        await first.wait(at(60))
