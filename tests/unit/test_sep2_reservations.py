"""Flow reservations of a 2030.5 client: asked once, granted, handed on as information, withdrawn, over restarts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import SessionError
from gateway.domain.event import ADVISORY, Commodity, Kind
from gateway.domain.names import SiteId
from gateway.domain.reserving import Need, ReservationState, Withdrawal
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.reserving import MOST, TRANSITIONS, Input
from tests.sep2_world import START, Posted, Server, World, listing, mrid, seconds, status, utility

MINUTE = timedelta(minutes=1)
HOUR = timedelta(minutes=15)
"""Of these stories: a quarter of an hour, so that they are quickly over."""
SECOND = timedelta(seconds=1)
OPTIONS = Sep2Options(
    pin=111115, function_sets=Sep2Options().function_sets | {FunctionSet.FLOW_RESERVATION}
)
NEED = Need(
    need_id="n-1",
    site=SiteId("phx-1"),
    program="site program",
    energy_kwh=Decimal(5_000),
    power_kw=Decimal(8_000),
    start=START + HOUR,
    end=START + 5 * HOUR,
    least=2 * HOUR,
    by="operator:kim",
)


def furnished(rate: int = 60) -> Server:
    server = utility(rate)
    server.resources["/edev/1/frp"] = listing(
        sep.FlowReservationResponseList, "/edev/1/frp", poll_rate=rate
    )
    device = server.resources["/edev"].end_device[0]  # type: ignore[attr-defined] # of the list
    server.put(
        "/edev",
        [
            replace(
                device,
                flow_reservation_request_list_link=sep.ListLink(href="/edev/1/frq", all=0),
                flow_reservation_response_list_link=sep.ListLink(href="/edev/1/frp", all=0),
            )
        ],
    )
    return server


def answer(number: int, subject: str, **others: object) -> sep.FlowReservationResponse:
    told: dict[str, object] = {
        "href": f"/edev/1/frp/{number}",
        "mrid": mrid(number),
        "creation_time": seconds(START) + number,
        "event_status": status(0, START),
        "interval": sep.DateTimeInterval(start=seconds(START + 2 * HOUR), duration=2 * 900),
        "energy_available": sep.SignedRealEnergy(multiplier=6, value=15),
        "power_available": sep.ActivePower(multiplier=3, value=7500),
        "subject": subject,
        "reply_to": "/rsp",
        "response_required": 3,
        **others,
    }
    return sep.FlowReservationResponse(**told)  # type: ignore[arg-type] # by name


def wish(world: World, what: Need | Withdrawal) -> None:
    world._perform(world.session.on_reservation(what, world.now))
    world.run(SECOND)


def requests(server: Server) -> list[tuple[str, str, sep.FlowReservationRequest]]:
    return [
        (posted.method, posted.href, posted.value)
        for posted in server.posted
        if isinstance(posted.value, sep.FlowReservationRequest)
    ]


def states(world: World) -> list[ReservationState]:
    return [one.state for one in world.session.reservations()]


def codes(server: Server, number: int) -> list[int]:
    return [code for subject, code in server.responses() if subject == mrid(number)]


@pytest.mark.spec("IEEE 2030.5-2018 FlowReservationRequest")
def test_a_need_is_asked_granted_and_followed() -> None:
    server = furnished()
    world = World(server, OPTIONS).run(5 * SECOND)
    wish(world, NEED)
    wish(world, NEED)
    ((method, href, asked),) = requests(server)
    assert (method, href) == ("POST", "/edev/1/frq")
    assert (asked.energy_requested.multiplier, asked.energy_requested.value) == (0, 5_000_000)
    assert asked.power_requested.value * 10**asked.power_requested.multiplier == 8_000_000
    assert asked.interval_requested.start == seconds(NEED.start)
    assert asked.interval_requested.duration == 4 * 900
    assert asked.duration_requested == 2 * 900
    assert asked.request_status.request_status == 0
    assert states(world) == [ReservationState.LISTED]
    server.put("/edev/1/frp", [answer(1, asked.mrid)])
    world.run(2 * MINUTE)
    (event,) = world.events
    power, energy = event.signals
    assert {power.kind, energy.kind} == {Kind.CAPACITY}
    assert Kind.CAPACITY in ADVISORY, "what is granted need not be used"
    assert (power.unit, power.intervals[0].value) == ("kW", Decimal(7500))
    assert (energy.commodity, energy.intervals[0].value) == (Commodity.ENERGY, Decimal(15_000))
    assert (event.start, event.end) == (START + 2 * HOUR, START + 4 * HOUR)
    assert (event.program, event.source["subject"]) == ("site program", asked.mrid)
    (one,) = world.session.reservations()
    (grant,) = one.grants
    assert (grant.state, grant.energy_kwh, grant.end) == (
        *("scheduled", Decimal(15_000)),
        START + 4 * HOUR,
    )
    world.run(5 * HOUR)
    assert codes(server, 1) == [1, 2, 3]
    kinds = {type(p.value) for p in server.posted if isinstance(p.value, sep.Response)}
    assert kinds == {sep.FlowReservationResponseResponse}


@pytest.mark.spec("IEEE 2030.5-2018 FlowReservationRequest")
def test_a_withdrawal_differs_from_its_request_in_the_status_alone() -> None:
    server = furnished()
    world = World(server, OPTIONS).run(5 * SECOND)
    wish(world, NEED)
    world.run(10 * MINUTE)
    wish(world, Withdrawal(need_id="n-1"))
    wish(world, Withdrawal(need_id="n-1"))
    (_, _, asked), (method, href, gone) = requests(server)
    assert (method, href) == ("PUT", f"/edev/1/frq/{href.rpartition('/')[2]}")
    assert gone.request_status.request_status == 1
    assert gone.request_status.date_time > asked.request_status.date_time
    assert repr(replace(gone, request_status=asked.request_status)) == repr(asked)
    assert states(world) == [ReservationState.WITHDRAWN]
    world.run(HOUR)
    assert len(requests(server)) == 2


@pytest.mark.spec("IEEE 2030.5-2018 FlowReservationRequest")
def test_the_newest_answer_counts() -> None:
    server = furnished()
    world = World(server, OPTIONS).run(5 * SECOND)
    wish(world, NEED)
    subject = requests(server)[0][2].mrid
    first = answer(1, subject)
    server.put("/edev/1/frp", [first])
    world.run(2 * MINUTE)
    later = sep.DateTimeInterval(start=seconds(START + 4 * HOUR), duration=900)
    server.put("/edev/1/frp", [first, answer(2, subject, interval=later)])
    world.run(2 * MINUTE)
    live = {}
    for event in world.events:
        live[str(event.event_id)] = event.cancelled_at is None
    assert live == {mrid(1): False, mrid(2): True}
    world.run(6 * HOUR)
    assert (codes(server, 1), codes(server, 2)) == ([1], [1, 2, 3])


def test_a_crash_at_any_message_asks_once_and_withdraws_once() -> None:
    for cut in range(1, 9):
        server = furnished()
        world = World(server, OPTIONS).run(5 * SECOND)
        world._perform(world.session.on_reservation(NEED, world.now))
        world.run(cut * timedelta(milliseconds=7))
        world.start()
        world.run(30 * SECOND)
        assert {asked.mrid for _, _, asked in requests(server)} == {requests(server)[0][2].mrid}
        assert states(world) == [ReservationState.LISTED]
        world._perform(world.session.on_reservation(Withdrawal(need_id="n-1"), world.now))
        world.run(cut * timedelta(milliseconds=7))
        world.start()
        world.run(30 * SECOND)
        assert states(world) == [ReservationState.WITHDRAWN]
        assert requests(server)[-1][0] == "PUT"


def test_what_is_withdrawn_on_its_way_is_withdrawn_where_it_arrives() -> None:
    server = furnished()
    world = World(server, OPTIONS).run(5 * SECOND)
    server.down = True
    wish(world, NEED)
    wish(world, Withdrawal(need_id="n-1"))
    assert states(world) == [ReservationState.REVOKED]
    server.down = False
    world.run(10 * MINUTE)
    assert [method for method, _, _ in requests(server)] == ["POST", "PUT"]
    assert states(world) == [ReservationState.WITHDRAWN]


@pytest.mark.parametrize(
    ("told", "state"),
    [((413, ""), ReservationState.REFUSED), ((400, ""), ReservationState.REFUSED)],
)
def test_what_the_server_refuses_is_said(told: tuple[int, str], state: ReservationState) -> None:
    server = furnished()

    def refuse(posted: Posted) -> tuple[int, str] | None:
        return told if isinstance(posted.value, sep.FlowReservationRequest) else None

    server.on_post = refuse
    world = World(server, OPTIONS).run(5 * SECOND)
    wish(world, NEED)
    assert states(world) == [state]
    assert "reservation" in world.words()
    with pytest.raises(SessionError) as error:
        world.session.on_reservation(Withdrawal(need_id="n-1"), world.now)
    assert error.value.reason == "OUT_OF_SEQUENCE"


def test_a_server_without_requests_is_asked_once_it_has_them() -> None:
    server = utility()
    world = World(server, OPTIONS).run(5 * SECOND)
    wish(world, NEED)
    assert states(world) == [ReservationState.WANTED]
    furnished_server = furnished()
    server.resources = furnished_server.resources
    world.run(5 * MINUTE)
    assert states(world) == [ReservationState.LISTED]


BAD: dict[str, tuple[Callable[[Need], Need], str]] = {
    "backwards": (lambda n: replace(n, end=n.start), "REFUSED"),
    "over": (lambda n: replace(n, start=START - HOUR, end=START), "TOO_LATE"),
    "no energy": (lambda n: replace(n, energy_kwh=Decimal(0)), "REFUSED"),
    "generation": (lambda n: replace(n, energy_kwh=Decimal(-1)), "REFUSED"),
    "too little power": (lambda n: replace(n, power_kw=Decimal("4999.9")), "REFUSED"),
    "longer than the window": (lambda n: replace(n, least=5 * HOUR), "REFUSED"),
    "longer than can be told": (
        lambda n: replace(n, end=START + timedelta(hours=30), least=timedelta(hours=19)),
        "REFUSED",
    ),
    "beyond any number": (
        lambda n: replace(n, power_kw=Decimal("1e19"), energy_kwh=Decimal(1)),
        "REFUSED",
    ),
    "a site of others": (lambda n: replace(n, site=SiteId("ber-1")), "NOT_FOUND"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_asked_is_refused_before_anything_changes(name: str) -> None:
    spoil, reason = BAD[name]
    server = furnished()
    world = World(server, OPTIONS).run(5 * SECOND)
    stored = world.session.snapshot()
    with pytest.raises(SessionError) as error:
        world.session.on_reservation(spoil(NEED), world.now)
    assert error.value.reason == reason
    assert world.session.snapshot() == stored


def test_three_hundred_megawatts_can_be_asked_for() -> None:
    server = furnished()
    world = World(server, OPTIONS).run(5 * SECOND)
    wish(
        world,
        replace(NEED, power_kw=Decimal("300000.001"), energy_kwh=Decimal("299999.9995")),
    )
    asked = requests(server)[0][2]
    power = asked.power_requested.value * 10**asked.power_requested.multiplier
    assert 300_000_001 <= power <= 300_010_000, "rounded up: less would not do"
    energy = asked.energy_requested.value * 10**asked.energy_requested.multiplier
    assert energy == 300_000_000


def test_reservations_are_bounded_and_forgotten_after_their_window() -> None:
    server = furnished(rate=7200)
    world = World(server, OPTIONS).run(5 * SECOND)
    for number in range(MOST):
        world._perform(
            world.session.on_reservation(replace(NEED, need_id=f"n-{number}"), world.now)
        )
    with pytest.raises(SessionError) as error:
        world.session.on_reservation(replace(NEED, need_id="one more"), world.now)
    assert error.value.reason == "REFUSED"
    world.run(timedelta(hours=26))
    wish(world, replace(NEED, need_id="later", start=world.now + HOUR, end=world.now + 9 * HOUR))
    assert len(states(world)) == 1


def test_without_the_function_set_nothing_is_asked() -> None:
    world = World(furnished()).run(5 * SECOND)
    with pytest.raises(SessionError) as error:
        world.session.on_reservation(NEED, world.now)
    assert error.value.reason == "REFUSED"
    assert not [href for _, href in world.server.asked if "frp" in href]


def test_every_state_that_is_not_the_end_can_be_left() -> None:
    ends = {ReservationState.WITHDRAWN, ReservationState.REFUSED}
    assert {state for state, _ in TRANSITIONS} == set(ReservationState) - ends
    assert {event for _, event in TRANSITIONS} == set(Input)
