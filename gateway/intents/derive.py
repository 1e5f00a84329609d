"""GridEvent -> the compute-flex intent of one site.

Pure: the present consumption that relative asks stand on comes in as a ``Window`` and is frozen into the intent, with
the window and the number of samples, the first time an event is taken in; later versions keep it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.event import ADVISORY, Basis, GridEvent, Interval, Signal, TestKind
from gateway.domain.intent import (
    Ask,
    Authority,
    Commercial,
    ComputeFlexIntent,
    FailSafe,
    Firmness,
    MappingRule,
    Price,
    Provenance,
    Ramp,
    Randomisation,
    Raw,
    Recovery,
    Resolution,
    Response,
    Segment,
    SettlementTerms,
    State,
    TargetNames,
    Timing,
)
from gateway.domain.names import IntentId
from gateway.domain.program import Program
from gateway.domain.reading import Window
from gateway.domain.site import Site
from gateway.domain.timespan import Span, floor_to
from gateway.intents.resolve import RELATIVE, Bounds, Footing, Unresolvable, resolve

RULE_VERSION: Final = 1
_MINUTE: Final = timedelta(minutes=1)
_CREATED_WINDOW: Final = timedelta(minutes=5)
"""A createdDateTime within this of receipt tells when the event was made (OpenADR 2.0b rule RULE-2B-008)."""
_ACK_WITHIN: Final = timedelta(seconds=5)
_MAX_AGE: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the operator settled for every intent of a site."""

    lease_s: int
    heartbeat_s: int
    fail_safe: FailSafe


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Identity and order of the revision to be made."""

    intent_id: IntentId
    revision: int
    sequence: int
    event_ref: str
    now: datetime


def present_span(event: GridEvent, minutes: int) -> Span:
    """Return the whole minutes whose mean is the present consumption.

    They end at the minute in which the utility made the event, so that late polling does not move the window; a stamp
    that does not lie in the five minutes before receipt is not believed, and receipt counts instead.
    """
    age = event.received_at - event.created_at
    made_at = event.created_at if timedelta(0) <= age <= _CREATED_WINDOW else event.received_at
    until = floor_to(made_at, _MINUTE)
    return Span(start=until - minutes * _MINUTE, end=until)


def needs_present(event: GridEvent) -> bool:
    """Say whether any obliging signal stands on the present consumption."""
    return any(s.basis in RELATIVE and s.kind not in ADVISORY for s in event.signals)


def resolution(event: GridEvent, program: Program, site: Site, window: Window | None) -> Resolution:
    """Freeze the present consumption.

    Args:
        event: As taken in for the first time.
        program: Gives the window's length.
        site: Gives the meter.
        window: What the store holds; None when fewer than ``present_least`` samples are there.
    """
    span = present_span(event, program.present_minutes)
    return Resolution(
        method="present_consumption",
        meter=site.contract_meter,
        window_start=span.start,
        window_end=span.end,
        samples=window.count if window else 0,
        samples_expected=program.present_minutes,
        pre_event_kw=window.mean_kw if window else None,
    )


def opt_deadline(event: GridEvent, program: Program, now: datetime) -> datetime:
    """Return the answer deadline: the program's, never later than half the notice that is left."""
    half = max((event.start - event.ramp_in - now) / 2, timedelta(0))
    return now + min(program.opt_by, half) if half else now + program.opt_by


def derive(
    event: GridEvent,
    program: Program,
    site: Site,
    terms: Terms,
    envelope: Envelope,
    frozen: Resolution | None,
) -> ComputeFlexIntent:
    """Make one revision of the intent of one site.

    Args:
        event: The version that was taken in.
        program: As configured.
        site: As configured.
        terms: Lease and fail-safe.
        envelope: Id, revision, sequence.
        frozen: The present consumption as frozen at first intake; None when no signal needs it.
    """
    footing = Footing(
        site=site, program=program, pre_event_kw=frozen.pre_event_kw if frozen else None
    )
    asks, unresolved = _asks(event, footing, frozen)
    why_held = event.doubt or unresolved
    return ComputeFlexIntent(
        id=envelope.intent_id,
        revision=envelope.revision,
        sequence=envelope.sequence,
        event_ref=envelope.event_ref,
        site=site.site,
        issued_at=envelope.now,
        received_at=event.received_at,
        expires_at=opt_deadline(event, program, envelope.now),
        deliver_by=event.end,
        status=State.RECEIVED if why_held else State.SCHEDULED,
        hold_reason=why_held,
        test=event.test,
        provenance=_provenance(event, program),
        asks=asks,
        timing=_timing(event, site),
        ramp=Ramp(
            max_up_kw_per_min=site.ramp_up_kw_per_min, max_down_kw_per_min=site.ramp_down_kw_per_min
        ),
        targets=_targets(event),
        firmness=_firmness(program, asks),
        priority=event.priority,
        commercial=_commercial(program, site),
        response=_response(event, program, site, envelope.now),
        failsafe=terms.fail_safe,
    )


