"""What VENs say with EiOpt: schedules, by resource and program, and opts for one event.

    standing --a schedule of its type for all its resources--> replaced
             --for some of them--> standing for the others
             --cancelled by its optID--> cancelled

Spec: OpenADR 2.0b section 8.5, rules 16, 17, 201-211.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from typing import Final

from gateway.protocols.oadr2b.messages import (
    OK,
    EiResponse,
    EiTarget,
    OadrCanceledOpt,
    OadrCancelOpt,
    OadrCreatedOpt,
    OadrCreateOpt,
    OptType,
    QualifiedEventId,
    ResponseRequired,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.targets import same_context
from gateway.protocols.oadr2b.vtn_answers import delivered, settle
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError
from gateway.protocols.oadr2b.vtn_facts import Answered, OptTaken
from gateway.protocols.oadr2b.vtn_records import (
    DeliveryRecord,
    EventRecord,
    OptRecord,
    OptState,
    VenRecord,
)

BY_OPT: Final = "oadrCreateOpt"
MOST_OPTS: Final = 1000
"""Kept of one VEN: an optID stays known beyond the end of its schedule (rule 204)."""
_DEVICES: Final = frozenset({"end_device_assets"})


def create_opt(page: Page, ven: VenRecord, message: OadrCreateOpt) -> OadrCreatedOpt:
    """Take an opt schedule, or an opt for one event.

    Raises:
        RefusalError: 459 when it is both or neither, or malformed; 452 or 450 for an event that it cannot mean, 451 for
            one that wants no answer, 462 for targets that are not the VEN's or the event's.
    """
    if (message.qualified_event_id is None) == (message.vavailability is None):
        raise RefusalError("COMPLIANCE", "an opt names an event or has a vavailability, not both")
    _check_targets(ven, message)
    if message.qualified_event_id is not None:
        _opt_for_event(page, ven, message, message.qualified_event_id)
    else:
        _check_windows(message.vavailability or ())
        _replace_schedules(page, ven, message)
    _make_room(page, ven.ven_id)
    number = max((record.number for record in page.all(OptRecord, ven.ven_id)), default=-1) + 1
    page.put(OptRecord(ven_id=ven.ven_id, number=number, opt=message, taken_at=page.now))
    return OadrCreatedOpt(
        ei_response=EiResponse(request_id=message.request_id), opt_id=message.opt_id
    )


def _make_room(page: Page, ven_id: str) -> None:
    """Forget the oldest opts that hold no more when there are too many.

    Raises:
        RefusalError: 469 when all of them hold.
    """
    kept = page.all(OptRecord, ven_id)
    if len(kept) < MOST_OPTS:
        return
    for record in kept:
        if record.state is not OptState.STANDING or record.opt.qualified_event_id is not None:
            page.drop(record)
            return
    raise RefusalError("DEPLOYMENT", f"at most {MOST_OPTS} opt schedules of one VEN")


def _check_targets(ven: VenRecord, message: OadrCreateOpt) -> None:
    if any(named != ven.ven_id for named in message.ei_target.ven_ids):
        raise RefusalError("TARGET_MISMATCH", "the target of an opt names another VEN")
    device = message.oadr_device_class
    if device is not None and _kinds(device) - _DEVICES:
        raise RefusalError("COMPLIANCE", "oadrDeviceClass names device classes only (rule 43)")


def _kinds(target: EiTarget) -> set[str]:
    return {field.name for field in fields(target) if getattr(target, field.name)}


def _check_windows(windows: tuple[WsCalendarInterval, ...]) -> None:
    """Refuse what a window of a schedule may not have: a schedule has no random delay, ramp or notice."""
    for window in windows:
        excluded = (
            window.startafter,
            window.x_ei_notification,
            window.x_ei_ramp_up,
            window.x_ei_recovery,
        )
        if any(one is not None for one in excluded):
            raise RefusalError(
                "COMPLIANCE", "a window has no tolerance, notification, ramp-up or recovery"
            )
        if window.duration.total_seconds() < 0:
            raise RefusalError("INVALID_DATA", "a window cannot have a negative duration")


def named_by(target: EiTarget) -> tuple[str, ...]:
    """Return what a target names, as ``kind:name``; nothing for the whole VEN: no target or its venID (rule 202)."""
    return tuple(
        f"{field.name}:{one}"
        for field in fields(target)
        if field.name != "ven_ids"
        for one in getattr(target, field.name)
    )


def _opt_for_event(
    page: Page, ven: VenRecord, message: OadrCreateOpt, event: QualifiedEventId
) -> None:
    if message.market_context is not None:
        raise RefusalError("COMPLIANCE", "an opt for an event has no marketContext")
    delivery = delivered(page, ven.ven_id, event)
    record = page.find(EventRecord, "", delivery.key)
    if record is not None:
        _check_event(record, named_by(message.ei_target))
    page.put(_answered(delivery, message))
    page.tell(
        Answered(
            ven_id=ven.ven_id,
            event_id=event.event_id,
            version=event.modification_number,
            opt=message.opt_type,
            code=OK,
            description=message.opt_reason,
            accepted=OK,
            by=BY_OPT,
            request_id=message.request_id,
        )
    )
    settle(page, ven.ven_id)


def _check_event(record: EventRecord, named: tuple[str, ...]) -> None:
    """Refuse an opt that an event does not want, or for what the event does not concern (rule 206)."""
    if record.event.oadr_response_required is ResponseRequired.NEVER:
        raise RefusalError("NOT_ALLOWED", "this event wants no answer (rule 206)")
    target = record.event.ei_event.ei_target
    concerned = named_by(target)
    if not target.ven_ids and concerned and not set(named) <= set(concerned):
        raise RefusalError("TARGET_MISMATCH", "the event does not concern what the opt names")


def _answered(delivery: DeliveryRecord, message: OadrCreateOpt) -> DeliveryRecord:
    """Note an opt: for the whole VEN, or for the resources it names, which no oadrCreatedEvent changes any more."""
    named = named_by(message.ei_target)
    if not named:
        return replace(
            delivery,
            answered_version=delivery.sent_version,
            opt=message.opt_type,
            opt_by_message=True,
            resource_opts=(),
        )
    opts = {**dict(delivery.resource_opts), **dict.fromkeys(named, message.opt_type)}
    return replace(delivery, resource_opts=tuple(sorted(opts.items())))


def _replace_schedules(page: Page, ven: VenRecord, message: OadrCreateOpt) -> None:
    """Let a new schedule take the place of those of its type, for the resources it names (rules 202, 203, 205)."""
    named = named_by(message.ei_target)
    for record in _schedules(page, ven.ven_id):
        if record.state is OptState.STANDING and _is_rival(record.opt, message):
            page.put(_without(record, named))
    page.tell(
        OptTaken(
            ven_id=ven.ven_id,
            opt_id=message.opt_id,
            opt=message.opt_type,
            reason=message.opt_reason,
        )
    )


def _schedules(page: Page, ven_id: str) -> Iterator[OptRecord]:
    for record in page.all(OptRecord, ven_id):
        if record.opt.qualified_event_id is None:
            yield record


def _is_rival(standing: OadrCreateOpt, new: OadrCreateOpt) -> bool:
    return (
        _same_program(standing.market_context, new.market_context)
        and standing.opt_type is new.opt_type
        and (standing.oadr_device_class or EiTarget()) == (new.oadr_device_class or EiTarget())
    )


def _same_program(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return same_context(one, other)


def _without(record: OptRecord, named: tuple[str, ...]) -> OptRecord:
    """Take resources out of a schedule; without any left it is replaced."""
    own = named_by(record.opt.ei_target)
    superseded = tuple(dict.fromkeys((*record.superseded, *named)))
    if not named or (own and set(own) <= set(superseded)):
        return replace(record, state=OptState.REPLACED)
    return replace(record, superseded=superseded)


def cancel_opt(page: Page, ven: VenRecord, message: OadrCancelOpt) -> OadrCanceledOpt:
    """Cancel every schedule that used an optID; opts for events stay (rules 204, 211).

    A cancellation that comes again under its requestID is confirmed again: its answer may have been lost.

    Raises:
        RefusalError: 452 for an optID that no schedule uses, or none any more.
    """
    found = [
        one
        for one in _schedules(page, ven.ven_id)
        if one.opt.opt_id == message.opt_id
        and (one.state is not OptState.CANCELLED or one.cancelled_by == message.request_id)
    ]
    if not found:
        raise RefusalError("INVALID_ID", f"no opt schedule stands under {message.opt_id[:60]!r}")
    for record in found:
        if record.state is not OptState.CANCELLED:
            cancelled = replace(record, state=OptState.CANCELLED, cancelled_by=message.request_id)
            page.put(cancelled)
    page.tell(OptTaken(ven_id=ven.ven_id, opt_id=message.opt_id, opt=None, reason=""))
    return OadrCanceledOpt(
        ei_response=EiResponse(request_id=message.request_id), opt_id=message.opt_id
    )


def takes_part(
    page: Page, ven_id: str, at: datetime, *, resource: str = "", market_context: str = ""
) -> bool:
    """Say whether a VEN's schedules have it take part at an instant.

    Args:
        page: Where to read.
        ven_id: Whose schedules.
        at: Instant.
        resource: As ``named_by`` writes it; empty: the VEN as a whole.
        market_context: Program; empty: schedules of any program count not, only those of all.

    Returns:
        What the options say outside of every window, and where optIn and optOut overlap (rule 201).
    """
    said = {
        record.opt.opt_type
        for record in _schedules(page, ven_id)
        if record.state is OptState.STANDING
        and _covers(record, resource, market_context)
        and any(_holds(window, at) for window in record.opt.vavailability or ())
    }
    if len(said) == 2:
        return not page.options.opt_out_wins
    if not said:
        return page.options.opt_default
    return OptType.OPT_IN in said


def _covers(record: OptRecord, resource: str, market_context: str) -> bool:
    context = record.opt.market_context
    if context is not None and not same_context(context, market_context):
        return False
    own = named_by(record.opt.ei_target)
    return resource not in record.superseded and (not own or resource in own)


def _holds(window: WsCalendarInterval, at: datetime) -> bool:
    return window.dtstart <= at and (not window.duration or at < window.dtstart + window.duration)
