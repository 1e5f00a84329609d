"""What fails by its own content, or takes the process with it, is set aside; its neighbours go on (R-OUT-4)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.domain.errors import MisuseError, StoreError
from gateway.domain.event import GridEvent
from gateway.domain.names import EventId
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.pipeline.ports import Timer
from gateway.settlement.records import logged
from gateway.store.begun import SUFFIX, FileAttempts
from tests.intent_samples import EVENT
from tests.pipeline_story import (
    MINUTE,
    House,
    cancelled,
    key,
    level,
    modified,
    opened,
    opts,
)
from tests.store_fakes import MemoryStore, MemoryWork, State

T = TypeVar("T")
NEIGHBOUR = replace(EVENT, event_id=EventId("evt-2"))


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class PoisonStore(MemoryStore):
    """Ends otherwise when a transaction would leave something that it cannot stand."""

    poisoned: Callable[[Step, State, State], bool] = lambda step, before, after: False
    end: Callable[[], BaseException] = KilledError
    tried: list[Step] = field(default_factory=list)

    async def write(self, job: Callable[[MemoryWork], T], step: Step = Step.OTHER) -> T:
        """Run on a copy; what happens to it decides about the process."""
        copy = self.state.copy()
        value = job(MemoryWork(copy, self.identity, writable=True))
        if self.poisoned(step, self.state, copy):
            self.tried.append(step)
            raise self.end()
        self.state = copy
        return value


def holds(event_id: str, version: int) -> Callable[[Step, State, State], bool]:
    """Say that an event cannot be stored."""
    wanted = (key(event_id), version)

    def poisoned(step: Step, before: State, after: State) -> bool:
        del step
        return any(at[:2] == wanted for at in after.events.keys() - before.events.keys())

    return poisoned


async def poisoned_house(
    end: Callable[[], BaseException], version: int = EVENT.version
) -> tuple[House, PoisonStore]:
    store = PoisonStore(end=end)
    house = await opened(House(store=store))
    store.poisoned = holds("evt-1", version)
    return house, store


async def asides(house: House) -> list[dict[str, object]]:
    found = [logged(e.index, e.record).document for e in await house.entries("audit")]
    return [dict(document) for document in found if document.get("word") == "set_aside"]


async def start_and_deliver(house: House, *events: GridEvent) -> bool:
    """Start anew and let the utility repeat itself; False when the process dies of it."""
    house.restart()
    try:
        await house.deliver(*events)
    except KilledError:
        return False
    return True


async def test_an_event_that_fails_by_its_content_is_set_aside_at_once() -> None:
    house, store = await poisoned_house(lambda: MisuseError("POISON", "cannot be taken in"))
    with house.clock.held():
        await house.deliver(EVENT, NEIGHBOUR)

        (aside,) = await asides(house)
        assert (aside["reason"], aside["raw_sha256"]) == ("POISON", EVENT.raw_sha256)
        raw = await store.read(lambda work: work.events.raw(EVENT.raw_sha256))
        assert raw is not None
        assert raw.body == b"evt-1"
        assert opts(house.told) == [(Opt.OUT, "unusable")]
        assert (await house.record(event_id="evt-2")).intent.id == house.id_of(event_id="evt-2")
        assert house.attempts.counts == {}


async def test_an_event_that_kills_the_process_is_set_aside_at_the_third_start() -> None:
    house, store = await poisoned_house(KilledError)
    with house.clock.held():
        assert not await start_and_deliver(house, EVENT, NEIGHBOUR)
        assert not await start_and_deliver(house, EVENT, NEIGHBOUR)
        assert await start_and_deliver(house, EVENT, NEIGHBOUR)

        assert store.tried == [Step.INTAKE] * 2
        (aside,) = await asides(house)
        assert (aside["reason"], aside["version"]) == ("KILLED", EVENT.version)
        assert opts(house.told) == [(Opt.OUT, "unusable")]
        assert (await house.record(event_id="evt-2")).opt is None
        assert house.attempts.counts == {}


async def test_what_is_set_aside_never_holds_back_a_newer_version() -> None:
    house, _ = await poisoned_house(KilledError)
    with house.clock.held():
        for _start in range(3):
            await start_and_deliver(house, EVENT)
        assert await start_and_deliver(house, modified(EVENT, house))
        await house.commit()

        assert opts(house.told)[-1] == (Opt.IN, "committed")


@pytest.mark.parametrize("end", [KilledError, lambda: MisuseError("POISON", "no")])
async def test_what_a_poisoned_version_replaces_ends(end: Callable[[], BaseException]) -> None:
    house, _ = await poisoned_house(end, version=EVENT.version + 1)
    with house.clock.held():
        await house.deliver(EVENT)
        await house.commit()
        for _start in range(3):
            await start_and_deliver(house, modified(EVENT, house))

        record = await house.record()
        assert record.intent.cancelled_at is not None
        assert (await asides(house))[0]["older_versions"] == "ended"
        assert opts(house.told)[-1] == (Opt.OUT, "unusable")


async def test_a_poisoned_cancellation_still_ends_the_obligation() -> None:
    house, _ = await poisoned_house(KilledError, version=EVENT.version + 1)
    with house.clock.held():
        await house.deliver(EVENT)
        await house.commit()
        told = len(house.told)
        for _start in range(3):
            await start_and_deliver(house, cancelled(EVENT, house.now))

        assert (await house.record()).intent.cancelled_at is not None
        assert len(house.told) == told


async def test_a_store_that_is_busy_does_not_count_against_an_event() -> None:
    house, store = await poisoned_house(lambda: StoreError("BUSY", "later"))
    with house.clock.held():
        for _try in range(5):
            with pytest.raises(StoreError):
                await house.deliver(EVENT)
        store.poisoned = lambda step, before, after: False
        await house.deliver(EVENT)

        assert await asides(house) == []
        assert (await house.record()).opt is None


async def test_a_timer_that_kills_the_process_is_set_aside_and_its_neighbours_are_served() -> None:
    def served(step: Step, before: State, after: State) -> bool:
        gone = before.timers.keys() - after.timers.keys()
        return step is Step.TIMERS and f"opt_deadline:{house.id_of()}" in gone

    store = PoisonStore()
    house = await opened(House(store=store))
    with house.clock.held():
        await house.deliver(EVENT, NEIGHBOUR)
    store.poisoned = served
    later = house.now + 10 * MINUTE
    for start in range(3):
        house.restart()
        try:
            await house.until(later + start * MINUTE)
        except KilledError:
            assert start < 2

    words = await house.words()
    assert words.count("timer_set_aside") == 1
    assert store.tried == [Step.TIMERS] * 2
    with house.clock.held():
        assert (await house.record()).opt is None
        assert (await house.record(event_id="evt-2")).opt_reason == "default"


async def test_setting_a_timer_anew_makes_it_another_item() -> None:
    store = PoisonStore()
    house = await opened(House(store=store))
    first = Timer(key="lease:x", kind="lease", subject="x", due_at=house.now + MINUTE)
    for timer in (first, replace(first, due_at=house.now + 5 * MINUTE)):
        with house.clock.held():
            await store.write(lambda work, set_=timer: work.timers.set(set_))  # type: ignore[misc]  # bound now
        await house.until(timer.due_at + MINUTE)

    assert (await house.words()).count("timer_set_aside") == 2


async def test_neighbours_meter_on_while_an_event_is_poison() -> None:
    house, _ = await poisoned_house(KilledError)
    with house.clock.held():
        await start_and_deliver(house, EVENT)
        await house.meter(house.now - MINUTE, 1, level(100))

        assert house.attempts.made(f"event azp/evt-1/{EVENT.version}/taken") == 1


def test_counts_outlive_the_process(tmp_path: Path) -> None:
    database = tmp_path / "s.db"
    FileAttempts(database).begin(("a", "b"))
    second = FileAttempts(database)
    second.begin(("a",))
    second.end(("b",))

    third = FileAttempts(database)
    assert (third.made("a"), third.made("b"), third.made("c")) == (2, 0, 0)
    assert (tmp_path / f"s.db{SUFFIX}").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"[]\n", b'{"a": "x", "b": -1, "c": true}\n']
)
def test_counts_that_cannot_be_read_say_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"s.db{SUFFIX}").write_bytes(content)

    attempts = FileAttempts(tmp_path / "s.db")

    assert attempts.counts == {}
    attempts.begin(("a",))
    assert FileAttempts(tmp_path / "s.db").made("a") == 1


def test_counts_that_cannot_be_kept_do_not_stop_the_work(tmp_path: Path) -> None:
    attempts = FileAttempts(tmp_path / "missing" / "s.db")
    attempts.begin(("a",))

    assert attempts.made("a") == 1
