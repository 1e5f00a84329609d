"""OpenADR 2.0b: an oadrDistributeEvent from bytes to grid events, schema-validated, beside openleadr.

Ours goes all the way to ``GridEvent`` (validated, typed, judged by the rules, in kilowatts, every leaf accounted for);
openleadr's goes to its dict.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from conformance.bench.machine import best_ms, machine
from gateway.domain.errors import MisuseError
from gateway.domain.event import GridEvent, RawMessage
from gateway.domain.names import SiteId, UtilityName
from gateway.protocols.entry import ProgramTerms
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiActivePeriod,
    EiEvent,
    EiEventSignal,
    EiTarget,
    EventDescriptor,
    EventStatus,
    ItemBase,
    OadrDistributeEvent,
    OadrEvent,
    PowerAttributes,
    ResponseRequired,
    SignalInterval,
    SignalType,
)
from gateway.protocols.oadr2b.normalize import grid_events
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.targets import Audience
from gateway.transport.schemas import load_oadr20b_schema

CASES: Final = {"1x1": (1, 1), "1x24": (1, 24), "10x24": (10, 24)}
"""Events times intervals."""
CHILD_SECONDS: Final = 300
_PROGRAM: Final = "http://utility.example/fast-dr"
_UTILITY: Final = UtilityName("bench")
_AUDIENCE: Final = Audience(
    ven_id="ven-1",
    options=VenOptions(),
    programs=(ProgramTerms(name=_PROGRAM, sites=(SiteId("phx-1"),)),),
)
_NOW: Final = datetime(2026, 5, 3, 16, tzinfo=UTC)
_STEP: Final = timedelta(minutes=5)


def measure(share: int = 1) -> dict[str, object]:
    """Run the bench.

    Args:
        share: Part of the time, for a trial: 10 takes a tenth.

    Returns:
        ``cases.{name}.{ours_ms, openleadr_ms, ratio, bytes}`` and ``machine.{cpu, load, python}``.
    """
    codec = Codec(load_oadr20b_schema())
    bodies = {name: codec.encode(document(*size)) for name, size in CASES.items()}
    theirs = openleadr_ms(bodies, share)
    cases = {}
    for name, body in bodies.items():
        raw = _raw(body)
        if len(receive(codec, raw)) != CASES[name][0]:
            raise MisuseError("BENCH", "a document of the bench must yield all its events")
        ours = best_ms(partial(receive, codec, raw), share)
        cases[name] = {
            "ours_ms": round(ours, 4),
            "openleadr_ms": round(theirs[name], 4),
            "ratio": round(theirs[name] / ours, 2),
            "bytes": len(body),
        }
    return {"cases": cases, "machine": machine()}


def receive(codec: Codec, raw: RawMessage) -> tuple[GridEvent, ...]:
    """Do what a client does with a body it received, up to the events that go inward."""
    message = codec.decode(raw.body)
    if not isinstance(message, OadrDistributeEvent):
        raise MisuseError("BENCH", "a document of the bench must be an oadrDistributeEvent")
    return grid_events(message, raw, _UTILITY, _AUDIENCE)


def _raw(body: bytes) -> RawMessage:
    return RawMessage(
        body=body,
        media_type="application/xml",
        sha256=hashlib.sha256(body).hexdigest(),
        peer="",
        received_at=_NOW,
    )


def openleadr_ms(bodies: Mapping[str, bytes], share: int = 1) -> dict[str, float]:
    """Measure openleadr on the same bytes in a further process."""
    done = subprocess.run(
        [sys.executable, "-m", "conformance.bench.openleadr_decode", str(share)],
        input=json.dumps({name: body.decode() for name, body in bodies.items()}),
        capture_output=True,
        text=True,
        check=True,
        timeout=CHILD_SECONDS,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def document(events: int, intervals: int) -> OadrDistributeEvent:
    """Build a message of so many events with so many five-minute intervals each, all values different."""
    return OadrDistributeEvent(
        request_id="bench",
        vtn_id="vtn-1",
        oadr_events=tuple(_event(number, intervals) for number in range(events)),
    )


def _event(number: int, intervals: int) -> OadrEvent:
    signal = EiEventSignal(
        intervals=tuple(
            SignalInterval(
                duration=_STEP,
                uid=str(at),
                signal_payload=Decimal(300000) - Decimal("125.5") * (at + 24 * number),
            )
            for at in range(intervals)
        ),
        signal_name="LOAD_DISPATCH",
        signal_type=SignalType.SETPOINT,
        signal_id=f"signal-{number}",
        item_base=ItemBase(
            name="powerReal",
            item_description="RealPower",
            item_units="W",
            si_scale_code="k",
            power_attributes=PowerAttributes(hertz=Decimal(60), voltage=Decimal(34500), ac=True),
        ),
        current_value=Decimal(0),
    )
    return OadrEvent(
        ei_event=EiEvent(
            event_descriptor=EventDescriptor(
                event_id=f"event-{number}",
                priority=number,
                ei_market_context=_PROGRAM,
                created_date_time=_NOW,
                event_status=EventStatus.FAR,
                test_event="false",
            ),
            ei_active_period=EiActivePeriod(
                dtstart=_NOW + timedelta(hours=1 + number),
                duration=_STEP * intervals,
                x_ei_notification=timedelta(hours=1),
            ),
            ei_event_signals=(signal,),
            ei_target=EiTarget(resource_ids=("phx-1",), ven_ids=("ven-1",)),
        ),
        oadr_response_required=ResponseRequired.ALWAYS,
    )
