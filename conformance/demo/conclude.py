"""After the run: the evidence is exported and verified, the second policy computed, the outcome judged."""

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from conformance.demo.figures import misses, power_figures
from conformance.demo.harvest import Harvest
from conformance.demo.outcome import Happening, Outcome, present_kw
from conformance.demo.scenario import Scenario
from conformance.site.minutes import Account, RunOptions
from conformance.site.offline import PlanHistory, simulate
from gateway.pipeline.methods import METHODS
from gateway.settlement.archive import from_zip, to_zip
from gateway.settlement.finding import Outcome as Verified
from gateway.settlement.verify import Verdict, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a finished run hands over."""

    scenario: Scenario
    harvest: Harvest
    history: PlanHistory
    """Plans as the site got them."""
    seed: int
    peer: str
    intake_ms: float
    bundle: dict[str, bytes]
    story: Iterable[Happening] = ()
    """What the other parties saw."""


def conclude(ran: Ran, folder: Path) -> Outcome:
    """Write the evidence, verify it, and judge the run.

    Args:
        ran: The finished run.
        folder: Where evidence goes.
    """
    bundle = folder / "evidence.zip"
    bundle.write_bytes(to_zip(ran.bundle))
    verdict = verify(from_zip(bundle.read_bytes()), METHODS)
    span, seed = ran.scenario.run, ran.seed
    played = simulate(ran.history, RunOptions(span=span, seed=seed)).account
    paused = simulate(ran.history, RunOptions(span=span, seed=seed, policy="pause_greedy")).account
    outcome = _outcome(ran, played, paused, verdict, bundle)
    missed = misses(
        ran.scenario,
        outcome.power,
        outcome.throughput,
        outcome.throughput_pause_greedy,
        floors_met=outcome.floors_met,
        verified=outcome.evidence_verified,
    )
    return replace(outcome, misses=missed)


def _outcome(ran: Ran, played: Account, paused: Account, verdict: Verdict, bundle: Path) -> Outcome:
    harvest, statement = ran.harvest, ran.harvest.statement
    limit_kw = statement.limit_kw or Decimal(0)
    before = statement.pre_event_kw or present_kw(harvest.it_load, ran.scenario) or Decimal(0)
    return Outcome(
        scenario=ran.scenario,
        peer=ran.peer,
        event_id=statement.event_id,
        intent=harvest.record.intent,
        opt=harvest.record.opt.value if harvest.record.opt else "none",
        intake_ms=ran.intake_ms,
        it_load=harvest.it_load,
        poc=harvest.poc,
        caps=[(ran.scenario.run.start, None), *harvest.caps],
        phases=harvest.phases,
        power=power_figures(ran.scenario, harvest.it_load, limit_kw, before),
        throughput=played.weighted_throughput,
        throughput_pause_greedy=paused.weighted_throughput,
        floors_met=all(played.floors_met.values()),
        statement=statement,
        evidence_root=verdict.root,
        evidence_verified=verdict.outcome is Verified.VERIFIED,
        verify_command=f"{_program()} evidence verify {shlex.quote(str(bundle))}",
        story=sorted([*harvest.story, *ran.story], key=lambda one: one.at),
        misses=(),
    )


def _program() -> str:
    """Return the command that runs the gateway's program, as it can be typed here."""
    beside = Path(sys.executable).with_name("gridgate")
    return shlex.quote(str(beside)) if beside.exists() else "gridgate"
