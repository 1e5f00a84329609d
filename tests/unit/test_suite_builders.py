"""Every message that the suite can build is valid by the standard's schema."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from conformance.kit.oadr20b import build, ven_build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import (
    CONTEXT,
    DOLLAR_PER_KWH,
    Baseline,
    Event,
    Signal,
    Step,
    Target,
    dispatch,
    price,
    simple,
)
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.schemas import body_faults
from conformance.kit.xml import Element, local_name

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEP = (Step(lasts=HOUR, value=Decimal("0.5")),)
FULL = Event(
    id="e",
    start=NOW + HOUR,
    lasts=HOUR,
    signals=(
        Signal(
            name="LOAD_CONTROL",
            type="x-loadControlCapacity",
            steps=STEP,
            device_class="Thermostat",
            current=Decimal(1),
        ),
        Signal(name="ELECTRICITY_PRICE", type="price", id="s1", unit=DOLLAR_PER_KWH, steps=STEP),
    ),
    priority=1,
    target=Target(ven_ids=("v",), group_ids=("g",), resource_ids=("r",), party_ids=("p",)),
    ramp_up=HOUR,
    recovery=HOUR,
    start_after=timedelta(minutes=2),
    test="false",
    comment="c",
    baseline=Baseline(start=NOW, lasts=HOUR, steps=STEP),
)
EVENTS = [
    FULL,
    simple("a", NOW, HOUR, 1, 2),
    price("b", NOW, HOUR, "1"),
    dispatch("c", NOW, HOUR, "5"),
]
MESSAGES = [
    build.distribute_event(
        [build.ei_event(e, NOW, CONTEXT) for e in EVENTS],
        vtn_id="v",
        request_id="x",
        replying_to=None,
    ),
    build.create_report(
        "q",
        [ReportRequest(id="1", specifier="s", granularity=HOUR, back=HOUR, start=NOW)],
        "v",
    ),
    build.cancel_report("q", ["1"], "v"),
    build.register_report(
        "q", [ven_build.usage_metadata("r", NOW), ven_build.status_metadata("r", NOW)], "v"
    ),
    build.oadr_response("q"),
    party.created_registration("q", "v", registration_id="r", ven_id="v", poll=HOUR),
    party.cancel_registration("q", "r", "v"),
    party.canceled_registration("q", "200", "r", "v"),
    party.request_reregistration("v"),
    party.query_registration("q"),
    party.create_registration("q", name="n", pull=True),
    party.poll("v"),
    party.request_event("q", "v", 3),
    ven_build.created_event(
        "v", [ven_build.EventResponse(event_id="e", version=0, request_id="q")]
    ),
    ven_build.update_report(
        "q",
        "v",
        report_request="1",
        specifier="s",
        name="TELEMETRY_USAGE",
        start=NOW,
        step=HOUR,
        values=[("a", Decimal(3))],
        now=NOW,
    ),
    ven_build.pending_answer("oadr:oadrCreatedReport", "q", "200", ["1"], "v"),
    ven_build.create_opt("o", "optIn", ven_id="v", request_id="q", now=NOW, event=("e", 0)),
    ven_build.create_opt(
        "o", "optIn", ven_id="v", request_id="q", now=NOW, windows=[(NOW, HOUR)], context=CONTEXT
    ),
    ven_build.cancel_opt("o", ven_id="v", request_id="q"),
]


@pytest.mark.spec("OpenADR 2.0b section 8")
@pytest.mark.parametrize("message", MESSAGES, ids=local_name)
def test_a_built_message_is_valid_by_the_schema(message: Element) -> None:
    assert body_faults(build.payload(message)) == ()


def test_a_message_out_of_order_is_not() -> None:
    poll = party.poll("v")
    poll.append(build.make("ei:venID", "twice"))

    assert body_faults(build.payload(poll))
