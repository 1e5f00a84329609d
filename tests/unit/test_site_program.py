"""The site's program in virtual time: what it tells the gateway, and how it goes on after outages and crashes."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from conformance.site.episodes import Ended, Went
from conformance.site.journal import Journal
from conformance.site.minutes import RunOptions
from conformance.site.offline import RunResult, simulate
from conformance.site.program import ProgramOptions, SiteProgram, Summary
from conformance.site.trace import Trace
from gateway.app.virtual import VirtualClock
from gateway.domain.answers import RejectionReason, Sample
from gateway.domain.errors import ConfigError, SessionError, TransportError
from gateway.domain.plan import EffectivePlan, OpenQuestion, Phase
from gateway.domain.ports import Clock, Mailbox
from gateway.domain.timespan import Span
from tests.site_fakes import EVENT, HOLD, LIMIT_KW, MINUTE, RUN, RUN_START, plan, segment, staircase

QUESTION = OpenQuestion(
    intent_id="intent-1", revision=1, opt_by=RUN_START + 81 * MINUTE, asked_kw=LIMIT_KW
)
QUIET = plan((segment(RUN_START, None, Phase.NORMAL, None),))
ASKED = plan(staircase(), revision=2, questions=(QUESTION,))
AGREED = plan(staircase(), revision=3)
PUBLISHED = RUN_START + timedelta(minutes=80, seconds=30)


@dataclass
class FakeOffer:
    document: EffectivePlan
    link: "FakeLink"

    async def commit(self, kw: Decimal, actions: tuple[str, ...]) -> None:
        self.link.reach()
        self.link.answers.append((self.link.clock.now(), "in", kw, actions))

    async def decline(self, reason: RejectionReason, detail: str) -> None:
        self.link.reach()
        self.link.answers.append((self.link.clock.now(), reason, detail))


@dataclass
class FakeLink:
    """A gateway that sends plans at known instants, may be away for a while, and keeps what it is told."""

    clock: Clock
    script: Sequence[tuple[datetime, EffectivePlan]] = ()
    away: Span | None = None
    refuses: bool = False
    answers: list[tuple[object, ...]] = field(default_factory=list)
    samples: list[tuple[Sample, ...]] = field(default_factory=list)
    said: list[Went | Ended] = field(default_factory=list)
    waiting: int = 0
    dropped: int = 0

    def reach(self) -> None:
        if self.away is not None and self.away.contains(self.clock.now()):
            raise TransportError("NO_ANSWER", "the gateway is away")
        if self.refuses:
            raise SessionError("REFUSED", "403")

    async def plans(self) -> AsyncIterator[FakeOffer]:
        for at, document in self.script:
            await self.clock.sleep_until(at)
            yield FakeOffer(document, self)
        forever: Mailbox[None] = self.clock.mailbox()
        await forever.get()

    async def meter(self, samples: tuple[Sample, ...]) -> None:
        self.samples.append(samples)

    async def progress(self, went: Went) -> None:
        self.reach()
        self.said.append(went)

    async def completion(self, ended: Ended, actions: tuple[str, ...]) -> None:
        self.reach()
        assert actions == ("dvfs",)
        self.said.append(ended)

    @property
    def it_kwh(self) -> list[Decimal]:
        return [gpus.energy_kwh for gpus, _ in self.samples]


SCRIPT = ((RUN_START, QUIET), (PUBLISHED, ASKED), (PUBLISHED + timedelta(seconds=2), AGREED))


@cache
def reference() -> RunResult:
    return simulate(SCRIPT, RunOptions(span=RUN))


def program(clock: Clock, folder: Path | None = None) -> SiteProgram:
    options = ProgramOptions(site="phx-1", run=RunOptions(span=RUN))
    return SiteProgram(
        options=options,
        clock=clock,
        journal=Journal(folder / "journal" if folder else None, options.name),
        trace=Trace(folder / "trace" if folder else None, options.run.mix),
    )


async def finished(site: SiteProgram, link: FakeLink) -> Summary:
    with site.clock.held():
        return await site.run(link)


async def played(
    *script: tuple[datetime, EffectivePlan],
    away: Span | None = None,
    refuses: bool = False,
) -> tuple[Summary, FakeLink]:
    clock = VirtualClock(RUN_START)
    link = FakeLink(clock, script, away, refuses)
    return await finished(program(clock), link), link


async def test_a_day_is_metered_minute_by_minute_at_both_meters() -> None:
    summary, link = await played(*SCRIPT)

    assert summary.minutes == len(link.samples) == 400
    assert (summary.untold, summary.refused, summary.leases_lost) == (0, 0, 0)
    assert link.it_kwh == [minute.it_kwh for minute in reference().minutes]
    assert summary.account == reference().account
    for (gpus, connection), minute in zip(link.samples, reference().minutes, strict=True):
        assert (gpus.meter, gpus.source, connection.meter, connection.source) == (
            "it_load",
            "gpu",
            "poc",
            "sub_meter",
        )
        assert gpus.start == connection.start == minute.start
        assert gpus.duration == connection.duration == MINUTE
        assert connection.energy_kwh == minute.poc_kwh


async def test_two_plays_send_the_same_messages_at_the_same_instants() -> None:
    first, second = [(await played(*SCRIPT))[1] for _ in range(2)]

    assert first.answers == second.answers
    assert first.said == second.said
    assert first.samples == second.samples


async def test_a_feasible_question_is_answered_at_once_with_the_cap() -> None:
    _, link = await played(*SCRIPT)

    assert link.answers == [(PUBLISHED, "in", LIMIT_KW, ("dvfs",))]


async def test_a_cap_that_tiers_do_not_allow_is_declined_as_infeasible() -> None:
    question = QUESTION.model_copy(update={"asked_kw": Decimal(30)})
    deep = plan(staircase(limit_kw=Decimal(30)), revision=2, questions=(question,))

    _, link = await played((PUBLISHED, deep))

    ((at, reason, detail),) = link.answers
    assert (at, reason) == (PUBLISHED, "infeasible")
    assert "kW is the least" in str(detail)


async def test_more_load_than_the_site_can_draw_is_declined() -> None:
    more = [
        each.model_copy(update={"import_max_kw": None, "import_min_kw": Decimal(100)})
        for each in staircase()
    ]

    _, link = await played((PUBLISHED, plan(tuple(more), questions=(QUESTION,))))

    assert link.answers[0][1] == "infeasible"


async def test_progress_follows_the_phases_and_completion_closes() -> None:
    _, link = await played(*SCRIPT)

    went = [each for each in link.said if isinstance(each, Went)]
    assert [each.state for each in went] == ["ramping_in", "holding", "recovering"]
    assert [each.at for each in went] == [
        EVENT.start - 14 * MINUTE,
        EVENT.start + MINUTE,
        EVENT.end + MINUTE,
    ]
    (ended,) = [each for each in link.said if isinstance(each, Ended)]
    held = [reference().minutes[number].it_kwh for number in HOLD]
    assert ended.delivered_kwh == sum(held)
    assert ended.recovered_at == EVENT.end + 2 * MINUTE
    assert link.said[-1] is ended
    for name, lost in ended.lost_work.items():
        assert lost == pytest.approx(1 - reference().account.throughput[name], abs=Decimal("5e-5"))


async def test_a_breach_is_reported_within_its_minute() -> None:
    late = EVENT.start + 10 * MINUTE

    _, link = await played((late, plan(staircase())))

    states = [(each.state, each.at) for each in link.said if isinstance(each, Went)]
    assert states[:2] == [("breached", late + MINUTE), ("holding", late + 3 * MINUTE)]


async def test_an_event_that_outlasts_the_run_is_closed_without_recovery() -> None:
    _, link = await played((PUBLISHED, plan(staircase(event=Span(start=EVENT.start, end=RUN.end)))))

    ended = link.said[-1]
    assert isinstance(ended, Ended)
    assert ended.recovered_at is None


async def test_a_gateway_that_is_away_is_told_everything_later() -> None:
    away = Span(start=PUBLISHED, end=EVENT.start + 30 * MINUTE)

    summary, link = await played((PUBLISHED, ASKED), away=away)

    assert [answer[1] for answer in link.answers] == ["in"]
    assert link.said == (await played(*SCRIPT))[1].said
    assert (summary.untold, summary.refused) == (0, 0)


async def test_a_gateway_that_never_comes_back_is_waited_for_no_longer_than_agreed() -> None:
    clock = VirtualClock(RUN_START)
    link = FakeLink(clock, SCRIPT, away=Span(start=EVENT.end, end=RUN.end + timedelta(days=9)))

    summary = await finished(program(clock), link)

    assert clock.now() - RUN.end == timedelta(hours=1)
    # That it recovers, and that it is over.
    assert (summary.minutes, summary.untold) == (400, 2)


async def test_samples_that_the_gateway_does_not_have_are_waited_for() -> None:
    clock = VirtualClock(RUN_START)
    link = FakeLink(clock, SCRIPT, waiting=3)

    summary = await finished(program(clock), link)

    assert clock.now() - RUN.end == timedelta(hours=1)
    assert summary.untold == 3


async def test_what_the_gateway_refuses_is_not_sent_again() -> None:
    summary, link = await played(*SCRIPT, refuses=True)

    assert (link.answers, link.said) == ([], [])
    # One commitment, three times progress, one completion.
    assert summary.refused == 5


async def test_the_plans_that_were_followed_can_be_simulated_again() -> None:
    clock = VirtualClock(RUN_START)
    site = program(clock)

    await finished(site, FakeLink(clock, SCRIPT))

    assert simulate(site.journal.plans, RunOptions(span=RUN)) == reference()
    paused = simulate(site.journal.plans, RunOptions(span=RUN, policy="pause_greedy"))
    assert paused.account.weighted_throughput < reference().account.weighted_throughput


async def test_a_lost_lease_changes_nothing_but_the_count() -> None:
    clock = VirtualClock(RUN_START)
    link = FakeLink(clock, SCRIPT)
    site = program(clock)
    site.lease_lost()

    summary = await finished(site, link)

    assert summary.leases_lost == 1
    assert summary.account == reference().account


async def killed_at(clock: VirtualClock, site: SiteProgram, link: FakeLink, at: datetime) -> None:
    """Let a program run and cut it off without a goodbye."""
    task = asyncio.create_task(finished(site, link))
    with clock.held():
        await clock.sleep_until(at)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("killed", "down"),
    [
        (40, timedelta(minutes=7)),
        (97, timedelta(seconds=1)),
        (150, timedelta(minutes=7)),
        (291, timedelta(seconds=1)),
    ],
)
async def test_a_program_killed_and_started_again_reports_the_same_run(
    tmp_path: Path, killed: int, down: timedelta
) -> None:
    clock = VirtualClock(RUN_START)
    at = RUN_START + killed * MINUTE + timedelta(seconds=23)
    first = FakeLink(clock, SCRIPT)
    await killed_at(clock, program(clock, tmp_path), first, at)
    journal = (tmp_path / "journal").read_bytes()
    (tmp_path / "journal").write_bytes(journal + b'{"at": "2025-05-03T2')
    trace = (tmp_path / "trace").read_bytes()
    (tmp_path / "trace").write_bytes(trace[:-10])
    with clock.held():
        await clock.sleep_until(at + down)
    newest = [document for sent, document in SCRIPT if sent <= clock.now()][-1]
    later = [entry for entry in SCRIPT if entry[0] > clock.now()]
    second = FakeLink(clock, ((clock.now(), newest), *later), samples=list(first.samples))

    summary = await finished(program(clock, tmp_path), second)

    assert second.it_kwh == [minute.it_kwh for minute in reference().minutes]
    assert summary.account == reference().account
    assert first.said + second.said == (await played(*SCRIPT))[1].said
    lines = (tmp_path / "trace").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(400))


async def test_the_trace_tells_each_minute(tmp_path: Path) -> None:
    clock = VirtualClock(RUN_START)

    await finished(program(clock, tmp_path), FakeLink(clock, SCRIPT))

    lines = [json.loads(line) for line in (tmp_path / "trace").read_text().splitlines()]
    hold = lines[200]
    minute = reference().minutes[200]
    assert hold == {
        "minute": "2025-05-04T01:00:00Z",
        "number": 200,
        "it_kw": float(minute.it_kw),
        "poc_kw": float(minute.poc_kw),
        "target_kw": 71.13,
        "phase": "hold",
        "throughput": cast("dict[str, float]", hold["throughput"]),
        "cap_w": dict(zip(hold["throughput"], minute.settings, strict=True)),
    }
    assert lines[0]["target_kw"] is None


async def test_a_journal_with_garbage_is_read_as_far_as_it_makes_sense(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, "day")
    journal.adopted(AGREED, PUBLISHED)
    with path.open("ab") as file:
        file.write(
            b'\xff\n[1]\n{"at": "never", "plan": {}}\n{"at": "2025-05-03T21:40:00Z", "plan": {}}\nnull\n{"re'
        )
    journal.has_metered(7)
    journal.has_said(5)

    again = Journal(path, "day")

    assert again.plans == [(PUBLISHED, AGREED)]
    assert (again.metered, again.said) == (7, 5)


async def test_the_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", "day")

    with pytest.raises(ConfigError, match="another run"):
        Journal(tmp_path / "journal", "night")


async def test_a_program_started_late_meters_what_it_missed() -> None:
    clock = VirtualClock(RUN_START + 30 * MINUTE)
    link = FakeLink(clock, ((RUN_START + 30 * MINUTE, QUIET), *SCRIPT[1:]))

    await finished(program(clock), link)

    assert link.it_kwh == [minute.it_kwh for minute in reference().minutes]
