"""The stored state of a 2030.5 client: parts, each written when it changes."""

from collections.abc import Mapping
from functools import partial

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.parts import joined
from gateway.protocols.sep2.client.state import FORMAT, SESSION, Parts, recovered
from tests.sep2_world import keep

HEAD = {"format": FORMAT, "offset_s": 0}


def begun(documents: Mapping[str, object], stored: bytes | None = None) -> Parts:
    """Make a state whose parts are what is in ``documents``."""
    parts = Parts(stored)
    parts.keep(SESSION, lambda: HEAD)
    for name in documents:
        parts.keep(name, partial(documents.__getitem__, name))
    parts.begin()
    return parts


def test_only_what_changed_is_written() -> None:
    documents = {"one": {"n": 1}, "two": {"n": 2}}
    parts = Parts()
    for name in documents:
        parts.keep(name, partial(documents.__getitem__, name))
        parts.touch(name)
    parts.begin()
    assert parts.changes() == {"one": b'{"n":1}', "two": b'{"n":2}'}
    parts.kept()

    documents["one"] = {"n": 3}
    parts.touch("one")
    parts.touch("two")

    assert parts.changes() == {"one": b'{"n":3}'}


def test_changes_stay_until_they_are_stored() -> None:
    """Kills: a state that forgets what a busy store refused."""
    documents = {"one": 1}
    parts = begun({"one": 1})
    parts.keep("one", lambda: documents["one"])
    parts.touch("one")
    assert parts.changes() == parts.changes() == {"one": b"1"}
    documents["one"] = 2
    parts.touch("one")
    assert parts.changes() == {"one": b"2"}

    parts.kept()

    assert parts.changes() == {}


def test_what_went_back_to_what_is_stored_is_not_written() -> None:
    documents = {"one": 1}
    parts = begun({"one": 1})
    parts.keep("one", lambda: documents["one"])
    for value, kept in ((1, True), (2, False), (1, False)):
        documents["one"] = value
        parts.touch("one")
        parts.changes()
        if kept:
            parts.kept()

    assert parts.changes() == {}


def test_a_part_that_is_gone_is_dropped_once() -> None:
    parts = begun({"one": 1})
    parts.touch("one")
    parts.changes()
    parts.kept()

    parts.drop("one")

    assert parts.changes() == {"one": None}
    parts.kept()
    assert parts.changes() == {}


def test_what_nobody_keeps_any_more_is_dropped_at_the_start() -> None:
    stored = joined({SESSION: b'{"format":2,"offset_s":0}', "device A": b"1", "device B": b"2"})

    parts = begun({"device A": 1}, stored)

    assert parts.changes() == {"device B": None}


def test_a_whole_state_is_put_apart_with_the_first_change() -> None:
    """Kills: a restored state of which only what changes first is left."""
    first = begun({"device A": 1, "out /\u00e9": {"place": 0}})

    again = begun({"device A": 1}, recovered(first.whole()))

    changes = again.changes()
    assert {name: body for name, body in changes.items() if body is not None} == {
        SESSION: b'{"format":2,"offset_s":0}',
        "device A": b"1",
    }
    rows: dict[str, bytes] = {}
    keep(rows, changes)
    assert begun({"device A": 1}, joined(rows)).changes() == {}


def test_what_was_about_to_be_said_does_not_outlive_a_restore() -> None:
    stored = joined({SESSION: b'{"format":2,"offset_s":5}', "out x": b"{}", "meter 1": b"{}"})

    parts = Parts(recovered(stored))

    assert parts.found("out x") is None
    assert parts.found("meter 1") == {}
    assert parts.found(SESSION) == {"format": 2, "offset_s": 5}


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"no",
        b"[]",
        b"{}",
        b'{"session":{"format":1}}',
        b'{"session":1}',
        b'{"parts":[1]}',
        b'{"parts":[["session",{"format":1}]]}',
    ],
)
def test_a_state_of_another_format_is_refused(stored: bytes) -> None:
    with pytest.raises(MisuseError, match="STATE_FORMAT"):
        Parts(stored or b"\x00")
