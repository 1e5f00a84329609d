"""Events as an operator states them, and the messages they become."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from conformance.peers.event_spec import UNITS, EventSpec, SignalSpec, Step
from gateway.domain.errors import GatewayError
from gateway.protocols.oadr2b.messages import OadrDistributeEvent, OadrEvent, SignalType
from tests.vtn_story import HOUR, MINUTE, dispatch, event, simple
from tests.vtn_wire import CODEC


def on_the_wire(spec: EventSpec) -> OadrEvent:
    message = OadrDistributeEvent(request_id="r", vtn_id="v", oadr_events=(spec.message(),))
    found = CODEC.decode(CODEC.encode(message))
    assert isinstance(found, OadrDistributeEvent)
    return found.oadr_events[0]


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_survives_the_wire(unit: str) -> None:
    spec = event(signals=(replace(dispatch((HOUR, "0.125")), unit=unit),))

    signal = on_the_wire(spec).ei_event.ei_event_signals[0]

    assert signal.item_base == UNITS[unit]
    assert signal.intervals[0].signal_payload == Decimal("0.125")


def test_three_hundred_megawatts_are_three_hundred_with_scale_mega() -> None:
    spec = event(signals=(replace(dispatch((HOUR, "300")), unit="MW"),))

    signal = on_the_wire(spec).ei_event.ei_event_signals[0]

    assert signal.item_base is not None
    assert (signal.intervals[0].signal_payload, signal.item_base.si_scale_code) == (
        Decimal(300),
        "M",
    )


@pytest.mark.spec("OpenADR 2.0b rule 105")
def test_notification_is_always_told_and_the_rest_when_given() -> None:
    plain = on_the_wire(event()).ei_event.ei_active_period
    full = on_the_wire(
        event(notification=HOUR, ramp_up=-MINUTE, recovery=5 * MINUTE, randomise=2 * MINUTE)
    ).ei_event.ei_active_period

    assert (plain.x_ei_notification, plain.x_ei_ramp_up, plain.startafter) == (
        timedelta(0),
        None,
        None,
    )
    assert (full.x_ei_notification, full.x_ei_ramp_up) == (HOUR, -MINUTE)
    assert (full.x_ei_recovery, full.startafter) == (5 * MINUTE, 2 * MINUTE)


def test_a_hundred_events_of_twenty_four_intervals_survive_the_wire() -> None:
    signal = dispatch(*((HOUR, str(500 + hour)) for hour in range(24)))
    events = tuple(event(f"e{n}", signals=(signal,)).message() for n in range(100))
    message = OadrDistributeEvent(request_id="r", vtn_id="v", oadr_events=events)

    assert CODEC.decode(CODEC.encode(message)) == message


@pytest.mark.spec("OpenADR 2.0b rules 8, 9 and 116")
@pytest.mark.parametrize(
    "signals",
    [
        (),
        (SignalSpec(steps=()),),
        (replace(dispatch((HOUR, "1")), unit="horses"),),
        (dispatch((HOUR, "1")), dispatch((2 * HOUR, "1"))),
        (simple((HOUR, "4")),),
        (simple((HOUR, "0.5")),),
        (replace(simple((HOUR, "1")), type=SignalType.SETPOINT),),
        (replace(simple((HOUR, "1")), unit="kW"),),
        (dispatch((timedelta(0), "1"), (HOUR, "2")),),
        (dispatch((-HOUR, "1")),),
    ],
)
def test_an_event_that_breaks_a_rule_is_not_made(signals: tuple[SignalSpec, ...]) -> None:
    with pytest.raises(GatewayError):
        event(signals=signals).message()


def test_an_open_ended_event_has_one_step_without_length() -> None:
    spec = event(signals=(SignalSpec(steps=(Step(lasts=timedelta(0), value=Decimal(1)),)),))

    assert on_the_wire(spec).ei_event.ei_active_period.duration == timedelta(0)
