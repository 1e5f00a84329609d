"""Checks of notifications: that they come, to whom, with what, once for each change and again after a failure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, Level, wrong
from conformance.kit.sep2.noticed import SOON, Notice, Subscribed, after, notices, subscriptions
from conformance.kit.sep2.reading import path_of
from conformance.kit.sep2.shown import answers, appearances, text_of
from conformance.kit.transcript import Mark, Message, Side, Transcript
from conformance.kit.xml import Element

_STATUSES: Final = ("0", "1", "2", "3", "4")
_FAILED: Final = 500
_HASTY: Final = timedelta(milliseconds=500)


def subscribes(*, requirement: str) -> Check:
    """Demand that a subscription to what may be subscribed to is taken by 201, with the address where it stands."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        seen: set[tuple[str, str]] = set()
        for exchange in transcript.exchanges(Side.SUITE):
            asked, answer = exchange.request, exchange.response
            if asked.method != "POST" or asked.name != "Subscription" or asked.wrong:
                continue
            if answer is None:
                continue
            key = (asked.text("s:subscribedResource"), asked.text("s:notificationURI"))
            allowed = (200, 201, 204) if key in seen else (201,)
            seen.add(key)
            if answer.status not in allowed:
                expected = " or ".join(str(one) for one in allowed)
                yield wrong(requirement, answer, "status", expected, str(answer.status))
            elif not answer.header("Location"):
                yield wrong(requirement, answer, "Location", "address of it", "none")

    return Check("takes subscriptions", judge)


def renews(*, requirement: str) -> Check:
    """Demand that the same subscription once more stays one: the same address, listed once (S-ALL-26)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        known: dict[tuple[str, str], Subscribed] = {}
        for one in subscriptions(transcript):
            old = known.setdefault((one.resource, one.uri), one)
            if one.location != old.location:
                yield wrong(requirement, one.answer, "Location", old.location, one.location)
        for exchange in answers(transcript):
            found = exchange.response
            if found is not None and found.name == "SubscriptionList":
                yield from _once(found, requirement)

    return Check("renews subscriptions", judge)


def _once(message: Message, requirement: str) -> Iterator[Finding]:
    rows = [
        (
            path_of(text_of(row, "s:subscribedResource")),
            path_of(text_of(row, "s:notificationURI")),
        )
        for row in message.elements("s:Subscription")
    ]
    for row in sorted({row for row in rows if rows.count(row) > 1}):
        yield wrong(requirement, message, "s:Subscription", f"{row[0]} once", "more than once")


def well_told(*, requirement: str) -> Check:
    """Demand of every notification that it names its subscription, comes where that says, and brings what it is about.

    A list holds as many members as were asked for at most; status 0 brings the resource unless nothing was asked for.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        known = subscriptions(transcript)
        kinds = {
            path_of(exchange.request.path): exchange.response.name
            for exchange in answers(transcript)
            if exchange.response is not None
        }
        for one in notices(transcript):
            before = [row for row in known if row.message.number < one.message.number]
            yield from _fits(one, before, kinds, requirement)

    return Check("tells subscribers what they asked for", judge)


def _fits(
    one: Notice, known: list[Subscribed], kinds: dict[str, str], requirement: str
) -> Iterator[Finding]:
    message = one.message
    mine = [row for row in known if row.uri == one.uri]
    if not mine:
        yield wrong(requirement, message, "path", "a notificationURI that was given", one.uri)
        return
    about = [row for row in mine if row.resource == one.resource]
    if not about:
        path, wanted = "s:subscribedResource", " or ".join(sorted({r.resource for r in mine}))
        yield wrong(requirement, message, path, wanted, one.resource or "none")
        return
    if one.subscription not in {row.location for row in about}:
        yield wrong(requirement, message, "s:subscriptionURI", about[-1].location, one.subscription)
    if one.status not in _STATUSES:
        yield wrong(requirement, message, "s:status", "0 to 4", one.status or "none")
    if one.status == "0":
        yield from _brings(one, about[-1].limit, kinds.get(one.resource, ""), requirement)


