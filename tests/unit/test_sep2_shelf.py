"""What a store had kept lies unread in the book until somebody asks for it."""

import gc
from datetime import UTC, datetime

import pytest

from gateway.domain.errors import StoreError
from gateway.northbound.memory import STEP as PARTS
from gateway.northbound.memory import Memory
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.operator import Operator
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.shelf import Packed, Shelf, packed
from gateway.transport.heap import STEP, Growing
from tests.fakes import CountedIds

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LFDI = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
OTHER = "0000000000000000000000000000000000000001"


def status(href: str, scope: str = LFDI) -> Kept:
    value = sep.DERStatus(href=href, reading_time=1_800_000_000)
    return Kept(href=href, kind=sep.DERStatus, scope=scope, value=value, at=NOW)


def damaged(one: Kept) -> Packed:
    return (*packed(one)[:6], b"<DERStatus")


def test_what_is_packed_comes_back_as_it_was() -> None:
    shelf = Shelf()
    kept = [status("/a"), Kept(href="/b", kind=sep.DERSettings, scope=LFDI, value=None, at=NOW)]
    for one in kept:
        shelf.lay(packed(one))
    assert dict(shelf) == {one.href: one for one in kept}
    assert list(shelf.values()) == kept, "opened in its place"
    assert len(shelf) == 2
    del shelf["/a"]
    assert "/a" not in shelf
    with pytest.raises(KeyError):
        shelf["/a"]


def test_what_nobody_asks_for_is_not_read() -> None:
    shelf = Shelf()
    shelf.lay(damaged(status("/a")))
    shelf.lay(packed(status("/b", OTHER)))
    shelf["/c"] = status("/c", OTHER)
    assert "/a" in shelf
    assert [one.href for one in shelf.of_kinds([sep.DERSettings])] == []
    assert shelf.of_scope(OTHER) == ["/b", "/c"]
    assert shelf.of_scope(LFDI) == ["/a"]
    with pytest.raises(StoreError, match="SEP2_STORE"):
        list(shelf.of_kinds([sep.DERStatus]))


@pytest.mark.parametrize("kind", ["Nothing", "Final", "__doc__"])
def test_a_kind_that_nobody_knows_is_damage(kind: str) -> None:
    shelf = Shelf()
    shelf.lay(("/a", kind, *packed(status("/a"))[2:]))
    with pytest.raises(StoreError, match="SEP2_STORE"):
        shelf.get("/a")


def test_a_server_that_starts_again_reads_next_to_nothing() -> None:
    options = ServerOptions()
    first = Sep2Server(options, CountedIds())
    first.take(first.open(NOW))
    for number in range(50):
        new = NewDevice(lfdi=f"{number + 1:040X}", pin=111115)
        first.take(Operator(first).register(new, NOW))
    managed = NewDevice(lfdi=LFDI, pin=111115, manager=OTHER)
    first.take(Operator(first).register(managed, NOW))
    rows = [packed(one) for one in first.book.entries.values()]
    unread = [
        (*row[:6], b"damaged") if row[1] not in {"DeviceCapability", "ResponseSet"} else row
        for row in rows
    ]
    again = Sep2Server(options, CountedIds(), packed=unread)
    assert again.open(NOW).kept == {}
    assert len(again.book.entries) == len(first.book.entries)
    whole = Sep2Server(options, CountedIds(), packed=rows)
    assert whole.book.acts_for(OTHER) == {OTHER, LFDI}
    assert whole.book.device(LFDI) == first.book.device(LFDI)
    for path in ("/dcap", "/edev", first.book.device(OTHER).href):  # type: ignore[union-attr] # there
        told = [one.read(path, "l=9", OTHER, NOW) for one in (first, whole)]
        assert told[0].status == 200
        assert told[0] == told[1], path


def test_what_grows_is_set_apart_step_by_step_and_never_twice() -> None:
    growing = Growing()
    try:
        gc.unfreeze()
        growing.look(STEP - 1)
        assert gc.get_freeze_count() == 0
        growing.look(STEP)
        first = gc.get_freeze_count()
        assert first > 0
        gc.unfreeze()
        for size in (STEP, 10, STEP, 2 * STEP - 1):
            growing.look(size)
        assert gc.get_freeze_count() == 0, "what comes and goes is no growth"
        growing.look(2 * STEP)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


class Fleet:
    """A session whose state comes in parts."""

    def __init__(self) -> None:
        self.count = 0

    def changes(self) -> dict[str, bytes | None]:
        return {f"device {number}": b"1" for number in range(self.count)}

    def kept(self) -> None:
        """Forget nothing."""


def test_a_fleet_of_a_gateway_is_set_apart_as_it_grows() -> None:
    fleet = Fleet()
    memory = Memory(fleet)  # type: ignore[arg-type] # all that is asked
    try:
        gc.unfreeze()
        for fleet.count, frozen in ((1, False), (PARTS - 1, False), (PARTS, True)):
            memory.state()
            memory.kept()
            assert (gc.get_freeze_count() > 0) is frozen
    finally:
        gc.unfreeze()