def _asks(
    event: GridEvent, footing: Footing, frozen: Resolution | None
) -> tuple[tuple[Ask, ...], str]:
    asks: list[Ask] = []
    why_held = ""
    obliged = False
    for signal in event.signals:
        advisory = signal.kind in ADVISORY or obliged
        obliged = obliged or not advisory
        segments: list[Segment] = []
        last = len(signal.intervals) - 1
        for place, interval in enumerate(signal.intervals):
            try:
                bounds = Bounds() if advisory else resolve(signal, interval, footing)
            except Unresolvable as finding:
                bounds, why_held = Bounds(), str(finding)
            is_open = event.duration is None and place == last
            segments.append(_segment(signal, interval, bounds, is_open=is_open))
        asks.append(
            Ask(
                signal_id=signal.signal_id,
                kind=signal.kind,
                direction=signal.direction,
                commodity=signal.commodity,
                basis=signal.basis,
                measurement_point=footing.site.contract_meter,
                segments=tuple(segments),
                advisory=advisory,
                resolution=frozen if signal.basis in RELATIVE and not advisory else None,
            )
        )
    return tuple(asks), why_held


def _segment(signal: Signal, interval: Interval, bounds: Bounds, *, is_open: bool) -> Segment:
    return Segment(
        start=interval.span.start,
        duration=None if is_open else interval.span.duration,
        value=interval.value,
        unit=signal.unit,
        level=int(interval.value) if signal.basis is Basis.ORDINAL else None,
        resolved_import_max_kw=bounds.import_max_kw,
        resolved_import_min_kw=bounds.import_min_kw,
    )


def _provenance(event: GridEvent, program: Program) -> Provenance:
    names = "+".join(f"{signal.name}/{signal.type}" for signal in event.signals)
    return Provenance(
        protocol=event.protocol,
        authority=Authority(
            name=event.utility, program=program.name, priority_raw=event.priority_raw
        ),
        source_ids=dict(event.source),
        raw=Raw(
            media_type="application/xml",
            sha256=event.raw_sha256,
            archive_ref=f"raw/{event.raw_sha256}",
        ),
        mapping=MappingRule(
            rule_id=f"{event.protocol}:{names}"[:256],
            rule_version=RULE_VERSION,
            lossy=False,
            notes=("the event's vtnComment is free text",) if event.comment else (),
        ),
        unmapped=dict(event.unmapped),
    )


def _timing(event: GridEvent, site: Site) -> Timing:
    ramp_in = max(event.ramp_in, timedelta(0))
    recovery = max(event.recovery, timedelta(0))
    randomised = event.randomise > timedelta(0)
    return Timing(
        notice=event.notice,
        start=event.start,
        duration=event.duration,
        open_ended=event.duration is None,
        standing=event.standing,
        randomize=Randomisation(start_max=event.randomise, drawn=event.offset)
        if randomised
        else None,
        ramp_in=ramp_in,
        ramp_out=timedelta(0),
        recovery=Recovery(
            not_before=event.end,
            duration=recovery,
            max_ramp_kw_per_min=site.ramp_up_kw_per_min,
        ),
    )


def _targets(event: GridEvent) -> TargetNames:
    return TargetNames(
        sites=event.targets.sites,
        feeds=event.targets.feeds,
        resources=event.targets.sites,
        groups=(*event.targets.groups, *event.targets.parties),
        locations=event.targets.locations,
        end_devices=event.targets.end_devices,
    )


def _firmness(program: Program, asks: tuple[Ask, ...]) -> Firmness:
    return Firmness.ADVISORY if all(ask.advisory for ask in asks) else program.firmness


def _commercial(program: Program, site: Site) -> Commercial:
    return Commercial(
        program=program.name,
        payment=Price(amount=program.price_per_kwh, currency=program.currency, per="kWh"),
        penalty_per_kwh=program.penalty_per_kwh,
        settlement=SettlementTerms(
            baseline_method=program.baseline_method,
            interval=program.settlement_interval,
            meter=site.contract_meter,
        ),
    )


def _response(event: GridEvent, program: Program, site: Site, now: datetime) -> Response:
    meter = next(meter for meter in site.meters if meter.meter == site.contract_meter)
    default = program.opt_default if site.fail_safe_import_kw is not None else "out"
    return Response(
        ack_by=now + _ACK_WITHIN,
        opt_by=opt_deadline(event, program, now),
        opt_default="in" if event.standing else default,
        commitment_required=event.response_required,
        telemetry_interval=meter.interval,
        telemetry_max_age=_MAX_AGE,
    )


def actuates(intent: ComputeFlexIntent, program: Program) -> bool:
    """Say whether an intent may move load: tests do only where the program says so."""
    return intent.test is TestKind.NONE or program.actuate_tests