def _brings(one: Notice, limit: int, kind: str, requirement: str) -> Iterator[Finding]:
    if one.brings is None:
        if limit:
            yield wrong(requirement, one.message, "s:Resource", f"a {kind}", "none")
        return
    if kind and one.kind != kind:
        yield wrong(requirement, one.message, "s:Resource/@xsi:type", kind, one.kind or "none")
    if not one.kind.endswith("List"):
        return
    rows = _members(one.brings)
    results, every = one.brings.get("results", ""), one.brings.get("all", "")
    if len(rows) > limit:
        yield wrong(
            requirement, one.message, "s:Resource", f"{limit} members at most", f"{len(rows)}"
        )
    if results != str(len(rows)):
        yield wrong(requirement, one.message, "s:Resource/@results", f"{len(rows)}", results)
    if not every.isdigit() or int(every) < len(rows):
        yield wrong(
            requirement, one.message, "s:Resource/@all", f"{len(rows)} or more", every or "none"
        )


def _members(brings: Element) -> list[Element]:
    return [one for one in brings.iterchildren("{*}*") if one.get("href") is not None]


def tells(
    what: str, of: str = "", *, mark: str, requirement: str, within: timedelta = SOON
) -> Check:
    """Demand that a change that follows a mark is told within a time.

    Args:
        what: Name of the resource that is subscribed to.
        of: Description of what links there, LFDI of its EndDevice.
        mark: Of the change.
        requirement: That is cited.
        within: Time.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark)
        if here is None:
            return
        rows = after(transcript, mark, notices(transcript, what, of))
        if not rows:
            yield _absent(transcript, here, what, within, requirement)
        elif rows[0].message.at - here.at > within:
            late = rows[0].message.at - here.at
            yield wrong(
                requirement,
                rows[0].message,
                "",
                f"within {within.total_seconds():g} s of {mark}",
                f"after {late.total_seconds():g} s",
                tolerance=within,
                beyond=late - within,
            )

    return Check(f"tells {what} after {mark}", judge)


def brings(control: str, status: int, *, mark: str, requirement: str) -> Check:
    """Demand that a notification after a mark brings a control with this currentStatus, within the usual time."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark)
        if here is None:
            return
        until = here.at + SOON
        rows = [
            one
            for one in appearances(transcript, "DERControl", control)
            if one.message.name == "Notification" and one.message.number > here.number
        ]
        if not any(one.status == status and one.message.at <= until for one in rows):
            if rows:
                seen = " ".join(str(one.status) for one in rows)
                path = f"DERControl {control}/EventStatus/currentStatus"
                yield wrong(requirement, rows[0].message, path, str(status), seen)
            else:
                yield _absent(transcript, here, f"control {control}", SOON, requirement)

    return Check(f"brings {control} with status {status} after {mark}", judge)


def _absent(
    transcript: Transcript, here: Mark, what: str, within: timedelta, requirement: str
) -> Finding:
    until = here.at + within
    return Finding(
        requirement=requirement,
        message=here.number,
        expected=f"a notification of {what} within {within.total_seconds():g} s",
        observed="none",
        late=True,
        healthy=transcript.healthy(here.at, max(until, transcript.ended_at or until)),
        tolerance_s=within.total_seconds(),
    )


def quiet(
    what: str = "", of: str = "", *, mark: str, until: str = "", at: str = "", requirement: str
) -> Check:
    """Demand that nothing is told of a resource after a mark, perhaps until another; ``at``: end of the address."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        end = transcript.mark(until) if until else None
        for one in after(transcript, mark, notices(transcript, what, of)):
            if one.uri.endswith(at) and (end is None or one.message.number < end.number):
                expected = f"no notification of {what or 'anything'} after {mark}"
                yield wrong(requirement, one.message, "", expected, f"one of {one.resource}")

    return Check(f"tells nothing of {what or 'anything'} after {mark}", judge)


def ends(*statuses: str, what: str, of: str = "", mark: str, requirement: str) -> Check:
    """Demand that a subscription ends after a mark by a notification with such a status, and that nothing follows."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark)
        if here is None:
            return
        rows = after(transcript, mark, notices(transcript, what, of))
        last = [one for one in rows if one.status != "0"]
        if not last:
            yield _absent(transcript, here, what, SOON, requirement)
            return
        if last[0].status not in statuses:
            told = " or ".join(statuses)
            yield wrong(requirement, last[0].message, "s:status", told, last[0].status)
        for one in rows[rows.index(last[0]) + 1 :]:
            if one.uri == last[0].uri and last[0].taken:
                yield wrong(requirement, one.message, "", "nothing after the end", one.resource)

    return Check(f"ends the subscription to {what} by status {'/'.join(statuses)}", judge)


