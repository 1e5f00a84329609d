"""What an operator sets is what clients find, and what clients tell is kept: the server procedures of CSIP-AUS."""

from dataclasses import replace

import pytest

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.devices import NewDevice
from tests.sep2_world import LFDI, START
from tests.unit.test_sep2_server import OTHER, Utility, mirror, response

ACTIVE = 1
WATTS = sep.ActivePower(multiplier=3, value=5000)
SECOND = int(START.timestamp())


@pytest.mark.spec(
    "CSIP-AUS S-ALL-11", "CSIP-AUS S-ALL-12", "CSIP-AUS S-ALL-13", "CSIP-AUS S-ALL-14"
)
@pytest.mark.spec(
    "CSIP-AUS S-ALL-15", "CSIP-AUS S-ALL-16", "CSIP-AUS S-ALL-17", "CSIP-AUS S-ALL-18"
)
@pytest.mark.parametrize(
    "base",
    [
        sep.DERControlBase(op_mod_exp_lim_w=WATTS),
        sep.DERControlBase(op_mod_gen_lim_w=WATTS),
        sep.DERControlBase(op_mod_imp_lim_w=WATTS),
        sep.DERControlBase(op_mod_load_lim_w=WATTS),
        sep.DERControlBase(op_mod_energize=False),
        sep.DERControlBase(op_mod_connect=False),
        sep.DERControlBase(op_mod_imp_lim_w=WATTS, op_mod_load_lim_w=WATTS, op_mod_fixed_w=-5000),
        sep.DERControlBase(op_mod_exp_lim_w=WATTS, ramp_tms=500),
    ],
    ids=["export", "generation", "import", "load", "energise", "connect", "several", "ramp"],
)
def test_an_active_control_shows_its_modes(base: sep.DERControlBase) -> None:
    utility = Utility()
    name = utility.issue(1, 10, base)
    (shown,) = utility.at(2).listed()
    assert shown.der_control_base == base
    assert utility.standing() == {name: (ACTIVE, 1)}
    assert (shown.response_required, shown.reply_to) == (3, utility.server.responses())


@pytest.mark.spec(
    "CSIP-AUS S-ALL-19", "CSIP-AUS S-ALL-20", "CSIP-AUS S-ALL-21", "CSIP-AUS S-ALL-22"
)
@pytest.mark.spec("CSIP-AUS S-ALL-23", "CSIP-AUS S-ALL-24", "CSIP-AUS S-ALL-48")
@pytest.mark.spec("IEEE 2030.5-2018 Version")
def test_a_default_shows_its_modes_and_counts_its_versions() -> None:
    utility = Utility()
    href = utility.href(sep.DefaultDERControl)
    for version, told in enumerate(
        (
            sep.DefaultDERControl(
                mrid="0", der_control_base=sep.DERControlBase(op_mod_exp_lim_w=WATTS)
            ),
            sep.DefaultDERControl(
                mrid="0", der_control_base=sep.DERControlBase(op_mod_gen_lim_w=WATTS)
            ),
            sep.DefaultDERControl(
                mrid="0",
                der_control_base=sep.DERControlBase(
                    op_mod_imp_lim_w=WATTS, op_mod_load_lim_w=WATTS
                ),
                set_grad_w=27,
            ),
            sep.DefaultDERControl(mrid="0", der_control_base=sep.DERControlBase(), set_grad_w=28),
        ),
        1,
    ):
        utility.do(utility.operator.set_default(utility.program, told, utility.now))
        _, shown = utility.get(href)
        assert isinstance(shown, sep.DefaultDERControl)
        assert shown.der_control_base == told.der_control_base
        assert (shown.set_grad_w, shown.version) == (told.set_grad_w, version)


@pytest.mark.spec("CSIP-AUS S-ALL-08", "CSIP-AUS S-ALL-09", "CSIP-AUS S-ALL-10", "CSIP CORE-014")
@pytest.mark.spec("IEEE 2030.5-2018 5.5.2.3")
def test_what_a_device_tells_of_itself_is_read_back_and_survives_the_others() -> None:
    utility = Utility()
    mode = sep.OperationalModeStatusType(date_time=7, value=2)
    for document in (
        sep.DERStatus(reading_time=5, operational_mode_status=mode),
        sep.DERCapability(modes_supported=128, rtg_max_w=WATTS, type=1, doe_modes_supported=15),
        sep.DERSettings(set_grad_w=27, set_max_w=WATTS, updated_time=9, doe_modes_enabled=15),
        sep.DERAvailability(reading_time=5, stat_w_avail=WATTS),
    ):
        kind = type(document)
        href = utility.href(kind)
        assert utility.get(href) == (404, None), "nothing was told yet"
        answer = utility.send("PUT", href, document).answer
        assert (answer.status, answer.body) == (204, b"")
        assert utility.get(href) == (200, replace(document, href=href))
        assert utility.get(utility.href(kind, OTHER), peer=OTHER) == (404, None)


