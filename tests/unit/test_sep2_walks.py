"""Walks, statuses and schedules of the procedures: in which order the server is read, and what it is then told."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.domain.event import Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.client.options import Sep2Options
from tests.sep2_fleet_world import aggregator, assignments, fleet, lfdi, told
from tests.sep2_world import (
    START,
    Server,
    World,
    control,
    listing,
    mrid,
    seconds,
    status,
    utility,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def watts(value: int, multiplier: int = 3) -> sep.ActivePower:
    return sep.ActivePower(multiplier=multiplier, value=value)


def first_asked(server: Server) -> list[str]:
    """Return the paths that were asked for, each where it came first."""
    return [*dict.fromkeys(href.partition("?")[0] for _, href in server.asked)]


def put(server: Server, kind: type[sep.Resource]) -> list[sep.Resource]:
    return [one.value for one in server.posted if isinstance(one.value, kind)]


# where a client begins


@pytest.mark.spec("CSIP-AUS ALL-01", "IEEE 2030.5-2018 DeviceCapability", "IEEE 2030.5-2018 links")
def test_a_device_registered_out_of_band_reads_in_logical_order() -> None:
    server = utility()
    World(server).run(5 * MINUTE)
    order = first_asked(server)

    assert order[0] == "/dcap"
    for before, after in (
        *(("/dcap", "/tm"), ("/dcap", "/edev"), ("/edev", "/edev/1/rg"), ("/edev", "/edev/1/der")),
        *(("/edev", "/edev/1/fsa"), ("/edev/1/fsa", "/derp"), ("/derp", "/derp/1/derc")),
    ):
        assert order.index(before) < order.index(after)
    assert not put(server, sep.EndDevice)
    assert put(server, sep.DERCapability)


@pytest.mark.spec("IEEE 2030.5-2018 Annex C", "CSIP BASIC-002")
def test_what_is_assigned_goes_before_what_the_server_offers_to_all() -> None:
    server = utility()
    entry = server.resources["/dcap"]
    assert isinstance(entry, sep.DeviceCapability)
    server.resources["/dcap"] = replace(
        entry,
        der_program_list_link=sep.ListLink(href="/all", all=1),
        messaging_program_list_link=sep.ListLink(href="/msg", all=1),
    )
    server.resources |= {
        "/all": listing(sep.DERProgramList, "/all"),
        "/all/1/derc": listing(sep.DERControlList, "/all/1/derc"),
        "/msg": listing(sep.MessagingProgramList, "/msg"),
        "/msg/1/txt": listing(sep.TextMessageList, "/msg/1/txt"),
    }
    link = sep.ListLink(href="/all/1/derc", all=1)
    everyone = sep.DERProgram(href="/all/1", mrid=mrid(8100), primacy=0, der_control_list_link=link)
    server.put("/all", [everyone])
    server.put("/all/1/derc", [control(9, START + 5 * MINUTE, 5)])
    server.put(
        "/msg",
        [
            sep.MessagingProgram(
                href="/msg/1",
                mrid=mrid(8200),
                locale="en",
                primacy=1,
                text_message_list_link=sep.ListLink(href="/msg/1/txt", all=1),
            )
        ],
    )
    message = sep.TextMessage(
        href="/msg/1/txt/1",
        mrid=mrid(7),
        creation_time=seconds(START),
        event_status=status(0, START),
        interval=sep.DateTimeInterval(start=seconds(START + 5 * MINUTE), duration=300),
        priority=1,
        text_message="heat",
        reply_to="/rsp",
        response_required=3,
    )
    server.put("/msg/1/txt", [message])
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 5)])
    sets = frozenset({*Sep2Options(csip_aus=True).function_sets, FunctionSet.MESSAGING})

    World(server, Sep2Options(csip_aus=True, pin=111115, function_sets=sets)).run(15 * MINUTE)

    assert {subject for subject, _ in server.responses()} == {mrid(1), mrid(7)}

    (fsa,) = server.resources["/edev/1/fsa"].function_set_assignments  # type: ignore[attr-defined] # of assignments
    bare = utility()
    bare.resources |= {
        href: server.resources[href] for href in ("/dcap", "/all", "/all/1/derc", "/msg")
    }
    bare.put("/edev/1/fsa", [replace(fsa, der_program_list_link=None)])
    World(bare).run(15 * MINUTE)
    assert {subject for subject, _ in bare.responses()} == {mrid(9)}, "nothing else offers it"


@pytest.mark.spec("IEEE 2030.5-2018 8.8.3.1", "CSIP Implementation Guide v2.1 Table 7")
def test_every_kind_of_event_that_is_followed_is_answered_in_its_own_form() -> None:
    server = utility()
    load = sep.EndDeviceControl(
        href="/dr/1/edc/1",
        mrid=mrid(5),
        creation_time=seconds(START),
        event_status=status(0, START),
        interval=sep.DateTimeInterval(start=seconds(START + 5 * MINUTE), duration=300),
        device_category=1 << 14,
        dr_program_mandatory=False,
        load_shift_forward=False,
        duty_cycle=sep.DutyCycle(normal_value=50),
        reply_to="/rsp",
        response_required=3,
    )
    server.put("/dr/1/edc", [load])
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 5)])

    World(server).run(15 * MINUTE)

    forms = {
        (type(one).__name__, one.subject, one.status)
        for one in put(server, sep.Response)
        if isinstance(one, sep.Response)
    }
    assert forms == {
        *(("DERControlResponse", mrid(1), code) for code in (1, 2, 3)),
        *(("DrResponse", mrid(5), code) for code in (1, 2, 3)),
    }


@pytest.mark.spec(
    "IEEE 2030.5-2018 DutyCycle", "IEEE 2030.5-2018 Offset", "IEEE 2030.5-2018 SetPoint"
)
@pytest.mark.spec("IEEE 2030.5-2018 ApplianceLoadReduction", "IEEE 2030.5-2018 10.3")
@pytest.mark.parametrize(
    ("asks", "kind", "value"),
    [
        pytest.param({"duty_cycle": sep.DutyCycle(normal_value=40)}, Kind.SETPOINT, "0.4", id="on"),
        pytest.param(
            {"offset": sep.Offset(load_adjustment_percentage_offset=2500)},
            *(Kind.REDUCE, "0.75"),
            id="less",
        ),
        pytest.param(
            {
                "offset": sep.Offset(load_adjustment_percentage_offset=2500),
                "load_shift_forward": True,
            },
            *(Kind.INCREASE, "1.25"),
            id="more",
        ),
        pytest.param(
            {"appliance_load_reduction": sep.ApplianceLoadReduction(type=1)},
            *(Kind.LEVEL, "2"),
            id="emergency",
        ),
        pytest.param(
            {"set_point": sep.SetPoint(cooling_setpoint=2600)}, None, "", id="temperatures"
        ),
        pytest.param(
            {"offset": sep.Offset(cooling_offset=20)}, None, "", id="degrees, not percent"
        ),
    ],
)
def test_each_control_of_a_load_says_what_it_says(
    asks: dict[str, object], kind: Kind | None, value: str
) -> None:
    server = utility()
    given: dict[str, object] = {
        "href": "/dr/1/edc/1",
        "mrid": mrid(5),
        "creation_time": seconds(START),
        "event_status": status(0, START),
        "interval": sep.DateTimeInterval(start=seconds(START + 5 * MINUTE), duration=300),
        "device_category": 1 << 14,
        "dr_program_mandatory": False,
        "load_shift_forward": False,
        "reply_to": "/rsp",
        "response_required": 3,
        **asks,
    }
    server.put("/dr/1/edc", [sep.EndDeviceControl(**given)])  # type: ignore[arg-type] # by name

    world = World(server).run(15 * MINUTE)

    if kind is None:
        assert server.responses() == [(mrid(5), 252)]
        assert world.events == []
        return
    assert [code for _, code in server.responses()] == [1, 2, 3]
    (signal,) = world.events[0].signals
    assert (signal.kind, str(signal.intervals[0].value)) == (kind, value)


# statuses


@pytest.mark.spec("CSIP BASIC-028", "CSIP-AUS ALL-07", "CSIP-AUS ALL-08")
@pytest.mark.parametrize(("csip_aus", "off"), [(True, 100), (False, 1)])
def test_the_status_tells_when_the_site_is_cut_off_and_back(csip_aus: bool, off: int) -> None:
    server = utility(rate=60)
    base = sep.DERControlBase(op_mod_connect=False)
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 5, base=base)])

    World(server, Sep2Options(csip_aus=csip_aus, pin=111115)).run(15 * MINUTE)

    found = [one for one in put(server, sep.DERStatus) if isinstance(one, sep.DERStatus)]
    shown = []
    for one in found:
        assert one.gen_connect_status is not None
        assert one.inverter_status is not None
        assert one.operational_mode_status is not None
        shown.append((one.gen_connect_status.value & 1, one.operational_mode_status.value))
    assert [*dict.fromkeys(shown)] == [(1, 2), (0, off)]
    assert shown[0] == shown[-1] == (1, 2)
    assert all(one.reading_time <= after.reading_time for one, after in pairwise(found))
    cut = [one.reading_time for one, state in zip(found, shown, strict=True) if not state[0]]
    assert cut[0] <= seconds(START + 5 * MINUTE) + 1, "at once, not with the next poll"


@pytest.mark.spec("CSIP-AUS ALL-30")
@pytest.mark.parametrize("how", ["restart", "outage", "both"])
def test_settings_are_the_same_when_the_client_comes_back(how: str) -> None:
    server = utility(rate=60)
    old = server.resources["/derp/1/dderc"]
    assert isinstance(old, sep.DefaultDERControl)
    server.resources["/derp/1/dderc"] = replace(old, set_grad_w=27)
    world = World(server).run(5 * MINUTE)
    server.down = how != "restart"
    world.run(10 * MINUTE)
    if how != "outage":
        world.start()
    world.run(10 * MINUTE)
    server.down = False
    world.run(30 * MINUTE)

    settings = [
        replace(one, updated_time=0)
        for one in put(server, sep.DERSettings)
        if isinstance(one, sep.DERSettings)
    ]
    assert settings[-1].set_grad_w == 27
    assert settings[-1].set_max_w == watts(10_000)
    assert len(set(map(repr, put(server, sep.DERCapability)))) == 1
    assert len(set(map(repr, settings[-1:] + [one for one in settings if one.set_grad_w]))) == 1


# schedules


@pytest.mark.spec("CSIP-AUS GEN-09", "CSIP-AUS LOA-09")
@pytest.mark.parametrize("mode", ["op_mod_exp_lim_w", "op_mod_gen_lim_w", "op_mod_imp_lim_w"])
@pytest.mark.parametrize("moment", [3, 8], ids=["before", "running"])
def test_a_limit_that_is_cancelled_is_no_limit_any_more(mode: str, moment: int) -> None:
    server = utility()
    one = control(1, START + 6 * MINUTE, 30, base=sep.DERControlBase(**{mode: watts(1000)}))  # type: ignore[arg-type] # by name
    server.put("/derp/1/derc", [one])
    world = World(server).run(moment * MINUTE)
    server.put("/derp/1/derc", [replace(one, event_status=status(2, world.now))])
    world.run(5 * MINUTE)

    assert world.events[-1].cancelled_at is not None
    assert [code for _, code in server.responses()] == ([1, 6] if moment == 3 else [1, 2, 6])


@pytest.mark.spec("CSIP-AUS GEN-10", "CSIP-AUS LOA-10")
@pytest.mark.parametrize("mode", ["op_mod_exp_lim_w", "op_mod_imp_lim_w"])
def test_of_fifteen_programs_in_two_assignments_the_best_is_followed(mode: str) -> None:
    server = utility()
    (first,) = server.resources["/edev/1/fsa"].function_set_assignments  # type: ignore[attr-defined] # of assignments
    (program,) = server.resources["/derp"].der_program  # type: ignore[attr-defined] # of programs
    assigned, number = [], 0
    for fsa, count in enumerate((5, 10), 1):
        href = f"/p{fsa}"
        server.resources[href] = listing(sep.DERProgramList, href, poll_rate=60)
        programs = []
        for _ in range(count):
            number += 1
            derc = f"{href}/{number}/derc"
            server.resources[derc] = listing(sep.DERControlList, derc)
            base = sep.DERControlBase(**{mode: watts(100 * number)})  # type: ignore[arg-type] # by name
            server.put(derc, [control(number, START + 5 * MINUTE, 5, base=base)])
            programs.append(
                replace(
                    program,
                    href=f"{href}/{number}",
                    mrid=mrid(8100 + number),
                    primacy=(number * 7) % 15,
                    default_der_control_link=None,
                    der_control_list_link=sep.ListLink(href=derc, all=1),
                )
            )
        server.put(href, programs)
        link = sep.ListLink(href=href, all=count)
        assigned.append(
            replace(first, href=f"/f/{fsa}", mrid=mrid(7100 + fsa), der_program_list_link=link)
        )
    server.put("/edev/1/fsa", assigned)

    world = World(server).run(15 * MINUTE)

    best = next(n for n in range(1, 16) if (n * 7) % 15 == 0)
    done = {subject for subject, code in server.responses() if code == 3}
    assert done == {mrid(best)}
    standing = {str(event.event_id): event for event in world.events if not event.cancelled_at}
    assert [str(s.intervals[0].value) for s in standing[mrid(best)].signals] == [str(100 * best)]


@pytest.mark.slow
@pytest.mark.spec("CSIP-AUS ALL-25-EXT")
def test_72_hours_of_controls_of_six_hours_leave_no_gap() -> None:
    server = utility(rate=3600)  # every minute of three days would take minutes
    levels = [9000, 2500, 7000, 0, 4000, 8000, 1000, 6000, 3000, 5000, 9500, 2000]
    server.put(
        "/derp/1/derc",
        [
            control(
                *(n, START + 6 * (n - 1) * HOUR + 10 * MINUTE, 360),
                base=sep.DERControlBase(op_mod_imp_lim_w=watts(kw)),
            )
            for n, kw in enumerate(levels, 1)
        ],
    )
    world = World(server)
    for hour in range(0, 74, 5):
        world.run(START + hour * HOUR)
        if hour % 15 == 0:
            world.start()

    world.run(START + 74 * HOUR)

    newest = {str(event.event_id): event for event in world.events}
    events = sorted(newest.values(), key=lambda event: event.start)
    assert [event.signals[0].intervals[-1].value for event in events] == levels
    assert all(before.end == after.start for before, after in pairwise(events))
    for n in range(1, 13):
        assert [code for subject, code in server.responses() if subject == mrid(n)] == [1, 2, 3]


# a fleet


@pytest.mark.spec("CSIP AGG-004", "CSIP AGG-006", "CSIP UTIL-004")
def test_controls_at_several_levels_are_answered_by_the_devices_below_them() -> None:
    server = fleet(6)
    for number in (3, 6):
        assignments(server, number, assigned=False)
    (system,) = server.resources["/derp"].der_program  # type: ignore[attr-defined] # of programs
    transformer = replace(
        system,
        href="/t/1",
        mrid=mrid(8050),
        primacy=1,
        default_der_control_link=sep.Link(href="/t/1/dderc"),
        der_control_list_link=sep.ListLink(href="/t/1/derc", all=1),
    )
    server.resources |= {
        "/t": replace(listing(sep.DERProgramList, "/t", poll_rate=300)),
        "/t/1/derc": listing(sep.DERControlList, "/t/1/derc"),
        "/t/1/dderc": sep.DefaultDERControl(
            href="/t/1/dderc",
            mrid=mrid(9050),
            der_control_base=sep.DERControlBase(op_mod_imp_lim_w=watts(8000)),
        ),
    }
    server.put("/t", [transformer])
    for number in (2, 5):
        found = server.resources[f"/edev/{number}/fsa"]
        (fsa,) = found.function_set_assignments  # type: ignore[attr-defined] # of assignments
        link = sep.ListLink(href="/t", all=1)
        second = replace(
            fsa, href=f"/edev/{number}/fsa/2", mrid=mrid(7050), der_program_list_link=link
        )
        server.put(f"/edev/{number}/fsa", [fsa, second])
    world = aggregator(server, 6, sites=3)  # 2 and 5 stand for one site
    server.put("/t/1/derc", [control(2, START + 12 * MINUTE, 5, href="/t/1/derc/2")])
    server.put("/derp/1/derc", [control(1, START + 20 * MINUTE, 5)])

    world.run(40 * MINUTE)

    answers = {(who, what, code) for who, what, code, _ in told(server)}
    assert answers == {
        *((lfdi(n), mrid(2), code) for n in (2, 5) for code in (1, 2, 3)),
        *((lfdi(n), mrid(1), code) for n in (1, 2, 4, 5) for code in (1, 2, 3)),
    }
    stands = [event for event in world.events if event.standing]
    assert {event.source["mRID"] for event in stands} == {mrid(9050)}
    assert {event.targets.sites for event in stands} == {("site-2",)}
    assert stands[-1].cancelled_at is None
    newest = {str(one.event_id): one for one in world.events if not one.standing}
    assert sorted(newest) == [f"{mrid(1)}/site-1", f"{mrid(1)}/site-2", f"{mrid(2)}/site-2"]
    assert {one.cancelled_at for one in newest.values()} == {None}
