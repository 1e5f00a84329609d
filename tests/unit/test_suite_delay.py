"""The suite's own delay: measured, recorded, and never blamed on the device."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conformance.engine.clocks import Time
from conformance.engine.watch import Watch
from conformance.kit.case import Case, Observation, case
from conformance.kit.checks.messages import sends_at_most
from conformance.kit.checks.polling import polls_on_time
from conformance.kit.finding import Check, Finding
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.transcript import Mark, Side, Transcript
from conformance.kit.verdict import DELAY, Outcome, Verdict, judge
from gateway.client.clock import SystemClock
from tests.transcripts2b import Story

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)
STEP = timedelta(seconds=1)


class LateClock(SystemClock):
    """A clock whose sleepers wake so many seconds late, and which ends the test after the last."""

    def __init__(self, *late_s: float) -> None:
        super().__init__()
        self._late = list(late_s)
        self._now = NOW

    def now(self) -> datetime:
        return self._now

    def elapsed_s(self) -> float:
        return (self._now - NOW).total_seconds()

    async def sleep_until(self, at: datetime) -> None:
        if not self._late:
            raise asyncio.CancelledError
        self._now = at + timedelta(seconds=self._late.pop(0))


async def test_the_longest_delay_is_kept() -> None:
    watch = Watch(LateClock(0.0, 2.5, 0.125), STEP)

    with pytest.raises(asyncio.CancelledError):
        await watch.run()

    assert (watch.worst_s, watch.looks) == (2.5, 3)


def test_virtual_time_waits_and_needs_no_watch() -> None:
    assert Time.parse("virtual").watch_every is None
    assert Time.parse("real").watch_every == timedelta(milliseconds=50)
    assert Time.parse("scaled:20").watch_every == timedelta(seconds=1)


def finding(**rest: object) -> Finding:
    fields = {"requirement": "REQ-X", "expected": "a", "observed": "b", "message": 1, **rest}
    return Finding(**fields)  # type: ignore[arg-type]  # the names of the fields


def made(*findings: Finding) -> Case:
    @case(
        id="X-VEN-A-001",
        title="t",
        purpose="p",
        requirements=("REQ-X",),
        checks=(Check("c", lambda _: findings),),
        observations=(Observation("something", 1, lambda t: len(t.marks)),),
    )
    async def script(_: object) -> None:
        """Do nothing."""

    return script


def outcome(delay_s: str, *findings: Finding) -> Outcome:
    """Judge a case of two minutes in which the suite was so late; its first record caused the findings."""
    seen = Transcript(case="X-VEN-A-001")
    seen.add(Mark(number=1, name="case.begin", at=NOW, elapsed_s=0))
    end = NOW + timedelta(minutes=2)
    values = {"worst_s": delay_s, "looks": "9"}
    seen.add(Mark(number=2, name=DELAY, at=end, elapsed_s=120, values=values))
    return judge(made(*findings), seen, ())


@pytest.mark.parametrize(("delay", "expected"), [("12", "FAIL"), ("12.1", "INCONCLUSIVE")])
def test_what_never_came_is_open_when_the_suite_was_late_by_a_tenth_of_the_wait(
    delay: str, expected: str
) -> None:
    found = outcome(delay, finding(late=True))

    assert found.verdict == expected
    assert ("delay: the suite was 12.1 s late itself" in found.cause) == (delay == "12.1")


@pytest.mark.parametrize(("delay", "expected"), [("0.5", "FAIL"), ("0.51", "INCONCLUSIVE")])
def test_a_wrong_time_is_open_when_the_suite_was_late_by_a_tenth_of_its_tolerance(
    delay: str, expected: str
) -> None:
    assert outcome(delay, finding(tolerance_s=5.0)).verdict == expected


@pytest.mark.parametrize(("beyond", "expected"), [(2.1, "FAIL"), (2.0, "INCONCLUSIVE")])
def test_what_the_suites_delay_cannot_explain_stays_wrong(beyond: float, expected: str) -> None:
    assert outcome("1", finding(tolerance_s=5.0, beyond_s=beyond)).verdict == expected


def test_a_poll_far_too_early_stays_wrong_on_a_slow_suite() -> None:
    story = Story(role="VEN")
    for _ in range(3):
        story.reply(story.ask(party.poll("ven-1"), side=Side.DEVICE), build.oadr_response(""))
    story.mark(DELAY, worst_s="1.5", looks="9")
    judged = replace(made(), checks=(polls_on_time(timedelta(seconds=10), after=""),))

    assert judge(judged, story.transcript, ()).verdict is Verdict.FAIL
    story.mark(DELAY, worst_s="4", looks="9")
    assert judge(judged, story.transcript, ()).verdict is Verdict.INCONCLUSIVE


def test_a_wrong_field_stays_wrong_however_late_the_suite_was() -> None:
    found = outcome("60", finding(tolerance_s=5.0), finding(observed="c"))

    assert found.verdict is Verdict.FAIL
    assert found.cause.endswith("observed c")
    assert len(found.findings) == 2


def test_a_delay_alone_costs_no_pass() -> None:
    assert outcome("60").verdict is Verdict.PASS


@pytest.mark.parametrize(("delay", "expected"), [("3", "FAIL"), ("3.1", "INCONCLUSIVE")])
def test_a_repetition_is_open_when_the_suite_may_have_kept_the_device_waiting(
    delay: str, expected: str
) -> None:
    story = Story(role="VEN")
    for _ in range(2):
        story.reply(story.ask(party.poll("ven-1"), side=Side.DEVICE), build.oadr_response(""))
    story.mark(DELAY, worst_s=delay, looks="9")
    judged = replace(made(), checks=(sends_at_most("oadrPoll", 1, requirement="REQ-X"),))

    assert judge(judged, story.transcript, ()).verdict == expected
