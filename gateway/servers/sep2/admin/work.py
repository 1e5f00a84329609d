"""What the operator's interface does: each operation goes through one door of the utility, or reads what is kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from pydantic import BaseModel

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server import removing, times
from gateway.protocols.sep2.server.kinds import EVENTS
from gateway.protocols.sep2.server.programs import PROGRAMS
from gateway.protocols.sep2.server.records import Kept
from gateway.protocols.sep2.server.server import ENTRY
from gateway.protocols.sep2.server.terms import EventTerms
from gateway.protocols.sep2.server.times import Told
from gateway.protocols.sep2.tables import Edition
from gateway.servers.sep2.admin import documents as d
from gateway.servers.sep2.admin import pricing
from gateway.servers.sep2.admin.asked import Asked
from gateway.servers.sep2.admin.plain import fields, made, told

_PROGRAM: Final = {
    "der": sep.DERProgram,
    "dr": sep.DemandResponseProgram,
    "messaging": sep.MessagingProgram,
}
_TOLD: Final = {
    kind.__name__: kind
    for kind in (
        *(sep.DERCapability, sep.DERSettings, sep.DERStatus, sep.DERAvailability),
        *(sep.DeviceInformation, sep.DeviceStatus, sep.PowerStatus, sep.ConnectionPoint),
        *(sep.LogEvent, sep.LoadShedAvailability, sep.MirrorUsagePoint, sep.EndDevice),
        *(sep.FlowReservationRequest, sep.Registration),
    )
}
_MOST: Final = 1000
_PAGE: Final = 100
"""Exchanges of one answer."""
_DIGITS: Final = 15


# --- devices and assignments


async def show_utility(asked: Asked) -> BaseModel:
    """Show the utility."""
    server = asked.utility.desk.server
    flavour = server.options.flavour
    return d.UtilityDocument(
        url=asked.utility.url,
        edition="2018" if flavour.edition is Edition.Y2018 else "2023",
        csip_aus=flavour.csip_aus,
        now=asked.utility.now(),
        devices=sum(1 for _ in server.book.devices()),
    )


async def unregister(asked: Asked) -> BaseModel:
    """Forget a device."""
    lfdi = asked.path["lfdi"]
    return d.Done(name=await asked.utility.operate(lambda o, now: o.unregister(lfdi, now)))


async def pin(asked: Asked) -> BaseModel:
    """Change a PIN."""
    lfdi, pin = asked.path["lfdi"], asked.body.pin
    await asked.utility.operate(lambda o, now: o.set_pin(lfdi, pin, now))
    return d.Done(name=lfdi)


async def post_rate(asked: Asked) -> BaseModel:
    """Change a post rate."""
    lfdi, rate = asked.path["lfdi"], asked.body.seconds
    return d.Done(name=await asked.utility.operate(lambda o, now: o.set_post_rate(lfdi, rate, now)))


async def forget_mirrors(asked: Asked) -> BaseModel:
    """Forget mirrors."""
    lfdi = asked.path["lfdi"]
    return d.Done(name=await asked.utility.operate(lambda o, now: o.forget_mirrors(lfdi, now)))


async def create_fsa(asked: Asked) -> BaseModel:
    """Make an assignment."""
    text = asked.body.description
    return d.Done(name=await asked.utility.operate(lambda o, now: o.create_fsa(now, text)))


async def remove_fsa(asked: Asked) -> BaseModel:
    """Forget an assignment."""
    fsa = asked.path["mrid"]
    return d.Done(
        name=await asked.utility.operate(lambda o, now: removing.remove_fsa(o.server, fsa, now))
    )


async def set_time(asked: Asked) -> BaseModel:
    """Change what time is told, by the utility or by one assignment."""
    body: d.TimeBody = asked.body
    told = Told(
        tz_offset=body.tz_offset_s,
        dst_offset=body.dst_offset_s,
        dst_start=body.dst_start,
        dst_end=body.dst_end,
        quality=body.quality,
        ahead=body.ahead_s,
    )
    fsa = asked.path.get("mrid")
    return d.Done(
        name=await asked.utility.operate(lambda o, now: times.set_time(o.server, told, now, fsa))
    )


async def assign(asked: Asked) -> BaseModel:
    """Assign devices."""
    body: d.DevicesBody = asked.body
    fsa = asked.path["mrid"]
    return d.Done(
        name=await asked.utility.operate(
            lambda o, now: o.assign(fsa, body.devices, now, on=body.assigned)
        )
    )


# --- programs and events


async def create_program(asked: Asked) -> BaseModel:
    """Make a program."""
    body: d.ProgramBody = asked.body
    kind = _PROGRAM[body.kind]
    return d.Done(
        name=await asked.utility.operate(
            lambda o, now: o.create_program(kind, body.primacy, body.fsas, now, body.description)
        )
    )


async def remove_program(asked: Asked) -> BaseModel:
    """Forget a program."""
    program, force = asked.path["mrid"], asked.query.get("force") == "yes"
    return d.Done(
        name=await asked.utility.operate(
            lambda o, now: removing.remove_program(o.server, program, now, force=force)
        )
    )


async def attach(asked: Asked) -> BaseModel:
    """Attach a program."""
    body: d.FsasBody = asked.body
    program = asked.path["mrid"]
    return d.Done(
        name=await asked.utility.operate(
            lambda o, now: o.attach(program, body.fsas, now, on=body.attached)
        )
    )


async def primacy(asked: Asked) -> BaseModel:
    """Change a primacy."""
    program, primacy = asked.path["mrid"], asked.body.primacy
    await asked.utility.operate(lambda o, now: o.set_primacy(program, primacy, now))
    return d.Done(name=program)


async def default(asked: Asked) -> BaseModel:
    """Replace a default control."""
    body: d.DefaultBody = asked.body
    program = asked.path["mrid"]
    others = fields("DefaultDERControl", body.others)
    others |= {"mrid": "0", "der_control_base": made("DERControlBase", body.modes)}
    default = sep.DefaultDERControl(**others)
    await asked.utility.operate(lambda o, now: o.set_default(program, default, now))
    return d.Done(name=program)


async def issue(asked: Asked) -> BaseModel:
    """Issue an event.

    Raises:
        WireError: ``INVALID_BODY``.
    """
    body: d.EventBody = asked.body
    terms = EventTerms(
        start=body.start,
        duration=timedelta(seconds=body.duration_s),
        randomize_start=body.randomize_start_s,
        randomize_duration=body.randomize_duration_s,
        description=body.description,
        category=body.category,
        response_required=body.response_required,
        reply_to=body.reply_to,
        mrid=body.mrid,
    )
    given = (body.modes, body.load_control, body.message, body.prices)
    if sum(one is not None for one in given) != 1:
        raise WireError(
            "INVALID_BODY", "give one of modes, load_control, message and prices, as the program is"
        )
    if body.prices is not None:
        return d.Done(name=await pricing.issue(asked.utility, body, terms))
    if body.message is not None:
        text = body.message
        return d.Done(
            name=await asked.utility.issue(
                lambda i, now: i.create_message(
                    body.program, text, body.priority, terms, now, originator=body.originator
                )
            )
        )
    if body.modes is not None:
        base = made("DERControlBase", body.modes)
        return d.Done(
            name=await asked.utility.issue(
                lambda i, now: i.create_control(body.program, base, terms, now)
            )
        )
    control = fields("EndDeviceControl", body.load_control or {})
    return d.Done(
        name=await asked.utility.issue(
            lambda i, now: i.create_load_control(body.program, control, terms, now)
        )
    )


async def cancel(asked: Asked) -> BaseModel:
    """Cancel an event."""
    name, randomly = asked.path["mrid"], asked.body.randomly
    return d.Done(
        name=await asked.utility.issue(lambda i, now: i.cancel(name, now, randomly=randomly))
    )


async def clear(asked: Asked) -> BaseModel:
    """Cancel every event."""
    program = asked.body.program
    return d.Done(name=await asked.utility.issue(lambda i, now: i.clear(now, program)))


async def move(asked: Asked) -> BaseModel:
    """Move a resource."""
    href = asked.body.href
    origin = asked.utility.url.removesuffix(ENTRY)
    return d.Done(name=await asked.utility.operate(lambda o, now: o.move(href, origin, now)))


async def poll_rate(asked: Asked) -> BaseModel:
    """Change a poll rate.

    Raises:
        WireError: ``INVALID_BODY``.
    """
    body: d.PollRateBody = asked.body
    href, kind, rate = body.href or "", body.kind or "", body.seconds
    if bool(href) is bool(kind):
        raise WireError("INVALID_BODY", "give one of href and kind")
    if kind:
        return d.Done(
            name=await asked.utility.operate(lambda o, now: o.set_poll_rates(kind, rate, now))
        )
    await asked.utility.operate(lambda o, now: o.set_poll_rate(href, rate, now))
    return d.Done(name=href)


# --- reading back


async def list_events(asked: Asked) -> BaseModel:
    """List events."""
    book = asked.utility.desk.server.book
    now = int(asked.utility.now().timestamp())
    return _page(asked, EVENTS, lambda one: book.standing(one, now) or one.value)


async def list_programs(asked: Asked) -> BaseModel:
    """List assignments and programs."""
    return _page(asked, (*PROGRAMS, sep.FunctionSetAssignments), lambda one: one.value)


async def list_curves(asked: Asked) -> BaseModel:
    """List curves."""
    return _page(asked, (sep.DERCurve,), lambda one: one.value)


async def list_responses(asked: Asked) -> BaseModel:
    """List responses."""
    event = asked.query.get("event", "")
    found = asked.utility.responses(event)
    documents = {id(one.document) for one in found}
    return _page(
        asked, (sep.Response,), lambda one: one.value if id(one.value) in documents else None
    )


async def list_told(asked: Asked) -> BaseModel:
    """List what devices told.

    Raises:
        WireError: ``INVALID_QUERY``.
    """
    kind = _TOLD.get(asked.query.get("kind", ""))
    if kind is None:
        raise WireError("INVALID_QUERY", f"kind is one of {', '.join(_TOLD)}")
    return _page(asked, (kind,), lambda one: one.value)


async def list_readings(asked: Asked) -> BaseModel:
    """List values."""
    lfdi = asked.query.get("lfdi", "")
    found = await asked.utility.store.readings(lfdi, _after(asked), _MOST)
    items = tuple(
        d.ReadingDocument(
            number=number, **{name: getattr(one, name) for name in one.__dataclass_fields__}
        )
        for number, one in found
    )
    return d.Readings(items=items, next=items[-1].number if len(items) == _MOST else None)


async def list_transcript(asked: Asked) -> BaseModel:
    """List exchanges."""
    found = asked.utility.transcript.after(_after(asked), _PAGE)
    items = tuple(
        d.ExchangeDocument(
            number=one.number,
            at=one.at,
            peer=one.peer,
            method=one.method,
            target=one.target,
            status=one.status,
            location=one.location,
            request=one.request.decode("utf-8", "replace"),
            answer=one.answer.decode("utf-8", "replace"),
            outward=one.outward,
        )
        for one in found
    )
    return d.TranscriptDocument(items=items, next=items[-1].number if len(items) == _PAGE else None)


def _after(asked: Asked) -> int:
    after = asked.query.get("after", "0")
    if not after.isdecimal() or len(after) > _DIGITS:
        raise WireError("INVALID_QUERY", "after is a number")
    return int(after)


def _page(
    asked: Asked,
    kinds: tuple[type[sep.Resource], ...],
    value: Callable[[Kept], sep.Resource | None],
) -> d.Page:
    lfdi = asked.query.get("lfdi", "")
    found = [one for kind in kinds for one in asked.utility.told(kind, lfdi)]
    shown = ((one, value(one)) for one in found)
    return d.Page(
        items=tuple(
            d.Shown(
                href=one.href,
                kind=one.kind.__name__,
                lfdi="" if one.scope.startswith("/") else one.scope,
                at=one.at,
                resource=told(resource),
            )
            for one, resource in shown
            if resource is not None
        )
    )
