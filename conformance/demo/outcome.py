"""What a demonstration ends with: everything that the report shows and that ``--json`` prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from conformance.demo.figures import PowerFigures, Series
from conformance.demo.scenario import CONTRACT_METER, Scenario
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import Span, floor_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened, for the story."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One finished run."""

    scenario: Scenario
    peer: str
    event_id: str
    intent: ComputeFlexIntent
    opt: str
    intake_ms: float
    it_load: Series
    poc: Series
    caps: Sequence[tuple[datetime, Decimal | None]]
    """Cap of the plan from each instant on."""
    phases: Sequence[tuple[datetime, str]]
    """State of the intent from each instant on."""
    power: PowerFigures
    throughput: Decimal
    throughput_pause_greedy: Decimal
    floors_met: bool
    statement: SettlementStatement
    evidence_root: str
    evidence_verified: bool
    verify_command: str
    story: Sequence[Happening]
    misses: Sequence[str]

    @property
    def pre_event_kw(self) -> Decimal:
        """Mean import before the event: as frozen in the intent, or over the hour before it was published."""
        resolution = self.intent.ask.resolution if self.intent.ask else None
        frozen = resolution.pre_event_kw if resolution else None
        return frozen or present_kw(self.it_load, self.scenario) or Decimal(0)

    @property
    def share(self) -> Decimal:
        """The cap as a share of the import before the event."""
        return self.limit_kw / self.pre_event_kw if self.pre_event_kw else Decimal(0)

    @property
    def limit_kw(self) -> Decimal:
        """The cap as frozen in the intent."""
        cap = self.intent.ask.segments[0].resolved_import_max_kw if self.intent.ask else None
        return cap or Decimal(0)

    def document(self) -> dict[str, object]:
        """Return the figures as JSON numbers by their published names."""
        totals, power = self.statement.totals, self.power
        before = [kw for at, kw in self.poc.items() if self._before(at)]
        hold = [kw for at, kw in self.poc.items() if self.scenario.hold.contains(at)]
        return {
            "protocol": self.intent.provenance.protocol.value,
            "peer": self.peer,
            "event_id": self.event_id,
            "intent_id": self.intent.id,
            "opt": self.opt,
            "intake_ms": round(self.intake_ms, 3),
            "measurement_point": CONTRACT_METER,
            "pre_event_kw": _number(self.pre_event_kw),
            "limit_kw": _number(self.limit_kw),
            "hold_minutes": power.hold_minutes,
            "samples_met": power.samples_met,
            "samples": power.samples,
            "met_fraction": power.samples_met / power.samples,
            "missing_samples": len(power.missing),
            "max_kw_in_hold": _number(power.max_kw_in_hold),
            "mean_margin": _number(power.mean_margin),
            "ramp_minutes": power.ramp_minutes,
            "recovery_minutes": power.recovery_minutes,
            "largest_step_down_kw": _number(power.step_down_kw),
            "largest_step_up_kw": _number(power.step_up_kw),
            "overshoot": _number(power.overshoot),
            "weighted_throughput": _number(self.throughput),
            "weighted_throughput_pause_greedy": _number(self.throughput_pause_greedy),
            "tier_floors_met": self.floors_met,
            "poc_pre_event_kw": _number(sum(before, Decimal(0)) / len(before) if before else None),
            "poc_max_kw_in_hold": _number(max(hold, default=None)),
            "baseline_method": self.statement.baseline_method,
            "baseline_kwh": _number(totals.baseline_kwh),
            "metered_kwh": _number(totals.metered_kwh),
            "reduction_kwh": _number(totals.reduction_kwh),
            "performance": _number(self.statement.performance),
            "payment": _number(totals.payment),
            "currency": self.statement.currency,
            "evidence_root": self.evidence_root,
            "evidence_verified": self.evidence_verified,
            "simulated": self.statement.simulated,
            "misses": list(self.misses),
        }

    def _before(self, at: datetime) -> bool:
        resolution = self.intent.ask.resolution if self.intent.ask else None
        if resolution is None:
            return _present(self.scenario).contains(at)
        return resolution.window_start <= at < resolution.window_end


def present_kw(series: Series, scenario: Scenario) -> Decimal | None:
    """Return the mean of the hour before the event was published; None: nothing was metered in it."""
    before = [kw for at, kw in series.items() if _present(scenario).contains(at)]
    return sum(before, Decimal(0)) / len(before) if before else None


def _present(scenario: Scenario) -> Span:
    end = floor_to(scenario.published_at, timedelta(minutes=1))
    return Span(start=end - timedelta(hours=1), end=end)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)
