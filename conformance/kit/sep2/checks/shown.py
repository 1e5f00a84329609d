"""Checks of what a server shows of its controls and defaults, at every look of a client and in every notification."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.names import NAMES
from conformance.kit.sep2.offered import DRIFT, Default, Offered, all_offered, defaults, offered
from conformance.kit.sep2.reading import path_of
from conformance.kit.sep2.shown import (
    Look,
    Shown,
    answers,
    appearances,
    differences,
    instant_of,
    looks,
    number_of,
    places,
    text_of,
    told,
)
from conformance.kit.transcript import Message, Part, Transcript
from conformance.kit.xml import Element

SCHEDULED, ACTIVE, CANCELLED, RANDOMLY, SUPERSEDED, COMPLETED = range(6)
GRACE: Final = timedelta(seconds=20)
"""After the end of a control until it is gone (S-ALL-41); also for the instant that EventStatus tells."""
KEPT: Final = timedelta(seconds=10)
"""For which a cancelled control is listed at least (S-ALL-41)."""
_BASE: Final = "s:DERControlBase"
_STATUS: Final = "s:EventStatus/s:currentStatus"
_WORDS: Final = {
    SCHEDULED: "scheduled",
    ACTIVE: "active",
    CANCELLED: "cancelled",
    RANDOMLY: "cancelled with randomisation",
    SUPERSEDED: "superseded",
    COMPLETED: "completed",
    None: "not listed",
}
Status = int | None
"""currentStatus; None: not listed."""


def shows(control: str, *, requirement: str) -> Check:
    """Demand that a control says what the operator was told, wherever it appears: modes, values, times, Responses."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        story = offered(transcript, control)
        if story is None:
            return
        for one in appearances(transcript, "DERControl", control):
            yield from _says(one, story, requirement)

    return Check(f"shows control {control} as it was made", judge)


def _says(one: Shown, story: Offered, requirement: str) -> Iterator[Finding]:
    given = story.control
    base = one.element.find(_BASE, NAMES)
    for path, found in differences(given.base, base):
        wanted = _wanted(given.base, path)
        yield wrong(requirement, one.message, f"{_BASE}/{path}", wanted, found)
    numbers = {
        "s:interval/s:start": round(given.start.timestamp()),
        "s:interval/s:duration": round(given.lasts.total_seconds()),
        "s:randomizeStart": given.random_start or 0,
        "s:randomizeDuration": given.random_lasts or 0,
    }
    for path, wanted_number in numbers.items():
        seen = number_of(one.element, path) or 0
        if seen != wanted_number:
            yield wrong(requirement, one.message, path, str(wanted_number), str(seen))
    bits = one.element.get("responseRequired", "00")
    if _bits(bits) != _bits(given.required or "00"):
        yield wrong(
            requirement, one.message, "@responseRequired", given.required or "00 or none", bits
        )
    if _bits(bits) and not one.element.get("replyTo"):
        yield wrong(requirement, one.message, "@replyTo", "an address", "none")


def _wanted(base: object, path: str) -> str:
    named = base if isinstance(base, dict) else {}
    found = [value for name, value in named.items() if name.rpartition(":")[2] == path]
    return str(found[0]) if found else "nothing of this name"


def _bits(text: str) -> int:
    try:
        return int(text or "0", 16)
    except ValueError:
        return -1


def unedited(control: str, *, requirement: str) -> Check:
    """Demand that a control keeps its mRID, address and creationTime, and that a change of it is a higher version."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        story = offered(transcript, control)
        # Notifications may have waited: what was asked for alone comes in order.
        every = appearances(transcript, "DERControl", control)
        found = [one for one in every if one.message.part is Part.RESPONSE]
        if story is None or not found:
            return
        yield from _created(found[0], story, requirement)
        for before, after in pairwise(found):
            for path in ("s:mRID", "s:creationTime"):
                was, now = text_of(before.element, path), text_of(after.element, path)
                if was.upper() != now.upper():
                    yield wrong(requirement, after.message, path, was, now or "none")
            was, now = (path_of(x.element.get("href", "")) for x in (before, after))
            if was and now and was != now:
                yield wrong(requirement, after.message, "@href", was, now)
            yield from _versioned(before, after, requirement)

    return Check(f"does not edit control {control}", judge)


def _created(one: Shown, story: Offered, requirement: str) -> Iterator[Finding]:
    at = instant_of(one.element, "s:creationTime")
    if at is None or abs(at - story.at) > DRIFT:
        expected = f"{story.at:%H:%M:%S}, when it was made"
        found = f"{at:%Y-%m-%d %H:%M:%S}" if at else "none"
        yield wrong(requirement, one.message, "s:creationTime", expected, found)


def _versioned(before: Shown, after: Shown, requirement: str) -> Iterator[Finding]:
    same = _content(before.element) == _content(after.element)
    if after.version < before.version + (not same):
        expected = f"{before.version}" if same else f"more than {before.version}: it has changed"
        yield wrong(requirement, after.message, "s:version", expected, str(after.version))


def _content(element: Element) -> tuple[str, ...]:
    """Return all that an element says beside its version."""
    return tuple(
        f"{one.tag}={(one.text or '').strip()}"
        for one in element.iter("{*}*")
        if str(one.tag).rpartition("}")[2] != "version" and one is not element
    )


# --- where it stands


def stands(control: str, *, requirement: str, superseded_by: str = "") -> Check:
    """Demand that a control is scheduled, active, cancelled, superseded and gone when it has to be, at every look.

    Args:
        control: Id.
        requirement: That is cited.
        superseded_by: Id of the control of the same program that takes its place from its start.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        story = offered(transcript, control)
        if story is None:
            return
        other = offered(transcript, superseded_by) if superseded_by else None
        course = _course(story, other)
        for look in looks(transcript, "DERControlList", story.program):
            if look.asked.number > story.number:
                yield from _stood(look, control, course, requirement)
        for one in appearances(transcript, "DERControl", control):
            yield from _dated(one, course, requirement)

    return Check(f"shows where control {control} stands", judge)


