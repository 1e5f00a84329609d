"""Of a device that may not take part nothing is read but whether it may; what it was asked stops, and begins again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import DeviceOptions, Sep2Options
from gateway.protocols.sep2.identity import sfdi_of
from tests.sep2_subscribed_world import LISTS, subscribed, subscriptions
from tests.sep2_world import START, Server, World, control, mrid, scope, utility

MINUTE = timedelta(minutes=1)
OPTIONS = Sep2Options(csip_aus=True, pin=111115)
ASSIGNED = ("/edev/1/fsa", "/edev/1/der", "/derp", "/dr")


def registered(server: Server, pin: int) -> None:
    """Show another PIN."""
    found = server.resources["/edev/1/rg"]
    assert isinstance(found, sep.Registration)
    server.resources["/edev/1/rg"] = replace(found, pin=pin)


def enabled(server: Server, *, on: bool) -> None:
    """Enable the device, or not."""
    found = server.resources["/edev"]
    assert isinstance(found, sep.EndDeviceList)
    server.put("/edev", [replace(found.end_device[0], enabled=on)])


def removed(server: Server, *, on: bool) -> None:
    """List the device, or not."""
    server.put("/edev", [DEVICE] if on else [])


DEVICE = utility().resources["/edev"].end_device[0]  # type: ignore[attr-defined]  # an EndDeviceList
Switch = Callable[[Server, bool], None]
SWITCHES: dict[str, Switch] = {
    "pin": lambda server, on: registered(server, 111115 if on else 123455),
    "enabled": lambda server, on: enabled(server, on=on),
    "listed": lambda server, on: removed(server, on=on),
}
switched = pytest.mark.parametrize("switch", SWITCHES.values(), ids=list(SWITCHES))


def asked(server: Server, since: datetime = START) -> set[str]:
    """Return what was asked for, without the paging."""
    return {href.partition("?")[0] for at, href in server.asked if at >= since}


@pytest.mark.spec("CSIP Implementation Guide v2.1 6.1", "IEEE 2030.5-2018 8.6")
@switched
def test_from_the_start_nothing_that_is_assigned_is_read(switch: Switch) -> None:
    server = utility()
    switch(server, False)
    world = World(server, OPTIONS).run(30 * MINUTE)

    assert asked(server) <= {"/dcap", "/tm", "/edev", "/edev/1/rg", "/mup"}
    assert "/edev" in asked(server, START + 25 * MINUTE)
    assert "synchronised" in world.words()


@pytest.mark.spec("CSIP Implementation Guide v2.1 6.1", "IEEE 2030.5-2018 8.6")
@switched
def test_it_stops_at_the_next_look_and_begins_when_it_is_right_again(switch: Switch) -> None:
    server = utility()
    world = World(server, OPTIONS).run(5 * MINUTE)
    assert set(ASSIGNED) <= asked(server)
    switch(server, False)
    world.run(2 * MINUTE)
    quiet = world.now
    world.run(20 * MINUTE)
    assert asked(server, quiet).isdisjoint({*ASSIGNED, "/derp/1/derc", "/derp/1/dderc"})

    switch(server, True)
    server.put("/derp/1/derc", [control(1, world.now + 4 * MINUTE, 2)])
    again = world.now
    world.run(10 * MINUTE)
    assert {*ASSIGNED, "/derp/1/derc"} <= asked(server, again)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]


@pytest.mark.spec("IEEE 2030.5-2018 8.5.3")
@switched
def test_a_running_control_is_let_go_unanswered(switch: Switch) -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 30)])
    world = World(server, OPTIONS).run(5 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2)]
    switch(server, False)
    world.run(40 * MINUTE)

    assert server.responses() == [(mrid(1), 1), (mrid(1), 2)]
    assert world.events[-1].cancelled_at is not None
    assert "device_not_ready" in world.words()


@switched
def test_or_runs_on_where_the_operator_wants_that(switch: Switch) -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 30)])
    world = World(server, OPTIONS.model_copy(update={"keep_withdrawn": True})).run(5 * MINUTE)
    switch(server, False)
    world.run(40 * MINUTE)

    assert all(event.cancelled_at is None for event in world.events)
    assert (mrid(1), 3) in server.responses()


def test_a_registration_that_nobody_can_read_admits_nobody() -> None:
    server = utility()
    server.statuses["/edev/1/rg"] = 500
    world = World(server, OPTIONS).run(10 * MINUTE)
    assert asked(server).isdisjoint(ASSIGNED)
    del server.statuses["/edev/1/rg"]
    world.run(20 * MINUTE)
    assert set(ASSIGNED) <= asked(server)


def test_a_registration_that_is_not_there_is_none() -> None:
    server = utility()
    del server.resources["/edev/1/rg"]
    World(server, OPTIONS).run(10 * MINUTE)
    assert set(ASSIGNED) <= asked(server)


def test_programs_for_everybody_are_read_for_those_who_take_part() -> None:
    server = utility()
    root = server.resources["/dcap"]
    assert isinstance(root, sep.DeviceCapability)
    server.resources["/dcap"] = replace(
        root, der_program_list_link=sep.ListLink(href="/derp", all=1)
    )
    server.put("/edev", [replace(DEVICE, function_set_assignments_list_link=None)])
    registered(server, 123455)
    world = World(server, OPTIONS).run(10 * MINUTE)
    assert "/derp" not in asked(server)
    registered(server, 111115)
    world.run(5 * MINUTE)
    assert "/derp/1/derc" in asked(server)
    registered(server, 123455)
    world.run(3 * MINUTE)
    quiet = world.now
    world.run(10 * MINUTE)
    assert asked(server, quiet).isdisjoint({"/derp", "/derp/1/derc"})


def test_a_restart_while_the_pin_is_wrong_reads_nothing_and_loses_nothing() -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 20 * MINUTE, 5)])
    world = World(server, OPTIONS).run(5 * MINUTE)
    registered(server, 123455)
    world.run(3 * MINUTE)
    world.start()
    again = world.now
    world.run(5 * MINUTE)
    assert asked(server, again).isdisjoint(ASSIGNED)
    registered(server, 111115)
    world.run(30 * MINUTE)
    codes = [code for subject, code in server.responses() if subject == mrid(1)]
    assert codes[-2:] == [2, 3]


def test_what_devices_share_is_read_while_one_of_them_takes_part() -> None:
    server = utility()
    own = replace(DEVICE, registration_link=sep.Link(href="/edev/1/rg"))
    lfdi = "AB" * 20
    other = replace(own, href="/edev/2", lfdi=lfdi, sfdi=sfdi_of(lfdi), der_list_link=None)
    other = replace(
        other,
        registration_link=sep.Link(href="/edev/2/rg"),
        function_set_assignments_list_link=own.function_set_assignments_list_link,
    )
    found = server.resources["/edev/1/rg"]
    server.resources["/edev/2/rg"] = replace(found, href="/edev/2/rg")
    server.put("/edev", [own, other])
    managed = DeviceOptions(lfdi=lfdi, site=str(scope().sites[0]), pin=111115)
    options = OPTIONS.model_copy(update={"device": (managed,)})
    world = World(server, options).run(5 * MINUTE)
    registered(server, 123455)
    world.run(3 * MINUTE)
    since = world.now
    world.run(10 * MINUTE)
    assert {"/edev/1/fsa", "/derp"} <= asked(server, since)
    assert "/edev/1/der" not in asked(server, since)
    enabled_list = server.resources["/edev"]
    assert isinstance(enabled_list, sep.EndDeviceList)
    server.put("/edev", [replace(one, enabled=False) for one in enabled_list.end_device])
    world.run(3 * MINUTE)
    since = world.now
    world.run(10 * MINUTE)
    assert asked(server, since).isdisjoint(ASSIGNED)


def test_subscriptions_to_what_is_assigned_are_given_up_and_made_anew() -> None:
    world = subscribed()
    assert set(subscriptions(world.server)) == set(LISTS)
    registered(world.server, 123455)
    world.run(20 * MINUTE)
    assert set(subscriptions(world.server)) == {"/edev"} & set(LISTS)
    registered(world.server, 111115)
    world.run(20 * MINUTE)
    assert set(subscriptions(world.server)) == set(LISTS)
