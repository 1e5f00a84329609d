"""What a case may fill at the most, and what decides whether a run can be certified."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path

import pytest

from conformance.cli.ending import Exit
from conformance.cli.judge import exit_of
from conformance.engine.errors import SuiteError
from conformance.engine.judging import Judged, Verdicts, summed
from conformance.engine.memory import MemoryArchive
from conformance.engine.plans import Plan, find_plan, frozen
from conformance.engine.run import Order, installed, prepare
from conformance.engine.tape import FLOOD, MOST, MOST_BYTES, Tape
from conformance.kit.transcript import Part, Side, Transcript
from conformance.kit.verdict import EVIDENCE, OVERLOAD, Verdict
from conformance.peers.script2b.ports import Seen
from gateway.client.clock import SystemClock

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)
PLAN = find_plan("oadr20b-ven-pull")


class StandingClock(SystemClock):
    """A clock that the test moves."""

    at = NOW

    def now(self) -> datetime:
        return self.at

    def elapsed_s(self) -> float:
        return (self.at - NOW).total_seconds()


def recorder() -> tuple[Tape, list[tuple[str, str]], StandingClock]:
    ended: list[tuple[str, str]] = []
    clock = StandingClock()
    transcript = Transcript(case="OADR20B-VEN-TST-001")
    tape = Tape(
        MemoryArchive(), transcript, clock, ended=lambda mark, what: ended.append((mark, what))
    )
    return tape, ended, clock


def seen(body: bytes = b"", coded: bytes | None = None) -> Seen:
    return Seen(
        sender=Side.DEVICE,
        part=Part.REQUEST,
        connection=1,
        exchange=None,
        head=b"",
        body=body,
        coded=coded,
    )


@pytest.mark.parametrize("kind", ["message", "mark"])
def test_a_case_ends_once_at_fifty_thousand_records(kind: str) -> None:
    tape, ended, clock = recorder()
    message = seen()
    for number in range(MOST):
        clock.at = NOW.replace(microsecond=number)
        if kind == "message":
            tape.message(message)
        else:
            tape.mark("look")
    assert ended == []

    for _ in range(3):
        tape.message(message)

    assert ended == [(EVIDENCE, "more than 50000 records or 256 MiB in one case")]


@pytest.mark.parametrize("coded", [False, True])
def test_a_case_ends_once_at_256_mib_of_bodies(coded: bool) -> None:
    tape, ended, clock = recorder()
    half = bytes(8 << 20)
    large = seen(half, half) if coded else seen(half + half)
    for number in range(MOST_BYTES // (16 << 20)):
        clock.at = NOW.replace(microsecond=number)
        tape.message(large)
    assert ended == []

    tape.message(seen(b"x"))
    tape.message(seen(b"x"))

    assert [mark for mark, _ in ended] == [EVIDENCE]


def test_a_device_that_never_waits_ends_its_case_as_overload() -> None:
    tape, ended, _ = recorder()
    for _ in range(FLOOD):
        tape.message(seen())

    assert ended == [(OVERLOAD, "the device floods the suite")]


# --- certifiable


def row(verdict: Verdict, maturity: str = "stable", *, mandatory: bool = True) -> Judged:
    return Judged(
        case="X",
        version=1,
        title="t",
        verdict=verdict,
        cause="",
        requirements=("REQ-X",),
        public=(),
        maturity=maturity,
        mandatory=mandatory,
        took_s=1,
    )


GOOD = row(Verdict.PASS)
CERTIFIABLE: Mapping[str, tuple[list[Judged], bool]] = {
    "all pass": ([GOOD, GOOD], True),
    "a warning": ([GOOD, row(Verdict.WARN)], True),
    "a failure": ([GOOD, row(Verdict.FAIL)], False),
    "a defect of the suite": ([GOOD, row(Verdict.ERROR)], False),
    "a mandatory case skipped": ([GOOD, row(Verdict.SKIP)], False),
    "a mandatory case left open": ([GOOD, row(Verdict.INCONCLUSIVE)], False),
    "another one skipped": ([GOOD, row(Verdict.SKIP, mandatory=False)], True),
    "another one left open": ([GOOD, row(Verdict.INCONCLUSIVE, mandatory=False)], False),
    "a case on the watch list fails": (
        [GOOD, row(Verdict.FAIL, "watchlist", mandatory=False)],
        True,
    ),
    "a draft fails": ([GOOD, row(Verdict.FAIL, "draft", mandatory=False)], True),
    "a mandatory case on the watch list is open": (
        [GOOD, row(Verdict.INCONCLUSIVE, "watchlist")],
        False,
    ),
    "drafts alone": ([row(Verdict.PASS, "draft", mandatory=False)], False),
    "nothing": ([], False),
}


@pytest.mark.parametrize("name", CERTIFIABLE)
def test_what_makes_a_run_certifiable(name: str) -> None:
    rows, expected = CERTIFIABLE[name]

    assert summed(PLAN, rows).certifiable is expected


def verdicts(verdict: Verdict, *, certifiable: bool) -> Verdicts:
    return Verdicts(plan="p", plan_version=1, verdict=verdict, certifiable=certifiable, cases=())


def test_only_with_certify_a_run_that_is_not_certifiable_leaves_with_two() -> None:
    passed = verdicts(Verdict.PASS, certifiable=False)

    assert exit_of(passed) is Exit.OK
    assert exit_of(passed, certify=True) is Exit.INCONCLUSIVE
    assert exit_of(verdicts(Verdict.PASS, certifiable=True), certify=True) is Exit.OK
    assert exit_of(verdicts(Verdict.FAIL, certifiable=False), certify=True) is Exit.FAIL
    assert exit_of(verdicts(Verdict.ERROR, certifiable=False), certify=True) is Exit.ERROR


# --- the demands of --certify


@pytest.fixture
def laboratory(tmp_path: Path) -> Order:
    """Return an order that lacks nothing but a released suite."""
    plan = frozen(PLAN, "lab-1", "2026-05-04")
    made = tmp_path / "plan.json"
    made.write_text(plan.model_dump_json())
    reference = Path(__file__).parents[2] / "conformance" / "data" / "oadr20b" / "reference"
    ixit = tmp_path / "ixit.yaml"
    ixit.write_text("tls: plain\nlisten_port: 8443\ndriver: {kind: manual, methods: [start]}\n")
    return Order(
        plan=str(made),
        pics=reference / "ven.pics.yaml",
        ixit=ixit,
        time="real",
        certify=True,
        key=tmp_path / "lab.pem",
    )


def test_a_laboratory_that_brings_everything_may_begin(laboratory: Order) -> None:
    assert prepare(laboratory, release="1.0.0").file.certify


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ({"plan": "oadr20b-ven-pull"}, "a frozen plan"),
        ({"time": "scaled:2"}, "real time"),
        ({"only": ("OADR20B-VEN-EVT-020",)}, "every case (no --only)"),
        ({"pics": None}, "a PICS and an IXIT of the device"),
        ({"key": None}, "the laboratory's key (--key)"),
    ],
)
def test_certify_demands(lacking: Mapping[str, object], told: str, laboratory: Order) -> None:
    with pytest.raises(SuiteError) as error:
        prepare(replace(laboratory, **lacking), release="1.0.0")  # type: ignore[arg-type]  # fields of the order

    assert str(error.value) == f"--certify demands {told}"


@pytest.mark.parametrize("release", ["1.0.0.dev3", "0.1.0+editable", "1.0rc1"])
def test_certify_demands_a_released_suite(release: str, laboratory: Order) -> None:
    with pytest.raises(SuiteError) as error:
        prepare(laboratory, release=release)

    assert str(error.value) == "--certify demands a released suite, no development build"


def test_a_suite_that_runs_from_a_working_tree_is_a_development_build() -> None:
    origin = json.loads(distribution("gridgate").read_text("direct_url.json") or "{}")

    assert installed().endswith("+editable") is origin.get("dir_info", {}).get("editable", False)


def test_certify_demands_a_device_of_its_own(laboratory: Order) -> None:
    bundled = Order(plan=laboratory.plan, time="virtual", certify=True, key=laboratory.key)

    with pytest.raises(SuiteError) as error:
        prepare(bundled, release="1.0.0")

    assert "a device of its own (IXIT driver kind other than python)" in str(error.value)
    assert "real time" in str(error.value)


def test_a_plan_that_was_changed_after_it_was_frozen_is_refused(laboratory: Order) -> None:
    path = Path(laboratory.plan)
    plan = Plan.model_validate_json(path.read_bytes())
    path.write_text(plan.model_copy(update={"mandatory": ()}).model_dump_json())

    with pytest.raises(SuiteError, match="changed after it was frozen"):
        prepare(laboratory, release="1.0.0")