def all_stand(program: str, *, requirement: str) -> Check:
    """Demand as ``shows`` and ``stands`` of every control of a program at once, for scripts of many looks."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        stories = {one.control.id: one for one in all_offered(transcript, program)}
        courses = {name: _course(one, None) for name, one in stories.items()}
        for look in looks(transcript, "DERControlList", program):
            for name, story in stories.items():
                if look.asked.number > story.number:
                    yield from _stood(look, name, courses[name], requirement)
            for row in look.rows:
                name = text_of(row, "s:description")
                if name in stories:
                    yield from _says(Shown(look.last, row), stories[name], requirement)

    return Check(f"shows every control of {program} at its time", judge)


Course = Callable[[datetime], dict[Status, datetime]]
"""Instant -> what may be shown then, each with the instant since which."""


def _course(story: Offered, other: Offered | None) -> Course:
    def at(now: datetime) -> dict[Status, datetime]:
        gone_from, gone_at = story.latest_end, story.latest_end + GRACE
        found: dict[Status, datetime]
        if story.cancelled_at is not None and now >= story.cancelled_at:
            found = {RANDOMLY if story.randomly else CANCELLED: story.cancelled_at}
            gone_from = story.cancelled_at + KEPT
            return found | ({None: gone_from} if now >= gone_from else {})
        if now >= gone_at:
            return {None: gone_from, COMPLETED: gone_from}
        if other is not None and now >= other.begins:
            found = {SUPERSEDED: other.begins}
        elif now >= story.begins:
            found = {ACTIVE: story.begins}
        else:
            found = {SCHEDULED: story.at}
        if now >= story.control.end:
            found |= {None: gone_from, COMPLETED: gone_from}
        return found

    return at


def _around(course: Course, first: datetime, last: datetime) -> dict[Status, datetime]:
    """Return what may be shown in a span: by the clock of a server that may differ."""
    found: dict[Status, datetime] = {}
    for at in (first - DRIFT, first, last, last + DRIFT):
        found |= course(at)
    return found


def _stood(look: Look, control: str, course: Course, requirement: str) -> Iterator[Finding]:
    row = look.row(control)
    status = None if row is None else number_of(row, _STATUS)
    allowed = _around(course, look.asked.at, look.last.at)
    if status not in allowed:
        expected = " or ".join(_WORDS[one] for one in allowed)
        seen = _WORDS.get(status, f"status {status}")
        yield wrong(requirement, look.last, f"DERControl {control}", expected, seen)


def _dated(one: Shown, course: Course, requirement: str) -> Iterator[Finding]:
    """Judge EventStatus.dateTime: the moment of the change."""
    since = _around(course, one.message.at - DRIFT, one.message.at).get(one.status)
    at = instant_of(one.element, "s:EventStatus/s:dateTime")
    if since is not None and (at is None or abs(at - since) > GRACE):
        seen = f"{at:%Y-%m-%d %H:%M:%S}" if at else "none"
        path = "s:EventStatus/s:dateTime"
        yield wrong(requirement, one.message, path, f"{since:%H:%M:%S}, when it changed", seen)


def independent(*controls: str, requirement: str) -> Check:
    """Demand that controls are never shown as superseded: other modes, other categories or another program."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for control in controls:
            for one in appearances(transcript, "DERControl", control):
                if one.status == SUPERSEDED:
                    yield wrong(requirement, one.message, _STATUS, "scheduled or active", "4")

    return Check("supersedes nothing of another kind", judge)