@pytest.mark.spec("CSIP-AUS S-ALL-43", "CSIP CORE-003")
@pytest.mark.parametrize(
    "kind",
    [
        *(sep.DeviceCapability, sep.Time, sep.EndDeviceList, sep.FunctionSetAssignmentsList),
        *(sep.DERProgramList, sep.DERList, sep.MirrorUsagePointList, sep.Registration),
    ],
)
def test_the_poll_rate_of_each_resource_is_the_operators(kind: type[sep.Resource]) -> None:
    utility = Utility()
    href = next(
        one.href
        for one in utility.server.book.entries.values()
        if one.kind is kind and utility.server.book.sees(LFDI, one)
    )
    utility.do(utility.operator.set_poll_rate(href, 77, utility.now))
    _, shown = utility.get(href)
    assert getattr(shown, "poll_rate", None) == 77


@pytest.mark.spec("CSIP-AUS S-ALL-44", "CSIP-AUS S-ALL-45")
def test_a_schedule_is_active_one_after_the_other() -> None:
    utility = Utility()
    names = [utility.issue(2 * n + 1, 2, randomize_start=60) for n in range(5)]
    listed = utility.listed()
    assert [one.mrid for one in listed] == names
    assert {one.randomize_start for one in listed} == {60}
    for place, name in enumerate(names):
        shown = utility.at(2 * place + 2.5).standing()
        active = [mrid for mrid, (status, _) in shown.items() if status == ACTIVE]
        assert active == [name]
    assert utility.at(12.5).listed() == ()


@pytest.mark.spec("CSIP-AUS S-ALL-49", "CSIP CORE-013")
def test_programs_of_another_primacy_supersede_nothing_and_come_in_order() -> None:
    utility = Utility()
    better = utility.add_program(1)
    first = utility.issue(1, 10)
    utility.program, worse = better, utility.program
    second = utility.issue(2, 5)
    utility.at(3)
    assert utility.standing() == {second: (ACTIVE, 1)}
    utility.program = worse
    assert utility.standing() == {first: (ACTIVE, 1)}
    _, programs = utility.get(utility.href(sep.DERProgramList), "l=9")
    assert isinstance(programs, sep.DERProgramList)
    assert [one.mrid for one in programs.der_program] == [better, worse]
    utility.do(utility.operator.set_primacy(worse, 0, utility.now))
    _, programs = utility.get(utility.href(sep.DERProgramList), "l=9")
    assert isinstance(programs, sep.DERProgramList)
    assert [one.mrid for one in programs.der_program] == [worse, better]


@pytest.mark.spec("CSIP-AUS S-ALL-53", "CSIP-AUS S-OPT-02", "CSIP-AUS S-OPT-03")
def test_a_connection_point_is_told_changed_and_refused_where_it_cannot_be() -> None:
    utility = Utility()
    href = utility.href(sep.ConnectionPoint)
    assert utility.get(href) == (404, None)
    for method, name in (("PUT", "6123456789"), ("POST", "6123456780")):
        told = sep.ConnectionPoint(connection_point_id=name)
        assert utility.send(method, href, told).answer.status == 204
        assert utility.get(href) == (200, replace(told, href=href))
    body = (
        b'<ConnectionPoint xmlns="https://csipaus.org/ns"><connectionPointId>'
        + b"6" * 33
        + b"</connectionPointId></ConnectionPoint>"
    )
    refused = utility.send("PUT", href, body).answer
    assert (refused.status, b"reasonCode" in refused.body) == (400, True)
    _, shown = utility.get(href)
    assert isinstance(shown, sep.ConnectionPoint)
    assert shown.connection_point_id == "6123456780"


