"""From findings to a verdict: each rule, and each way to be wrong about it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from conformance.kit.case import Case, Observation, case
from conformance.kit.finding import Check, Finding, Level
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.build import make, payload
from conformance.kit.transcript import Mark, Message, Part, Side, Transcript
from conformance.kit.verdict import Outcome, Verdict, judge, worst

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)
SEEN = Observation("something", 1, lambda t: len(t.messages))


def finding(number: int | None = 1, **rest: object) -> Finding:
    fields = {"requirement": "REQ-X", "expected": "a", "observed": "b", "message": number, **rest}
    return Finding(**fields)  # type: ignore[arg-type]  # the names of the fields


def made(*findings: Finding, observations: Iterable[Observation] = (SEEN,)) -> Case:
    @case(
        id="X-VEN-A-001",
        title="t",
        purpose="p",
        requirements=("REQ-X",),
        checks=(Check("c", lambda _: findings),),
        observations=tuple(observations),
    )
    async def script(_: object) -> None:
        """Do nothing."""

    return script


def message(body: bytes = b"", sender: Side = Side.DEVICE, wrong: str = "") -> Message:
    return Message(
        number=1,
        sender=sender,
        part=Part.REQUEST,
        connection=1,
        exchange=1,
        at=NOW,
        elapsed_s=0,
        start="POST /x HTTP/1.1",
        headers=(),
        body=body,
        wrong=wrong,
    )


def transcript(*marks: str, messages: Iterable[Message] = (message(),)) -> Transcript:
    found = Transcript(case="X-VEN-A-001")
    for one in messages:
        found.add(one)
    for number, name in enumerate(marks, 2):
        found.add(Mark(number=number, name=name, at=NOW, elapsed_s=0, values={"what": "said"}))
    return found


def verdict(given: Case, seen: Transcript, *, strict: bool = False) -> Outcome:
    return judge(given, seen, (), strict=strict)


def test_nothing_wrong_and_enough_seen_passes() -> None:
    assert verdict(made(), transcript()).verdict is Verdict.PASS


def test_nothing_seen_is_no_pass() -> None:
    found = verdict(made(), transcript(messages=()))

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "something: 0 of 1" in found.cause


def test_a_violated_must_fails_and_the_first_message_is_the_headline() -> None:
    found = verdict(made(finding(9), finding(4)), transcript())

    assert found.verdict is Verdict.FAIL
    assert "message 4" in found.cause
    assert [f.message for f in found.findings] == [4, 9]


def test_a_violated_should_warns_and_fails_when_strict() -> None:
    given = made(finding(level=Level.SHOULD))

    assert verdict(given, transcript()).verdict is Verdict.WARN
    assert verdict(given, transcript(), strict=True).verdict is Verdict.FAIL


@pytest.mark.parametrize(("healthy", "expected"), [(True, "FAIL"), (False, "INCONCLUSIVE")])
def test_what_never_came_fails_only_where_the_line_was_healthy(
    healthy: bool, expected: str
) -> None:
    found = verdict(made(finding(late=True, healthy=healthy)), transcript())

    assert found.verdict == expected


def test_a_late_finding_of_an_overloaded_suite_is_open() -> None:
    found = verdict(made(finding(late=True)), transcript("suite.overload"))

    assert found.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("mark", "expected", "word"),
    [
        ("suite.defect", Verdict.ERROR, ""),
        ("suite.driver", Verdict.INCONCLUSIVE, "driver"),
        ("suite.precondition", Verdict.INCONCLUSIVE, "precondition"),
        ("suite.evidence", Verdict.INCONCLUSIVE, "evidence"),
    ],
)
def test_what_kept_the_script_from_being_played_outranks_findings(
    mark: str, expected: Verdict, word: str
) -> None:
    found = verdict(made(finding()), transcript(mark))

    assert found.verdict is expected
    assert found.cause.startswith(word)


def test_a_script_that_waited_in_vain_is_open_unless_a_check_objects() -> None:
    assert verdict(made(), transcript("suite.unobserved")).verdict is Verdict.INCONCLUSIVE
    assert verdict(made(finding()), transcript("suite.unobserved")).verdict is Verdict.FAIL


def test_an_invalid_message_of_the_suite_is_its_own_error_unless_declared() -> None:
    bad = payload(make("oadr:oadrPoll"))
    good = payload(party.poll("v"))

    def of(body: bytes, wrong: str = "") -> Verdict:
        return verdict(made(), transcript(messages=[message(body, Side.SUITE, wrong)])).verdict

    assert of(bad) is Verdict.ERROR
    assert of(bad, "on purpose") is Verdict.PASS
    assert of(good) is Verdict.PASS


def test_a_plan_is_as_bad_as_its_worst_case_and_skips_do_not_count() -> None:
    assert worst([Verdict.PASS, Verdict.WARN, Verdict.SKIP]) is Verdict.WARN
    assert worst([Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR]) is Verdict.ERROR
    assert worst([Verdict.INCONCLUSIVE, Verdict.FAIL]) is Verdict.FAIL
    assert worst([Verdict.SKIP]) is Verdict.INCONCLUSIVE


def test_a_transcript_knows_when_the_line_was_healthy() -> None:
    seen = transcript()
    later = NOW + timedelta(seconds=1)
    answer = Message(
        number=2,
        sender=Side.SUITE,
        part=Part.RESPONSE,
        connection=1,
        exchange=1,
        at=later,
        elapsed_s=1,
        start="HTTP/1.1 200 OK",
        headers=(),
        body=b"",
    )
    assert not seen.healthy(NOW, later)

    seen.add(answer)

    assert seen.healthy(NOW, later)
    assert not seen.healthy(later + timedelta(seconds=1), later + timedelta(seconds=9))