def ordered(program: str, *, requirement: str) -> Check:
    """Demand the order of a list of controls: by start, then the newest first, then by mRID from the highest."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for look in looks(transcript, "DERControlList", program):
            keys = [_key(row) for row in look.rows]
            if keys != sorted(keys):
                names = " ".join(text_of(row, "s:description") for row in look.rows)
                wanted = "interval.start, then creationTime and mRID falling"
                yield wrong(requirement, look.last, "order", wanted, names)

    return Check("orders controls", judge)


def _key(row: Element) -> tuple[int, int, int]:
    mrid = text_of(row, "s:mRID")
    number = int(mrid, 16) if _bits(mrid) >= 0 else 0
    return (
        number_of(row, "s:interval/s:start") or 0,
        -(number_of(row, "s:creationTime") or 0),
        -number,
    )


def all_listed(program: str, *, requirement: str) -> Check:
    """Demand that every look shows every control of a program that is neither over nor cancelled, and nothing else."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        stories = all_offered(transcript, program)
        for look in looks(transcript, "DERControlList", program):
            listed = {text_of(row, "s:description") for row in look.rows}
            for story in stories:
                if _due(story, look) and story.control.id not in listed:
                    text = f"control {story.control.id}"
                    yield wrong(requirement, look.last, "DERControl", text, "not listed")
            for name in sorted(listed - {one.control.id for one in stories}):
                yield wrong(requirement, look.last, "DERControl", "nothing unknown", name)

    return Check(f"lists all controls of {program}", judge)


def _due(story: Offered, look: Look) -> bool:
    if story.cancelled_at is not None or story.number > look.asked.number:
        return False
    return look.last.at < story.control.end - DRIFT


# --- defaults and programs


def shows_default(program: str, *, requirement: str) -> Check:
    """Demand that a program's DefaultDERControl says what the operator was told last; a change is a higher version."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        history = defaults(transcript, program)
        before: tuple[Default, int, str] | None = None
        for message, element in _defaults_shown(transcript, program):
            now = next((one for one in reversed(history) if one.number < message.number), None)
            if now is None:
                continue
            yield from _default(message, element, now, requirement)
            version, mrid = number_of(element, "s:version") or 0, text_of(element, "s:mRID")
            if before is not None and before[0].number < now.number and version <= before[1]:
                text = f"more than {before[1]}: it has changed"
                yield wrong(requirement, message, "s:version", text, str(version))
            if before is not None and before[2].upper() != mrid.upper():
                yield wrong(requirement, message, "s:mRID", before[2], mrid)
            before = now, version, mrid

    return Check(f"shows the default of {program}", judge)


def _defaults_shown(transcript: Transcript, program: str) -> Iterator[tuple[Message, Element]]:
    where = places(transcript, "DefaultDERControl", program)
    for message in told(transcript):
        path = "self::s:DefaultDERControl | s:Resource[contains(@xsi:type, 'DefaultDERControl')]"
        for element in message.elements(path):
            request = transcript.request(message)
            asked = path_of(request.path) if request is not None else ""
            subject = path_of(message.text("s:subscribedResource")) or asked
            if subject in where:
                yield message, element


def _default(
    message: Message, element: Element, wanted: Default, requirement: str
) -> Iterator[Finding]:
    base = wanted.base or {}
    for path, found in differences(base, element.find(_BASE, NAMES)):
        yield wrong(requirement, message, f"{_BASE}/{path}", _wanted(base, path), found)
    for name in ("setGradW", "setSoftGradW", "setESDelay", "setESRampTms", "setESRandomDelay"):
        value, seen = wanted.settings.get(name), text_of(element, f"s:{name}")
        if str("" if value is None else value) != seen:
            yield wrong(requirement, message, f"s:{name}", str(value or "none"), seen or "none")


def ranks(*programs: tuple[str, int], requirement: str, mark: str = "") -> Check:
    """Demand the primacy of programs wherever they appear after a mark, and that lists of them begin with the best."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark) if mark else None
        since = here.number if here is not None else 0
        for name, primacy in programs:
            for one in appearances(transcript, "DERProgram", name):
                if one.message.number < since:
                    continue
                seen = number_of(one.element, "s:primacy")
                if seen != primacy:
                    yield wrong(requirement, one.message, "s:primacy", str(primacy), str(seen))
        for exchange in answers(transcript):
            found = exchange.response
            if found is not None and found.name == "DERProgramList":
                keys = [number_of(row, "s:primacy") or 0 for row in found.elements("s:DERProgram")]
                if keys != sorted(keys):
                    yield wrong(requirement, found, "order", "primacy rising", str(keys))

    return Check("ranks programs", judge)
