"""Procedures of CSIP and CSIP-AUS that the client follows: modes, poll rates, many programs, limits that vary."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from gateway.domain.event import Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from tests.sep2_world import START, Server, World, control, listing, mrid, scope, utility

MINUTE = timedelta(minutes=1)


def watts(value: int, multiplier: int) -> sep.ActivePower:
    return sep.ActivePower(multiplier=multiplier, value=value)


@pytest.mark.spec("CSIP-AUS LOA-01", "CSIP-AUS LOA-02", "CSIP-AUS ALL-24", "CSIP BASIC-014")
@pytest.mark.spec("CSIP-AUS GEN-01", "CSIP-AUS GEN-02")
@pytest.mark.parametrize(
    ("base", "kind", "kw"),
    [
        (sep.DERControlBase(op_mod_imp_lim_w=watts(5, 6)), Kind.LIMIT_IMPORT, "5000"),
        (sep.DERControlBase(op_mod_imp_lim_w=watts(7123, 2)), Kind.LIMIT_IMPORT, "712.3"),
        (sep.DERControlBase(op_mod_imp_lim_w=watts(999, -1)), Kind.LIMIT_IMPORT, "0.0999"),
        (sep.DERControlBase(op_mod_load_lim_w=watts(4321, 3)), Kind.LIMIT_IMPORT, "4321"),
        (sep.DERControlBase(op_mod_exp_lim_w=watts(1500, 3)), Kind.LIMIT_EXPORT, "1500"),
        (sep.DERControlBase(op_mod_exp_lim_w=watts(0, 0)), Kind.LIMIT_EXPORT, "0"),
        (sep.DERControlBase(op_mod_gen_lim_w=watts(30_000, 4)), Kind.LIMIT_EXPORT, "300000"),
        (sep.DERControlBase(op_mod_target_w=watts(-6500, 3)), Kind.SETPOINT, "6500"),
        (sep.DERControlBase(op_mod_fixed_w=-2500), Kind.SETPOINT, "2500"),
    ],
)
def test_what_a_control_asks_goes_inward_in_kilowatts(
    base: sep.DERControlBase, kind: Kind, kw: str
) -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 5, base=base)])
    world = World(server).run(timedelta(minutes=10))

    (event,) = world.events
    (signal,) = event.signals
    assert (signal.kind, signal.intervals[0].value) == (kind, Decimal(kw))
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]


def gaps(server: Server, href: str) -> list[timedelta]:
    times = [at for at, asked in server.asked if asked.partition("?")[0] == href]
    return [after - before for before, after in pairwise(times)]


@pytest.mark.spec("CSIP-AUS ALL-19", "CSIP-AUS ALL-20", "IEEE 2030.5-2023 10.2.2.3 rule a")
@pytest.mark.parametrize(
    ("href", "kind", "below"),
    [
        pytest.param("/edev/1/fsa", sep.FunctionSetAssignmentsList, "/edev/1/fsa", id="fsa"),
        pytest.param("/derp", sep.DERProgramList, "/derp/1/derc", id="derp"),
    ],
)
def test_a_changed_poll_rate_is_followed(href: str, kind: type[sep.Resource], below: str) -> None:
    server = utility(rate=60)
    world = World(server).run(timedelta(minutes=5))
    assert isinstance(server.resources[href], kind)
    server.resources[href] = replace(server.resources[href], poll_rate=300)  # type: ignore[call-arg] # of a list
    world.run(timedelta(minutes=2))
    server.asked.clear()
    world.run(timedelta(minutes=60))
    slow = [*gaps(server, href), *gaps(server, below)]

    assert len(slow) >= 9
    assert all(timedelta(seconds=300) <= gap <= timedelta(seconds=335) for gap in slow)

    server.resources[href] = replace(server.resources[href], poll_rate=60)  # type: ignore[call-arg] # of a list
    world.run(timedelta(minutes=6))
    server.asked.clear()
    world.run(timedelta(minutes=30))
    assert all(gap <= timedelta(seconds=67) for gap in gaps(server, href))
    assert len(gaps(server, href)) >= 25


def many(count: int) -> Server:
    """Make a server with so many assignments of one program each, the last one the best."""
    server = utility()
    (first,) = server.resources["/edev/1/fsa"].function_set_assignments  # type: ignore[attr-defined] # of assignments
    (program,) = server.resources["/derp"].der_program  # type: ignore[attr-defined] # of programs
    assignments = []
    for n in range(1, count + 1):
        server.resources[f"/derps/{n}"] = listing(sep.DERProgramList, f"/derps/{n}", poll_rate=60)
        server.resources[f"/derps/{n}/derc"] = listing(sep.DERControlList, f"/derps/{n}/derc")
        one = replace(
            program,
            href=f"/derps/{n}/1",
            mrid=mrid(8100 + n),
            primacy=count + 1 - n,
            default_der_control_link=None,
            der_control_list_link=sep.ListLink(href=f"/derps/{n}/derc", all=0),
        )
        server.put(f"/derps/{n}", [one])
        link = sep.ListLink(href=f"/derps/{n}", all=1)
        assignments.append(
            replace(first, href=f"/f/{n}", mrid=mrid(7100 + n), der_program_list_link=link)
        )
    server.put("/edev/1/fsa", assignments)
    return server


@pytest.mark.spec("CSIP CORE-010", "CSIP CORE-011", "CSIP-AUS LOA-10")
@pytest.mark.parametrize("count", [7, 15])
def test_of_many_assigned_programs_all_are_read_and_the_best_is_followed(count: int) -> None:
    server = many(count)
    for n in range(1, count + 1):
        server.put(f"/derps/{n}/derc", [control(n, START + 2 * MINUTE, 5)])
    one = scope()
    terms = replace(one.programs[0], name="x")
    options = Sep2Options(csip_aus=True, pin=111115)
    world = World(server, options, replace(one, programs=(terms,))).run(timedelta(minutes=10))
    told = server.responses()

    assert {f"/derps/{n}/derc" for n in range(1, count + 1)} <= {
        href.partition("?")[0] for _, href in server.asked
    }
    assert [code for subject, code in told if subject == mrid(count)] == [1, 2, 3]
    for n in range(1, count):
        assert [code for subject, code in told if subject == mrid(n)] == [1, 14]
    kept = {str(event.event_id): event for event in world.events if event.cancelled_at is None}
    assert mrid(count) in kept


@pytest.mark.spec("CSIP-AUS LOA-11", "CSIP-AUS LOA-12", "CSIP-AUS GEN-11", "CSIP-AUS GEN-12")
@pytest.mark.parametrize(
    "mode", ["op_mod_imp_lim_w", "op_mod_load_lim_w", "op_mod_exp_lim_w", "op_mod_gen_lim_w"]
)
def test_a_limit_that_varies_is_followed_from_control_to_control(mode: str) -> None:
    levels = [9000, 2500, 7000, 0]
    server = utility()
    server.put(
        "/derp/1/derc",
        [
            control(n, START + 2 * n * MINUTE, 2, base=sep.DERControlBase(**{mode: watts(kw, 3)}))  # type: ignore[arg-type] # by name
            for n, kw in enumerate(levels, 1)
        ],
    )
    world = World(server).run(timedelta(minutes=15))
    told = server.responses()

    events = sorted(world.events, key=lambda event: event.start)
    assert [event.signals[0].intervals[0].value for event in events] == [*map(Decimal, levels)]
    assert all(before.end == after.start for before, after in pairwise(events))
    for n in range(1, 5):
        assert [code for subject, code in told if subject == mrid(n)] == [1, 2, 3]
