"""From a schedule to what the utility does and when."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from conformance.cli.schedule import (
    EventSection,
    ModificationSection,
    ReportSection,
    Schedule,
    SignalSection,
)
from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.peers.programme import (
    AskForReport,
    Cancel,
    CancelReport,
    Modify,
    Planned,
    Publish,
)
from gateway.protocols.oadr2b.vtn_book import ExpectedVen, VtnOptions
from gateway.protocols.oadr2b.vtn_records import WantRecord
from gateway.protocols.oadr2b.vtn_reports import METADATA

_ONCE = timedelta(0)


def plan_of(schedule: Schedule, origin: datetime) -> tuple[Planned, ...]:
    """Return everything that the utility does, in the order of the file.

    Args:
        schedule: As read.
        origin: Instant that ``…_after`` counts from.
    """
    planned: list[Planned] = []
    for event in schedule.event:
        planned += _event(event, origin)
    for report in schedule.report:
        planned += _report(report, origin)
    return tuple(planned)


def options_of(schedule: Schedule) -> VtnOptions:
    """Return how the VTN behaves."""
    return VtnOptions(
        vtn_id=schedule.vtn.id,
        poll_every=schedule.vtn.poll_every,
        resend_after=schedule.vtn.resend_after,
        closed=schedule.vtn.closed,
        strangers=schedule.vtn.strangers,
        refuse_overlap=schedule.vtn.refuse_overlap,
        opt_default=schedule.vtn.opt_default,
        opt_out_wins=schedule.vtn.opt_out_wins,
        expected=tuple(
            ExpectedVen(ven_id=ven.id, fingerprints=ven.fingerprints) for ven in schedule.ven
        ),
    )


def _event(event: EventSection, origin: datetime) -> Iterator[Planned]:
    spec = event_spec(event, origin)
    published = _instant(event.publish_at, event.publish_after, origin) or origin
    yield Planned(at=published, deed=Publish(event=spec))
    changes = sorted(
        event.modification, key=lambda one: _instant(one.at, one.after, origin) or origin
    )
    for version, change in enumerate(changes, start=1):
        spec = modified(spec, change, origin)
        at = _instant(change.at, change.after, origin) or origin
        yield Planned(at=at, deed=Modify(event=spec, version=version))
    cancelled = _instant(event.cancel_at, event.cancel_after, origin)
    if cancelled is not None:
        yield Planned(at=cancelled, deed=Cancel(event_id=event.id))


def event_spec(event: EventSection, origin: datetime) -> EventSpec:
    """Return an event as first published."""
    return EventSpec(
        event_id=event.id,
        market_context=event.market_context,
        start=_instant(event.start, event.start_after, origin) or origin,
        signals=_signals(event.signal),
        notification=event.notification,
        ramp_up=event.ramp_up,
        recovery=event.recovery,
        randomise=event.randomise,
        priority=event.priority,
        test=event.test,
        response_required=event.response_required == "always",
        vens=event.vens,
        resources=event.resources,
        groups=event.groups,
        comment=event.comment,
    )


def modified(spec: EventSpec, change: ModificationSection, origin: datetime) -> EventSpec:
    """Return an event with one change made to it."""
    return EventSpec(
        event_id=spec.event_id,
        market_context=spec.market_context,
        start=_instant(change.start, change.start_after, origin) or spec.start,
        signals=_signals(change.signal) if change.signal else spec.signals,
        notification=spec.notification if change.notification is None else change.notification,
        ramp_up=spec.ramp_up if change.ramp_up is None else change.ramp_up,
        recovery=spec.recovery if change.recovery is None else change.recovery,
        randomise=spec.randomise if change.randomise is None else change.randomise,
        priority=spec.priority if change.priority is None else change.priority,
        test=spec.test if change.test is None else change.test,
        response_required=spec.response_required,
        vens=spec.vens,
        resources=spec.resources,
        groups=spec.groups,
        comment=spec.comment if change.comment is None else change.comment,
    )


def _signals(signals: tuple[SignalSection, ...]) -> tuple[SignalSpec, ...]:
    return tuple(
        SignalSpec(
            name=signal.name,
            type=signal.type,
            unit=signal.unit,
            steps=tuple(Step(lasts=step.duration, value=step.value) for step in signal.intervals),
            device_classes=signal.device_classes,
        )
        for signal in signals
    )


def _report(report: ReportSection, origin: datetime) -> Iterator[Planned]:
    asked = _instant(report.ask_at, report.ask_after, origin) or origin
    # A one-shot about the present has no period of interest (rule 324); one about the past has.
    at_once = report.back == _ONCE and not report.name.startswith("HISTORY")
    # Metadata comes once unless the file asks for more.
    unasked = report.name == METADATA and "back" not in report.model_fields_set
    wish = WantRecord(
        want_id=report.id,
        ven_id=report.ven,
        report_name=report.name,
        r_ids=report.data_points,
        granularity=report.granularity,
        report_back=_ONCE if unasked else report.back,
        piggyback=report.piggyback,
        starts_at=_instant(report.start, report.start_after, origin),
        lasts=None if at_once else report.lasts,
    )
    yield Planned(at=asked, deed=AskForReport(wish=wish))
    cancelled = _instant(report.cancel_at, report.cancel_after, origin)
    if cancelled is not None:
        deed = CancelReport(want_id=report.id, to_follow=report.to_follow)
        yield Planned(at=cancelled, deed=deed)


def _instant(at: datetime | None, after: timedelta | None, origin: datetime) -> datetime | None:
    if at is not None:
        return at
    return None if after is None else origin + after
