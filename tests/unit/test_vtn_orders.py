"""What the suite orders of our VTN, as its operator would write it."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from conformance.admin2b.bodies import EventBody, WishBody
from conformance.engine.errors import DriverMissingError
from conformance.foreign.vtn_orders import event_body, state_of, unit_of, wish_body, wish_of
from conformance.kit.oadr20b.event import (
    DOLLAR_PER_KWH,
    KILOWATT,
    Baseline,
    Step,
    Target,
    Unit,
    dispatch,
    price,
)
from conformance.kit.oadr20b.ven_build import event_json

START = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VEN = {
    "ven_id": "v1",
    "offers": [{"report_specifier_id": "usage", "report_name": "METADATA_TELEMETRY_USAGE"}],
}
REQUEST = {
    "id": "r1",
    "specifier": "usage",
    "points": ["power"],
    "granularity": "PT60S",
    "back": "PT60S",
    "start": "2026-05-04T13:00:00Z",
    "lasts": "PT0S",
}


def test_an_event_in_full_is_a_body_that_the_interface_takes() -> None:
    steps = (Step(lasts=HOUR, value=Decimal("812.5")),)
    event = replace(
        dispatch("e1", START, HOUR, "500", "412.5"),
        target=Target(resource_ids=("hall-1",), group_ids=("g",), party_ids=("p",)),
        baseline=Baseline(start=START, lasts=HOUR, steps=steps),
        ramp_up=-timedelta(minutes=5),
        recovery=timedelta(minutes=5),
        start_after=timedelta(minutes=2),
        test="true",
        comment="ü",
        required=False,
        priority=1,
    )

    body = event_body(json.loads(event_json(event)), "http://x.example/p")
    spec = EventBody.model_validate(body | {"id": "e1", "vens": ["v1"]}).spec("e1", ("v1",))

    assert [step.value for step in spec.signals[0].steps] == [Decimal(500), Decimal("412.5")]
    assert (spec.signals[0].unit, spec.market_context) == ("kW", "http://x.example/p")
    assert spec.baseline is not None
    assert spec.baseline.unit == "kW"
    assert (spec.ramp_up, spec.randomise) == (-timedelta(minutes=5), timedelta(minutes=2))
    assert (spec.test_event, spec.response_required, spec.priority) == ("true", False, 1)
    assert spec.message().ei_event.ei_target.resource_ids == ("hall-1",)


def test_a_plain_event_leaves_out_what_it_does_not_say() -> None:
    body = event_body(json.loads(event_json(price("e1", START, HOUR, "0.1"))), "http://x.example/p")

    assert not {"ramp_up", "recovery", "randomise", "test_event", "baseline"} & set(body)
    assert body["signals"][0]["unit"] == "USD/kWh"


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (None, ""),
        (asdict(KILOWATT), "kW"),
        (asdict(DOLLAR_PER_KWH), "USD/kWh"),
        (asdict(Unit(name="oadr:currencyPerKW", units="EUR")), "EUR/kW"),
        (asdict(Unit(name="power:energyReal", units="Wh", scale="M")), "MWh"),
    ],
)
def test_units_are_written_as_operators_do(unit: dict[str, str] | None, text: str) -> None:
    assert unit_of(unit) == text


def test_a_request_becomes_a_wish_for_the_report_that_the_ven_offers() -> None:
    wish = WishBody.model_validate(wish_body(REQUEST, VEN)).wish()
    once = WishBody.model_validate(wish_body(REQUEST | {"start": None, "back": "PT0S"}, VEN)).wish()
    metadata = wish_body(REQUEST | {"specifier": "METADATA"}, VEN)

    assert (wish.report_name, wish.r_ids, wish.ven_id) == ("TELEMETRY_USAGE", ("power",), "v1")
    assert (wish.lasts, once.lasts, once.starts_at) == (timedelta(0), None, None)
    assert (metadata["name"], metadata["data_points"]) == ("METADATA", [])
    with pytest.raises(DriverMissingError, match="offers no report 'other'"):
        wish_body(REQUEST | {"specifier": "other"}, VEN)


def test_a_report_is_found_by_its_own_name_or_by_the_id_that_went_out() -> None:
    wishes = [{"id": "r1", "requests": [{"report_request_id": "uuid"}]}]

    assert wish_of("r1", wishes) == wish_of("uuid", wishes) == "r1"
    with pytest.raises(DriverMissingError, match="no report is wanted"):
        wish_of("r2", wishes)


def test_the_opt_that_counts_is_shown_and_the_code_that_came_last() -> None:
    deliveries: list[dict[str, str | None]] = [
        {"event_id": "e1", "opt": "optOut"},
        {"event_id": "e2", "opt": None},
    ]
    answers = [{"event_id": "e1", "code": "200"}, {"event_id": "e1", "code": "460"}]

    assert state_of(deliveries, answers) == {"opt.e1": "optOut", "code.e1": "460"}
