"""Events as an operator states them, and the messages they become."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from conformance.peers.event_spec import BaselineSpec, EventSpec, SignalSpec, Step
from conformance.peers.units import UNITS, item_base
from gateway.domain.errors import GatewayError, SessionError
from gateway.protocols.oadr2b.messages import (
    EiTarget,
    OadrDistributeEvent,
    OadrEvent,
    SignalType,
    TransportInterface,
)
from gateway.protocols.oadr2b.signal_table import TABLE, check_signals
from tests.vtn_story import HOUR, MINUTE, dispatch, event, simple
from tests.vtn_wire import CODEC


def on_the_wire(spec: EventSpec) -> OadrEvent:
    message = OadrDistributeEvent(request_id="r", vtn_id="v", oadr_events=(spec.message(),))
    found = CODEC.decode(CODEC.encode(message))
    assert isinstance(found, OadrDistributeEvent)
    return found.oadr_events[0]


PATTERNS = ("EUR", "EUR/kWh", "JPY/kW", "GBP/thm", "pulses of 0.5 kWh", "custom widgets")


@pytest.mark.parametrize("unit", [*UNITS, *PATTERNS])
def test_every_unit_survives_the_wire(unit: str) -> None:
    spec = event(signals=(replace(dispatch((HOUR, "0.125")), unit=unit),))

    signal = on_the_wire(spec).ei_event.ei_event_signals[0]

    assert signal.item_base == item_base(unit)
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


@pytest.mark.spec("OpenADR 2.0b rules 22 and 110, E1_1027, A_E3_0432, A_E3_0435")
def test_everything_that_an_event_can_carry_survives_the_wire() -> None:
    targets = EiTarget(
        aggregated_pnodes=("ap",),
        end_device_assets=("Thermostat",),
        meter_assets=("m1",),
        pnodes=("pn",),
        service_delivery_points=("sdp",),
        transport_interfaces=(TransportInterface(point_of_receipt="a", point_of_delivery="b"),),
        group_names=("north",),
        party_ids=("p",),
    )
    steps = (Step(lasts=HOUR, value=Decimal("812.5")),)
    spec = event(
        priority=3,
        targets=targets,
        resources=("r1",),
        groups=("g1",),
        vens=("v1",),
        baseline=BaselineSpec(steps=steps, resources=("r1",)),
        modification_reason="weather",
        test_event="False",
        comment="ä & <b>",
        signals=(
            replace(dispatch((HOUR, "1")), signal_id="s", device_classes=("Thermostat",)),
            simple((HOUR, "2")),
        ),
    )

    found = on_the_wire(spec).ei_event

    assert found.ei_target == replace(targets, resource_ids=("r1",), group_ids=("g1",))
    assert found.ei_event_baseline is not None
    assert found.ei_event_baseline.duration == HOUR
    assert found.ei_event_baseline.intervals[0].signal_payload == Decimal("812.5")
    assert [signal.signal_id for signal in found.ei_event_signals] == ["s", "1"]
    assert found.event_descriptor.modification_reason == "weather"
    assert found.event_descriptor.test_event == "False"


def test_an_event_may_be_sent_unchecked() -> None:
    wrong = event(signals=(simple((HOUR, "4")),))

    with pytest.raises(GatewayError):
        wrong.message()
    assert replace(wrong, unchecked=True).message().ei_event.ei_event_signals


@pytest.mark.spec("OpenADR 2.0b Table 1, rule 104")
@pytest.mark.parametrize("name", TABLE)
def test_a_signal_of_every_name_and_type_can_be_sent_and_no_other(name: str) -> None:
    units = ("", "kW", "kVA", "kWh", "USD/kWh", "USD/kW")
    for kind in SignalType:
        passed = set()
        for unit in units:
            step = Step(lasts=HOUR, value=Decimal(1))
            spec = event(
                signals=(SignalSpec(name=name, type=kind, unit=unit, steps=(step,)),),
                unchecked=True,
            )
            try:
                check_signals(on_the_wire(spec).ei_event)
            except SessionError as error:
                assert error.reason == "COMPLIANCE"
            else:
                passed.add(unit)
        assert bool(passed) is (kind in TABLE[name])
        assert passed < set(units) or kind is SignalType.X_LOAD_CONTROL_SETPOINT


@pytest.mark.spec("OpenADR 2.0b Table 1, rule 104")
@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        (replace(dispatch((HOUR, "1")), name="LOAD"), "NOT_RECOGNIZED"),
        (replace(dispatch((HOUR, "11")), type=SignalType.LEVEL), "INVALID_DATA"),
        (replace(dispatch((HOUR, "0.5")), type=SignalType.LEVEL), "INVALID_DATA"),
        (
            replace(
                dispatch((HOUR, "1.5")),
                name="LOAD_CONTROL",
                type=SignalType.X_LOAD_CONTROL_CAPACITY,
                unit="",
            ),
            "INVALID_DATA",
        ),
    ],
)
def test_a_well_known_signal_keeps_to_its_table(signal: SignalSpec, reason: str) -> None:
    with pytest.raises(SessionError) as caught:
        check_signals(event(signals=(signal,)).message().ei_event)
    assert caught.value.reason == reason
    check_signals(event(signals=(replace(signal, name="x-mine"),)).message().ei_event)


@pytest.mark.spec("OpenADR 2.0b rules 22 and 63")
def test_an_event_for_one_ven_names_it_unless_it_names_parts_of_it() -> None:
    whole = on_the_wire(event(vens=("ven-1",))).ei_event.ei_target
    part = on_the_wire(event(vens=("ven-1",), resources=("hall-1",))).ei_event.ei_target

    assert whole == EiTarget(ven_ids=("ven-1",))
    assert part == EiTarget(resource_ids=("hall-1",)), "a union with the VEN would be all of it"