@pytest.mark.spec("CSIP-AUS S-OPT-04", "CSIP-AUS S-OPT-05", "CSIP-AUS ALL-04")
def test_a_pin_is_read_and_a_post_rate_followed() -> None:
    utility = Utility()
    _, shown = utility.get(utility.href(sep.Registration))
    assert isinstance(shown, sep.Registration)
    assert shown.pin == 111115
    assert utility.post("/mup", mirror()) == 201
    utility.do(utility.operator.set_post_rate(LFDI, 33, utility.now))
    for kind in (sep.EndDevice, sep.MirrorUsagePoint):
        _, found = utility.get(utility.href(kind))
        assert getattr(found, "post_rate", None) == 33
    # What its device posts again does not change what the operator set.
    assert utility.post("/mup", replace(mirror(), post_rate=900)) == 204
    _, found = utility.get(utility.href(sep.MirrorUsagePoint))
    assert getattr(found, "post_rate", None) == 33


@pytest.mark.spec("CSIP-AUS S-ALL-04", "CSIP-AUS S-ALL-05")
def test_many_clients_at_once_find_each_its_own() -> None:
    utility = Utility()
    names = [f"{number:040X}" for number in range(10, 30)]
    for name in names:
        utility.do(utility.operator.register(NewDevice(lfdi=name, pin=111115), utility.now))
    for minute in range(3):
        utility.at(minute)
        for number, name in enumerate(names):
            href = utility.href(sep.DERStatus, name)
            told = sep.DERStatus(reading_time=SECOND + number)
            assert utility.send("PUT", href, told, name).answer.status == 204
            assert utility.post("/mup", mirror(name), name) == (201 if minute == 0 else 204)
        for number, name in enumerate(names):
            _, devices = utility.get("/edev", "l=100", name)
            assert isinstance(devices, sep.EndDeviceList)
            assert [one.lfdi for one in devices.end_device] == [name]
            _, mirrors = utility.get("/mup", "l=100", name)
            assert isinstance(mirrors, sep.MirrorUsagePointList)
            assert [one.device_lfdi for one in mirrors.mirror_usage_point] == [name]
            _, status = utility.get(utility.href(sep.DERStatus, name), peer=name)
            assert isinstance(status, sep.DERStatus)
            assert status.reading_time == SECOND + number
            assert utility.get(utility.href(sep.DERStatus, name), peer=OTHER) == (404, None)


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2", "CSIP CORE-004")
def test_the_corners_of_paging() -> None:
    utility = Utility()
    names = [utility.issue(10 * n + 10, 5) for n in range(5)]
    start = SECOND + 600

    def page(query: str) -> tuple[int, int, list[str]]:
        _, found = utility.get(utility.events(), query)
        assert isinstance(found, sep.DERControlList)
        return found.all, found.results, [one.mrid for one in found.der_control]

    assert page("") == (5, 1, names[:1])
    assert page("l=0") == (5, 0, [])
    assert page("s=3&l=9") == (5, 2, names[3:])
    assert page("s=5&l=9") == page("s=99999&l=9") == (5, 0, [])
    assert page("l=99999") == (5, 5, names)
    assert page(f"a={start}&l=9") == (5, 4, names[1:])
    assert page(f"a={start - 1}&s=1&l=2") == (5, 2, names[1:3])
    assert page("a=-5&l=1") == (5, 1, names[:1])
    assert page("x=1&l=2&foo") == (5, 2, names[:2])
    for query in ("s=-1", "l=x", "l=1&l=2", "s=", "a=1.5", "l=99999999999"):
        assert utility.get(utility.events(), query)[0] == 400, query
    # What is no list looks at none of them; one without a time first, not at ``a``.
    assert utility.get("/tm", "s=5&l=0&a=7")[0] == 200
    _, devices = utility.get("/edev", "a=99999999999&l=5")
    assert isinstance(devices, sep.EndDeviceList)
    assert (devices.all, devices.results) == (1, 1)


@pytest.mark.spec("CSIP MAINT-002")
def test_a_device_removes_itself_where_it_may_register_itself() -> None:
    closed, utility = Utility(), Utility(in_band=True)
    own = closed.href(sep.EndDevice)
    assert closed.send("DELETE", own, b"").answer.status == 403
    assert closed.get(own)[0] == 200

    own = utility.href(sep.EndDevice)
    assert utility.send("DELETE", own, b"", OTHER).answer.status == 404
    assert utility.post("/mup", mirror()) == 201
    status = utility.href(sep.DERStatus)
    assert utility.send("DELETE", own, b"").answer.status == 204
    for href in (own, status, utility.events()):
        assert utility.get(href) == (404, None)
    _, devices = utility.get("/edev")
    assert isinstance(devices, sep.EndDeviceList)
    assert devices.all == 0, "it is asked to register, as any stranger"
    assert not [one for one in utility.server.book.entries.values() if one.scope == LFDI]


