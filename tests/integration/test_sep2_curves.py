"""Curves of DER programs: published by the operator, read by a load and told not supported, edition by edition."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.errors import MisuseError
from gateway.domain.event import Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.curves import described, summary
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import Edition, Flavour
from gateway.protocols.sep2.enums import CurveType
from gateway.protocols.sep2.server.curves import MODES
from gateway.protocols.sep2.server.operator import Operator
from tests.sep2_operator import operated
from tests.sep2_server_world import MINUTE, Premises, Sink, furnish, statuses
from tests.sep2_world import START, World, control, listing, mrid, utility
from tests.unit.test_sep2_server import Utility

VOLT_VAR = sep.DERCurve(
    mrid="0",
    creation_time=0,
    curve_type=CurveType.VOLT_VAR,
    curve_data=(
        sep.CurveData(xvalue=9200, yvalue=440),
        sep.CurveData(xvalue=9800, yvalue=0),
        sep.CurveData(xvalue=10200, yvalue=-5),
    ),
    x_multiplier=-2,
    y_multiplier=-1,
    y_ref_type=3,
)


@pytest.mark.spec("IEEE 2030.5-2018 DERCurve")
def test_a_curve_is_written_for_people_exactly() -> None:
    assert described(VOLT_VAR) == "volt_var (92, 44) (98, 0) (102, -0.5)"
    assert described(replace(VOLT_VAR, curve_type=99)).startswith("curve of type 99 ")
    assert described(replace(VOLT_VAR, x_multiplier=-100)) == ""
    assert summary([VOLT_VAR, sep.Resource(), replace(VOLT_VAR, x_multiplier=99)]).count(";") == 0


def test_every_mode_of_a_curve_knows_its_type() -> None:
    assert set(MODES.values()) == set(CurveType)
    assert len(MODES) == len(CurveType)


@pytest.mark.spec("IEEE 2030.5-2018 DERCurve", "IEEE 2030.5-2018 10.2.3.3")
@pytest.mark.parametrize(("edition", "code"), [("2018", 252), ("2023", 251)])
def test_a_control_of_curves_alone_is_told_not_supported(edition: str, code: int) -> None:
    server = utility()
    if edition == "2023":
        server.flavour = Flavour(edition=Edition.Y2023)
    server.resources["/derp/1/dc"] = listing(sep.DERCurveList, "/derp/1/dc")
    server.put("/derp/1/dc", [replace(VOLT_VAR, href="/derp/1/dc/1", mrid=mrid(77))])
    program = server.resources["/derp"].der_program[0]  # type: ignore[attr-defined] # of the list
    link = sep.ListLink(href="/derp/1/dc", all=1)
    server.put("/derp", [replace(program, der_curve_list_link=link)])
    curve = sep.DERControlBase(op_mod_volt_var=sep.Link(href="/derp/1/dc/1"))
    both = replace(curve, op_mod_target_w=sep.ActivePower(multiplier=3, value=-5000))
    server.put(
        "/derp/1/derc",
        [
            control(1, START + 2 * MINUTE, 5, base=curve),
            control(2, START + 10 * MINUTE, 5, base=both),
        ],
    )
    options = Sep2Options(edition=edition, pin=111115)
    world = World(server, options).run(timedelta(minutes=20))
    told = {n: [c for s, c in server.responses() if s == mrid(n)] for n in (1, 2)}
    assert told == {1: [code], 2: [1, 2, 3]}
    (event,) = world.events
    assert [signal.kind for signal in event.signals] == [Kind.SETPOINT]
    notes = [one.fields for one in world.notes if one.word == "curves_not_followed"]
    assert [one["curves"] for one in notes] == ["volt_var (92, 44) (98, 0) (102, -0.5)"]


def test_an_operators_curve_is_checked_and_stands_in_the_programs_list() -> None:
    city = Utility()
    operator = Operator(city.server)
    name = city.do(operator.create_curve(city.program, VOLT_VAR, city.now))
    curve = city.server.book.expect(name, sep.DERCurve)
    program = city.server.book.expect(city.program, sep.DERProgram)
    assert isinstance(program.value, sep.DERProgram)
    assert program.value.version == 1
    assert program.value.der_curve_list_link is not None
    city.do(operator.create_curve(city.program, VOLT_VAR, city.now))
    assert city.server.book.expect(city.program, sep.DERProgram) is program, "one list for all"
    base = sep.DERControlBase(op_mod_volt_var=sep.Link(href=curve.href))
    assert city.issue(5, 10, base)
    other = city.add_program(3)
    bad = (
        (city.program, sep.DERControlBase(op_mod_volt_watt=sep.Link(href=curve.href))),
        (city.program, sep.DERControlBase(op_mod_volt_var=sep.Link(href="/nothing"))),
        (other, base),
    )
    for owner, wanted in bad:
        default = sep.DefaultDERControl(mrid="0", der_control_base=wanted)
        with pytest.raises(MisuseError) as error:
            operator.set_default(owner, default, city.now)
        assert error.value.reason == "BAD_RESOURCE"
    falling = tuple(reversed(VOLT_VAR.curve_data))
    for spoiled in (
        replace(VOLT_VAR, curve_data=falling),
        replace(VOLT_VAR, curve_data=()),
        replace(VOLT_VAR, curve_type=15),
        replace(VOLT_VAR, curve_data=VOLT_VAR.curve_data + VOLT_VAR.curve_data[-1:] * 9),
    ):
        with pytest.raises(MisuseError) as error:
            operator.create_curve(city.program, spoiled, city.now)
        assert error.value.reason == "BAD_RESOURCE"


@pytest.mark.spec("IEEE 2030.5-2018 DERCurve")
async def test_a_curve_goes_from_the_operator_to_the_device_and_back_as_252(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as city, operated(site, city) as operator:
        made = await furnish(city, device.lfdi)
        curve = {
            "curveType": 11,
            "CurveData": [{"xvalue": 92, "yvalue": 44}, {"xvalue": 98, "yvalue": 0}],
            "xMultiplier": 0,
            "yMultiplier": 0,
            "yRefType": 3,
        }
        await operator.do("POST", f"/v1/programs/{made.der}/curves", curve=curve)
        (one,) = (await operator.do("GET", "/v1/curves"))["items"]
        start = (START + 5 * MINUTE).isoformat()
        told = {"program": made.der, "start": start, "duration_s": 300}
        link = {"href": one["href"]}
        event = await operator.do("POST", "/v1/events", **told, modes={"opModVoltVar": link})
        status, _ = await operator.ask("POST", "/v1/events", **told, modes={"opModWattPF": link})
        assert status == 400
        sink = Sink()
        async with site.gateway(device, city.url, sink):
            await site.pass_time(START + 12 * MINUTE)
        assert statuses(city, event["name"]) == [252]
        assert sink.events == []