def equals_read(what: str, of: str = "", *, mark: str, requirement: str) -> Check:
    """Demand that the last notification after a mark says of each member what the read that follows it says."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = [
            one
            for one in after(transcript, mark, notices(transcript, what, of))
            if one.brings is not None and one.status == "0"
        ]
        if not rows or rows[-1].brings is None:
            return
        last = rows[-1]
        read = next(
            (
                exchange.response
                for exchange in answers(transcript)
                if exchange.request.number > last.message.number
                and path_of(exchange.request.path) == last.resource
                and exchange.response is not None
            ),
            None,
        )
        if read is None or read.payload is None:
            return
        yield from _same(last, read, requirement)

    return Check(f"tells {what} as it is read", judge)


def _same(last: Notice, read: Message, requirement: str) -> Iterator[Finding]:
    brings, payload = last.brings, read.elements("self::*")[0]
    assert brings is not None  # noqa: S101 - the caller has looked
    if not last.kind.endswith("List"):
        if _said(brings) != _said(payload):
            yield wrong(requirement, last.message, "s:Resource", "what a GET says", "otherwise")
        return
    told = {one.get("href", ""): _said(one) for one in _members(brings)}
    for row in _members(payload):
        href = row.get("href", "")
        if href in told and told[href] != _said(row):
            yield wrong(requirement, last.message, f"s:Resource/{href}", "what a GET says", "else")
    if brings.get("all") != payload.get("all"):
        yield wrong(
            requirement,
            last.message,
            "s:Resource/@all",
            payload.get("all", "none"),
            brings.get("all", "none"),
        )


def _said(element: Element) -> tuple[str, ...]:
    """Return all that an element says, links' counts left out: they may change at any time."""
    return tuple(
        f"{one.tag}={(one.text or '').strip()}{one.get('href') or ''}"
        for one in element.iter("{*}*")
        if one is not element
    )


def tells_again(
    what: str, of: str = "", *, mark: str, within: timedelta, requirement: str
) -> Check:
    """Demand that what could not be told is told once the subscriber is there again, from a mark on (S-ALL-46)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark)
        if here is None:
            return
        rows = after(transcript, mark, notices(transcript, what, of))
        fine = [one for one in rows if one.taken]
        if not fine:
            yield _absent(transcript, here, what, within, requirement)
        elif fine[0].message.at - here.at > within:
            late = fine[0].message.at - here.at
            text = f"within {within.total_seconds():g} s of {mark}"
            seen = f"after {late.total_seconds():g} s"
            yield wrong(
                requirement,
                fine[0].message,
                "",
                text,
                seen,
                tolerance=within,
                beyond=late - within,
            )

    return Check(f"tells {what} again", judge)


def patient(*, requirement: str, least: timedelta = _HASTY) -> Check:
    """Demand that what failed is not tried again at once (SHOULD): ``least`` lies between."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        last: dict[tuple[str, str], Notice] = {}
        for one in notices(transcript):
            before = last.get((one.resource, one.uri))
            last[one.resource, one.uri] = one
            if before is None or before.answer < _FAILED:
                continue
            gap = one.message.at - before.message.at
            if gap < least:
                seen = f"{gap.total_seconds():g} s"
                found = wrong(requirement, one.message, "", "a pause after a failure", seen)
                yield replace(found, level=Level.SHOULD)

    return Check("waits after a failure", judge)


def once_each(what: str, of: str = "", *, requirement: str) -> Check:
    """Demand that no two notifications that were taken say the same of a resource: a change is told once."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        known: dict[str, tuple[str, ...]] = {}
        for one in notices(transcript, what, of):
            if one.brings is None or not one.taken:
                continue
            says = (*_said(one.brings), one.brings.get("all", ""))
            if known.get(one.uri) == says:
                yield wrong(requirement, one.message, "s:Resource", "something new", "the same")
            known[one.uri] = says

    return Check(f"tells {what} once", judge)
