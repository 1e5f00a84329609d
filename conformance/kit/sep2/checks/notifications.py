"""Checks about notifications: how they are answered, and what a client does and does not do upon them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, Level, wrong
from conformance.kit.sep2.checks.subscriptions import alive
from conformance.kit.sep2.names import RECEIVED
from conformance.kit.sep2.reading import responses
from conformance.kit.sep2.subscribed import notice_mark, told
from conformance.kit.transcript import Mark, Message, Transcript, between

SOON: Final = timedelta(seconds=10)
"""In which a notification must be answered; whoever notifies gives up after about thirty."""
PROMPT: Final = timedelta(seconds=60)
"""In which what was told must be acted upon."""
UNREACHABLE: Final = "suite.unreachable"
_REFUSALS: Final = range(400, 500)
_FINE: Final = range(200, 300)


def listens(*, requirement: str) -> Check:
    """Demand that the address of the notifications can be reached."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for mark in transcript.all_marks(UNREACHABLE):
            yield Finding(
                requirement=requirement,
                expected="a listener at the notificationURI",
                observed=mark.values.get("error", "none"),
                message=mark.number,
                late=True,
                healthy=alive(transcript, mark.number),
            )

    return Check("listens for notifications", judge)


def answers(*codes: int, requirement: str, notice: str = "") -> Check:
    """Demand one of these answers to a notice, or to every right notification; without any: one of success."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = notice_mark(transcript, notice) if notice else None
        if mark is not None and mark.values["request"] == "0":
            yield _unanswered(transcript, mark, requirement)
        for message, answer in told(transcript, notice):
            if answer is None:
                yield _unanswered(transcript, message, requirement)
            elif not (answer.status in codes if codes else answer.status in _FINE):
                shown = " or ".join(map(str, codes)) or "success"
                yield wrong(requirement, answer, "status", shown, str(answer.status))

    shown = " or ".join(map(str, codes)) or "success"
    return Check(f"answers {notice or 'notifications'} by {shown}", judge)


def _unanswered(transcript: Transcript, message: Message | Mark, requirement: str) -> Finding:
    return Finding(
        requirement=requirement,
        expected="an answer to a notification",
        observed="none",
        message=message.number,
        late=True,
        healthy=alive(transcript, message.number),
    )


def answers_at_once(*, requirement: str) -> Check:
    """Demand answers to notifications without a body, within a few seconds."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message, answer in told(transcript):
            if answer is None:
                continue
            if answer.body.strip():
                told_ = f"{len(answer.body)} bytes"
                yield wrong(requirement, answer, "body", "none", told_)
            if between(message, answer) > SOON:
                took = between(message, answer)
                yield wrong(
                    requirement, answer, "time", f"within {SOON.total_seconds():g} s",
                    f"{took.total_seconds():g} s", tolerance=SOON, beyond=took - SOON,
                )  # fmt: skip

    return Check("answers notifications at once, without a body", judge)


def refuses(notice: str, *, requirement: str, codes: range | tuple[int, ...] = _REFUSALS) -> Check:
    """Demand that a notice is refused: by one of these statuses, or by no answer at all where TLS ends it."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message, answer in told(transcript, notice):
            if answer is not None and answer.status not in codes:
                shown = f"{codes[0]} to {codes[-1]}" if isinstance(codes, range) else str(codes)
                yield wrong(requirement, answer, "status", shown, str(answer.status))
            elif answer is None and codes is not _REFUSALS:
                yield _unanswered(transcript, message, requirement)

    return Check(f"refuses {notice}", judge)


def refused_or_ignored(notice: str, *, requirement: str) -> Check:
    """Ask (SHOULD) that a notice is refused."""
    inner = refuses(notice, requirement=requirement)

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for finding in inner(transcript):
            yield replace(finding, level=Level.SHOULD)

    return Check(f"should refuse {notice}", judge)


def acts_on_notification(
    control: str, *, requirement: str, lfdi: str = "", within: timedelta = PROMPT, status: int = RECEIVED
) -> Check:  # fmt: skip
    """Demand a Response to a control soon after the notification by which its client could know of it.

    Args:
        control: Id of it.
        requirement: That is cited.
        lfdi: EndDevice.
        within: After the first notification that carried it, or that was sent once it had been published.
        status: Of the Response: 6 for a cancellation, counted from the last such notification before it.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        brought = _notification_of(transcript, control, last=status != RECEIVED)
        rows = [r for r in responses(transcript, control, lfdi) if r.status == status]
        if brought is None:
            return
        if not rows:
            yield Finding(
                requirement=requirement,
                expected=f"Response {status} to {control}",
                observed="none",
                message=brought.number,
                late=True,
                healthy=alive(transcript, brought.number),
            )
            return
        took = between(brought, rows[0].message)
        if took > within:
            yield wrong(
                requirement, rows[0].message, "time", f"within {within.total_seconds():g} s of its notification",
                f"{took.total_seconds():g} s", tolerance=within, beyond=took - within,
            )  # fmt: skip

    return Check(f"responds {status} to {control} soon after the notification", judge)


def _notification_of(transcript: Transcript, control: str, *, last: bool) -> Message | None:
    marks = [m for m in transcript.all_marks("suite.publish") if m.values["control"] == control]
    if not marks:
        return None
    since = (marks[-1] if last else marks[0]).number
    rows = [m for m, answer in told(transcript) if m.number > since and answer is not None]
    return rows[0] if rows else None


def reaches_after(control: str, mark: str, *, requirement: str, within: timedelta) -> Check:
    """Demand a Response 1 to a control within a time of a mark, however it was found."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        begins = transcript.mark(mark)
        if begins is None:  # the script did not come so far
            return
        rows = [r for r in responses(transcript, control) if r.status == RECEIVED]
        if rows:
            took = between(begins, rows[0].message)
            if took > within:
                yield wrong(
                    requirement, rows[0].message, "time", f"within {within.total_seconds():g} s of {mark}",
                    f"{took.total_seconds():g} s", tolerance=within, beyond=took - within,
                )  # fmt: skip
        else:
            yield Finding(
                requirement=requirement,
                expected=f"Response 1 to {control}",
                observed="none",
                late=True,
                healthy=alive(transcript, begins.number),
            )

    return Check(f"finds {control} within {within.total_seconds():g} s of {mark}", judge)
