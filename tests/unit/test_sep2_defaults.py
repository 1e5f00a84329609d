"""Defaults of programs as standing limits: between events, over restarts, and while the server is silent."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from gateway.domain.event import GridEvent, Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import DeviceOptions, Sep2Options
from tests.sep2_world import (
    START,
    World,
    control,
    listing,
    mrid,
    scope,
    status,
    utility,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BASE = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=8000))
"""8 MW."""
MORE = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=9500))
"""9.5 MW."""


def default(base: sep.DERControlBase = BASE, **others: object) -> sep.DefaultDERControl:
    told = {"href": "/derp/1/dderc", "mrid": mrid(9001), "der_control_base": base, **others}
    return sep.DefaultDERControl(**told)  # type: ignore[arg-type] # by name


def world(base: sep.DERControlBase = BASE, rate: int = 60) -> World:
    server = utility(rate)
    server.resources["/derp/1/dderc"] = default(base)
    return World(server).run(timedelta(seconds=10))


def standing(made: World) -> list[GridEvent]:
    """Return every version of standing limits that went inward."""
    return [event for event in made.events if event.standing]


def limits(made: World) -> dict[str, GridEvent]:
    """Return what stands: by event id, the newest version that was not taken back."""
    newest = {str(event.event_id): event for event in standing(made)}
    return {key: event for key, event in newest.items() if event.cancelled_at is None}


def holds(event: GridEvent, at: datetime) -> Decimal | None:
    """Return what a standing limit says for an instant; the last stretch is open."""
    (signal,) = event.signals
    *closed, last = signal.intervals
    for each in closed:
        if each.span.contains(at):
            return each.value
    return last.value if last.span.start <= at else None


@pytest.mark.spec("CSIP-AUS LOA-03", "CSIP BASIC-016")
def test_a_default_stands_from_when_it_was_read_and_has_no_end() -> None:
    made = world()
    (event,) = standing(made)
    assert (event.duration, event.response_required, event.standing) == (None, False, True)
    (signal,) = event.signals
    assert (signal.kind, signal.name, signal.intervals[0].value) == (
        Kind.LIMIT_IMPORT,
        "opModImpLimW",
        Decimal(8000),
    )
    assert START <= event.start <= START + timedelta(seconds=10)
    made.run(timedelta(minutes=30))
    assert standing(made) == [event], "read again and again, told once"
    assert made.server.responses() == [], "a default has no acknowledgement"


@pytest.mark.spec("CSIP BASIC-018", "CSIP BASIC-019", "CSIP-AUS ALL-21")
def test_an_event_replaces_the_default_while_it_runs_and_the_default_follows_it() -> None:
    made = world()
    one = control(1, START + 10 * MINUTE, 5, base=MORE)
    two = control(2, START + 20 * MINUTE, 5, base=MORE)
    made.server.put("/derp/1/derc", [one, two])
    made.run(START + 5 * MINUTE)
    (event,) = limits(made).values()
    told = len(standing(made))
    assert [holds(event, START + n * MINUTE) for n in (9, 10, 14, 15, 19, 20, 24, 25, 9999)] == [
        *(Decimal(8000), None, None, Decimal(8000), Decimal(8000), None, None),
        *(Decimal(8000), Decimal(8000)),
    ]
    made.run(START + 30 * MINUTE)
    assert len(standing(made)) == told, "what was foretold has come true: nothing new to say"
    assert [code for _, code in made.server.responses()] == [1, 1, 2, 3, 2, 3]


def test_below_an_event_that_asks_for_less_the_default_stays_as_it_is() -> None:
    made = world()
    (event,) = standing(made)
    less = [control(n, START + (5 + 10 * n) * MINUTE, 5) for n in range(3)]
    made.server.put("/derp/1/derc", less)
    made.run(START + 60 * MINUTE)
    assert standing(made) == [event], "nothing to leave room for, nothing to take hold anew"
    made.start()
    made.run(START + 61 * MINUTE)
    assert standing(made) == [event]


@pytest.mark.spec("CSIP-AUS LOA-09")
def test_a_cancelled_event_gives_its_time_back_to_the_default() -> None:
    made = world()
    one = control(1, START + 10 * MINUTE, 60, base=MORE)
    made.server.put("/derp/1/derc", [one])
    made.run(START + 20 * MINUTE)
    made.server.put("/derp/1/derc", [replace(one, event_status=status(2, made.now))])
    made.run(START + 23 * MINUTE)
    (event,) = limits(made).values()
    assert holds(event, made.now) == Decimal(8000)
    assert event.start <= made.now


@pytest.mark.spec("CSIP-AUS LOA-04", "CSIP-AUS S-ALL-19..24")
def test_a_changed_default_replaces_what_stood_under_the_same_id() -> None:
    made = world()
    (before,) = standing(made)
    made.server.resources["/derp/1/dderc"] = default(
        sep.DERControlBase(
            op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=6000),
            op_mod_load_lim_w=sep.ActivePower(multiplier=3, value=7000),
        )
    )
    made.run(timedelta(minutes=2))
    found = {event.signals[0].name: event for event in limits(made).values()}
    assert {name: holds(event, made.now) for name, event in found.items()} == {
        "opModImpLimW": Decimal(6000),
        "opModLoadLimW": Decimal(7000),
    }
    after = found["opModImpLimW"]
    assert after.event_id == before.event_id
    assert after.version > before.version


def test_a_default_that_is_gone_is_taken_back_and_may_come_again() -> None:
    made = world()
    program = made.server.resources["/derp"].der_program[0]  # type: ignore[attr-defined] # a list
    made.server.put("/derp", [replace(program, default_der_control_link=None)])
    made.run(timedelta(minutes=3))
    assert limits(made) == {}
    last = standing(made)[-1]
    assert last.cancelled_at is not None
    made.server.put("/derp", [program])
    made.run(timedelta(minutes=3))
    (event,) = limits(made).values()
    assert event.version > last.version


@pytest.mark.spec("CSIP BASIC-016", "CSIP-AUS S-ALL-49", "CSIP MAINT-005")
def test_of_several_defaults_the_better_programs_stands_and_follows_the_primacies() -> None:
    server = utility()
    server.resources["/derp/1/dderc"] = default()
    server.resources["/derp/2/derc"] = listing(sep.DERControlList, "/derp/2/derc")
    server.resources["/derp/2/dderc"] = default(
        sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=3000)),
        href="/derp/2/dderc",
        mrid=mrid(9002),
    )
    first = server.resources["/derp"].der_program[0]  # type: ignore[attr-defined] # a list
    second = replace(
        first,
        href="/derp/2",
        mrid=mrid(8003),
        primacy=7,
        default_der_control_link=sep.Link(href="/derp/2/dderc"),
        der_control_list_link=sep.ListLink(href="/derp/2/derc", all=0),
    )
    server.put("/derp", [first, second])
    made = World(server).run(timedelta(seconds=10))
    assert [holds(event, made.now) for event in limits(made).values()] == [Decimal(8000)]
    server.put("/derp", [replace(first, primacy=9), second])
    made.run(timedelta(minutes=2))
    assert [holds(event, made.now) for event in limits(made).values()] == [Decimal(3000)]


@pytest.mark.spec("CSIP-AUS ALL-23")
def test_after_72_hours_of_silence_events_have_run_and_the_default_stands() -> None:
    made = world(rate=900)
    made.server.put("/derp/1/derc", [control(1, START + 2 * HOUR, 60, base=MORE)])
    made.run(START + HOUR)
    told = standing(made)
    made.server.down = True
    made.run(START + timedelta(hours=36))
    made.start()
    made.run(START + timedelta(hours=50))
    made.start()
    made.run(START + timedelta(hours=73))
    assert standing(made) == told, "silence and a restart in it change nothing"
    (event,) = limits(made).values()
    assert holds(event, START + 2 * HOUR + MINUTE) is None
    assert holds(event, made.now) == Decimal(8000)
    made.server.down = False
    made.run(timedelta(hours=1))
    assert standing(made) == told
    assert [code for _, code in made.server.responses()] == [1, 2, 3]


def test_an_event_cancelled_after_a_restart_gives_its_time_back_from_what_was_stored() -> None:
    made = world()
    one = control(1, START + 10 * MINUTE, 60, base=MORE)
    made.server.put("/derp/1/derc", [one])
    made.run(START + 20 * MINUTE)
    made.start()
    made.server.put("/derp/1/derc", [replace(one, event_status=status(2, made.now))])
    made.run(START + 25 * MINUTE)
    (event,) = limits(made).values()
    assert holds(event, made.now) == Decimal(8000)


def test_what_only_inverters_or_generators_follow_is_said_and_not_asked() -> None:
    made = world(
        sep.DERControlBase(
            op_mod_exp_lim_w=sep.ActivePower(multiplier=3, value=1500),
            op_mod_fixed_w=5000,
            op_mod_connect=True,
            op_mod_target_w=sep.ActivePower(multiplier=3, value=100),
        )
    )
    assert standing(made) == []
    noted = {n.fields["mode"] for n in made.notes if n.word == "default_not_followed"}
    assert noted == {"opModExpLimW", "opModFixedW", "opModConnect", "opModTargetW"}


@pytest.mark.spec("CSIP-AUS ALL-03-REJ")
def test_a_device_that_may_no_longer_take_part_is_free_of_the_default() -> None:
    made = world()
    made.server.resources["/edev/1/rg"] = sep.Registration(
        href="/edev/1/rg", date_time_registered=0, pin=123455, poll_rate=60
    )
    made.run(timedelta(minutes=3))
    assert limits(made) == {}


def test_a_device_that_is_configured_no_longer_leaves_nothing_standing() -> None:
    server = utility()
    server.resources["/derp/1/dderc"] = default()
    ours = Sep2Options(csip_aus=True, pin=111115)
    other = DeviceOptions(lfdi="AB" * 20, site="phx-1")
    entry = server.resources["/edev"].end_device[0]  # type: ignore[attr-defined] # a list
    second = replace(entry, href="/edev/2", lfdi="AB" * 20, sfdi=461359380915)
    server.put("/edev", [entry, second])
    made = World(server, ours.model_copy(update={"device": (other,)}), scope())
    made.run(timedelta(seconds=20))
    assert len(limits(made)) == 2
    made.options = ours
    made.start()
    made.run(timedelta(minutes=2))
    (event,) = limits(made).values()
    assert "AB" * 20 not in event.event_id
