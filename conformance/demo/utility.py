"""What the utility of the demonstration does: one LOAD_DISPATCH multiplier event, and usage reports."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.demo.scenario import (
    EVENT_ID,
    MARKET_CONTEXT,
    PHOENIX,
    SITE,
    Scenario,
)
from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.oadr2b.vtn_records import WantRecord

REPORT: Final = WantRecord(
    want_id="demo-usage",
    report_name="TELEMETRY_USAGE",
    granularity=timedelta(minutes=5),
    report_back=timedelta(minutes=15),
    lasts=timedelta(0),
)


def event(scenario: Scenario = PHOENIX) -> EventSpec:
    """Return the event of the field demonstration."""
    return EventSpec(
        event_id=EVENT_ID,
        market_context=MARKET_CONTEXT,
        start=scenario.hold.start,
        signals=(
            SignalSpec(
                name="LOAD_DISPATCH",
                type=SignalType.MULTIPLIER,
                steps=(Step(lasts=scenario.hold.duration, value=Decimal(scenario.multiplier)),),
            ),
        ),
        notification=timedelta(minutes=30),
        ramp_up=scenario.ramp_in,
        recovery=scenario.recovery,
        priority=1,
        resources=(SITE,),
    )
