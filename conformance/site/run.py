"""One run of the site: plans go in at known instants, one-minute samples come out.

Everything follows from the mix, the seed, the policy and the instants at which plans were adopted: the same history
gives the same samples in whatever pieces the run is advanced. Between plans the nodes follow the last one by
themselves, as if each held its schedule; a program that was killed and started again therefore computes what happened
meanwhile instead of asking.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Final

from conformance.site.control import (
    GRID_S,
    binding,
    job_states,
    need_at,
    site_ramps,
)
from conformance.site.jobs import (
    FULL,
    Settings,
    host_mw,
    kw,
    total_mw,
    uncapped,
    weight,
)
from conformance.site.minutes import ENERGY_PLACES, MINUTE_S, Account, Minute, RunOptions
from conformance.site.outlook import Outlook, outlook
from conformance.site.plant import LATENCY_S, MWS_PER_KWH, Plant
from conformance.site.policies import POLICIES
from conformance.site.policies.policy import Need
from gateway.domain.plan import EffectivePlan, Phase
from gateway.domain.rounding import half_even

_RATE_PLACES: Final = 6
_UNBOUND: Final = 10**18


@dataclass(slots=True)
class Run:
    """A run under way.

    Args:
        options: What it consists of.
    """

    options: RunOptions
    position: int = 0
    """Seconds that have passed."""
    _plant: Plant = field(init=False)
    _plans: list[tuple[int, EffectivePlan, Outlook]] = field(init=False, default_factory=list)
    _target_mw: int = field(init=False)
    _done: list[int] = field(init=False)
    _empty: Outlook = field(init=False)
    _question: tuple[Need, int, int] | None = field(init=False, default=None)
    _answer: Settings = field(init=False)

    def __post_init__(self) -> None:
        mix = self.options.mix
        self._plant = Plant(mix, self.options.seed)
        self._target_mw = total_mw(mix, uncapped(mix))
        self._done = [0] * len(mix)
        self._answer = uncapped(mix)
        self._empty = Outlook(
            steps=(), contract_mw=_UNBOUND, down_mw_per_min=None, up_mw_per_min=None
        )

    @property
    def seconds(self) -> int:
        """Length of the whole run."""
        return self.options.span.duration // timedelta(seconds=1)

    @property
    def plan(self) -> EffectivePlan | None:
        """The plan adopted last."""
        return self._plans[-1][1] if self._plans else None

    def adopt(self, plan: EffectivePlan, at: datetime) -> datetime:
        """Follow a plan from the first grid instant that an order given at ``at`` still reaches.

        Returns:
            That instant; a repetition with it changes nothing.
        """
        reached = (at - self.options.span.start) / timedelta(seconds=1) + LATENCY_S
        second = max(ceil(reached / GRID_S) * GRID_S, self.position)
        if self._plans:
            # A clock that was set back must not let an older plan win.
            second = max(second, self._plans[-1][0])
        read = outlook(plan, self.options.mix, self.options.span.start)
        self._plans.append((second, plan, read))
        return self.instant(second)

    def instant(self, second: int) -> datetime:
        """Return the instant of a second of the run."""
        return self.options.span.start + timedelta(seconds=second)

    def minutes_until(self, at: datetime) -> Iterator[Minute]:
        """Advance minute by minute to the last full one before ``at`` (or the end) and yield each."""
        until = min((at - self.options.span.start) // timedelta(seconds=1), self.seconds)
        while self.position + MINUTE_S <= until:
            yield self._minute()

    def account(self) -> Account:
        """Return the jobs' averages over the time that has passed."""
        mix, passed = self.options.mix, max(1, self.position)
        means = [Fraction(done, passed * FULL) for done in self._done]
        weighted = sum(
            (weight(job, mix) * mean for job, mean in zip(mix, means, strict=True)), Fraction(0)
        )
        return Account(
            throughput={
                job.name: half_even(mean, _RATE_PLACES)
                for job, mean in zip(mix, means, strict=True)
            },
            floors_met={
                job.name: mean >= job.tier.floor for job, mean in zip(mix, means, strict=True)
            },
            weighted_throughput=half_even(weighted, _RATE_PLACES),
        )

    def reachable_kw(self, plan: EffectivePlan) -> Decimal:
        """Return the lowest GPU power that can be held through a plan's caps without breaking a tier's floor."""
        read = outlook(plan, self.options.mix, self.options.span.start)
        states = job_states(self.options.mix, tuple(self._done), self.position, self.seconds, read)
        nothing = Need(phase=Phase.HOLD, target_mw=0, deepest_mw=0)
        lowest = POLICIES[self.options.policy].choose(nothing, states)
        return kw(total_mw(self.options.mix, lowest))

    def _minute(self) -> Minute:
        first, last = self.position, self.position + MINUTE_S
        for at in range(first, last, GRID_S):
            self._control(at)
        drawn = self._plant.drawn(first, last)
        hosts = Fraction(host_mw(self.options.mix) * MINUTE_S, MWS_PER_KWH)
        plan = self._valid(last - GRID_S)
        step = plan.at(last - GRID_S)
        caps = [each.cap_mw for each in plan.within(first, last) if each.cap_mw is not None]
        self._done = [
            done + more for done, more in zip(self._done, drawn.part_seconds, strict=True)
        ]
        self.position = last
        return Minute(
            number=first // MINUTE_S,
            start=self.instant(first),
            it_kwh=half_even(drawn.it_kwh, ENERGY_PLACES),
            poc_kwh=half_even(drawn.it_kwh + hosts, ENERGY_PLACES),
            phase=Phase.NORMAL if step is None else step.phase,
            target_kw=kw(min(caps)) if caps else None,
            because=() if step is None else step.because,
            settings=self._plant.settings_at(last - 1),
            throughput=tuple(
                half_even(Fraction(each, MINUTE_S * FULL), _RATE_PLACES)
                for each in drawn.part_seconds
            ),
        )

    def _control(self, at: int) -> None:
        options, plan = self.options, self._valid(at)
        ramps = None
        if POLICIES[options.policy].follows_ramps:
            ramps = binding(plan, options.ramps or site_ramps(options.mix))
        need = need_at(at, self._target_mw, plan, ramps, options.mix)
        settings = self._chosen(need, plan)
        self._plant.order(settings, at - LATENCY_S)
        # Where tiers keep the load above the target, a release starts from what is really drawn.
        self._target_mw = max(need.target_mw, total_mw(options.mix, settings))

    def _chosen(self, need: Need, plan: Outlook) -> Settings:
        # Policies are pure and budgets move once a minute, so most grid instants ask what was just answered.
        question = (need, self.position, id(plan))
        if question != self._question:
            done = tuple(self._done)
            states = job_states(self.options.mix, done, self.position, self.seconds, plan)
            self._answer = POLICIES[self.options.policy].choose(need, states)
            self._question = question
        return self._answer

    def _valid(self, at: int) -> Outlook:
        return next((read for since, _, read in reversed(self._plans) if since <= at), self._empty)