@pytest.mark.spec("CSIP UTIL-001", "CSIP-AUS S-ALL-03", "IEEE 2030.5-2018 EndDevice")
def test_an_aggregator_finds_its_four_devices_each_with_its_own_groups() -> None:
    utility = Utility()
    names = [f"{number:040X}" for number in (0xA1, 0xA2, 0xB1, 0xB2)]
    fsas = {}
    for group in "AB":
        fsas[group] = utility.do(utility.operator.create_fsa(utility.now, f"group {group}"))
    for name in names:
        new = NewDevice(lfdi=name, manager=LFDI)
        utility.do(utility.operator.register(new, utility.now))
        group = fsas["A" if name.endswith(("A1", "A2")) else "B"]
        utility.do(utility.operator.assign(group, [name], utility.now))
    _, devices = utility.get("/edev", "l=9")
    assert isinstance(devices, sep.EndDeviceList)
    assert {one.lfdi for one in devices.end_device} == {LFDI, *names}
    for one in devices.end_device:
        link = one.function_set_assignments_list_link
        assert link is not None
        _, given = utility.get(link.href, "l=9")
        assert isinstance(given, sep.FunctionSetAssignmentsList)
        wanted = {True: "group A", False: "group B"}[str(one.lfdi)[-2] == "A"]
        told = [each.description for each in given.function_set_assignments]
        assert told == ([None] if one.lfdi == LFDI else [wanted])
    assert utility.get("/edev", "l=9", OTHER)[1].all == 1  # type: ignore[attr-defined] # a list


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2.4", "IEEE 2030.5-2018 5.5.2.3", "CSIP CORE-002")
def test_everything_that_is_made_has_a_location_at_which_it_stands() -> None:
    utility = Utility()
    name = utility.issue(0, 10)
    period = sep.DateTimeInterval(start=SECOND + 60, duration=60)
    energy = sep.SignedRealEnergy(multiplier=3, value=5)
    for place, document in (
        ("/mup", mirror()),
        (utility.server.responses(), response(name)),
        (
            utility.href(sep.LogEventList),
            sep.LogEvent(
                created_date_time=1,
                function_set=11,
                log_event_code=0,
                log_event_id=1,
                log_event_pen=40732,
                profile_id=2,
            ),
        ),
        (
            utility.href(sep.LoadShedAvailabilityList),
            sep.LoadShedAvailability(sheddable_power=WATTS),
        ),
        (
            utility.href(sep.FlowReservationRequestList),
            sep.FlowReservationRequest(
                mrid="0" * 31 + "1",
                creation_time=1,
                energy_requested=energy,
                interval_requested=period,
                power_requested=WATTS,
                request_status=sep.RequestStatus(date_time=1, request_status=0),
            ),
        ),
    ):
        answer = utility.send("POST", place, document).answer
        assert (answer.status, answer.body) == (201, b""), place
        status, found = utility.get(answer.location)
        assert status == 200, place
        assert isinstance(found, sep.Resource)
        assert found.href == answer.location


@pytest.mark.spec("CSIP Implementation Guide v2.1 Table 7", "IEEE 2030.5-2018 DeviceCapability")
def test_the_function_sets_that_a_server_owes_are_reached_by_links() -> None:
    utility = Utility()

    def shown(href: str) -> object:
        status, found = utility.get(href, "l=1")
        assert status == 200, href
        return found

    entry, device = shown("/dcap"), shown(utility.href(sep.EndDevice))
    assert isinstance(device, sep.EndDevice)
    assert device.function_set_assignments_list_link is not None
    fsas = shown(device.function_set_assignments_list_link.href)
    assert isinstance(fsas, sep.FunctionSetAssignmentsList)
    (fsa,), der = fsas.function_set_assignments, shown(utility.href(sep.DER))
    owed = [
        *((entry, name) for name in ("time", "end_device_list", "mirror_usage_point_list")),
        (entry, "response_set_list"),
        *((device, name) for name in ("function_set_assignments_list", "der_list")),
        *((device, name) for name in ("log_event_list", "subscription_list", "registration")),
        *((fsa, name) for name in ("time", "der_program_list")),
        *((der, name) for name in ("der_capability", "der_settings", "der_status")),
    ]
    links = {name: getattr(one, f"{name}_link") for one, name in owed}
    assert None not in links.values()
    # What the device itself has to tell is not there before it has told it.
    told = {"der_capability", "der_settings", "der_status"}
    found = {name: utility.get(link.href)[0] for name, link in links.items()}
    assert {name: status for name, status in found.items() if name not in told} == dict.fromkeys(
        links.keys() - told, 200
    )
