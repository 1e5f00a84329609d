"""The newest plan as a scheduler sees it, and the loop over plans."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from gateway.client.answering import Answering, promised
from gateway.client.problem import Refused
from gateway.domain.answers import Commitment, CommittedStep, Rejection, RejectionReason
from gateway.domain.doorbell import Doorbell
from gateway.domain.participation import Opt
from gateway.domain.plan import EffectivePlan, OpenQuestion, PlanSegment
from gateway.domain.ports import Clock

_OVERTAKEN: Final = frozenset({"STALE_REVISION", "TOO_LATE"})
"""A newer plan is on its way, or the default has gone out: nothing that a scheduler's loop should end for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of the answer to one open question."""

    intent_id: str
    taken: bool
    reason: str = ""
    """Why not: ``STALE_REVISION`` or ``TOO_LATE``."""


class PlanDesk(Protocol):
    """What a plan needs of the site that it belongs to."""

    clock: Clock
    answering: Answering

    @property
    def newest_plan(self) -> EffectivePlan | None:
        """Return the newest plan received."""
        ...


class Plan:
    """A plan at the step that holds now.

    Args:
        document: As published.
        desk: Sends its answers.
    """

    def __init__(self, document: EffectivePlan, desk: PlanDesk) -> None:
        self.document = document
        self._desk = desk
        self._step = self._segment_now()

    @property
    def revision(self) -> int:
        """Return the plan's revision."""
        return self.document.revision

    @property
    def step(self) -> PlanSegment:
        """Return the step that held when this was handed out."""
        return self._step

    @property
    def newest(self) -> bool:
        """Say whether this is still what holds; when not, the loop over plans has the next one ready."""
        return self._desk.newest_plan is self.document and self._segment_now() is self._step

    @property
    def import_max_kw_now(self) -> Decimal:
        """Return what may be drawn now at the measurement point, kW: the cap, or the contract where there is none."""
        return self._cap(self._segment_now())

    @property
    def import_max_kw_lowest(self) -> Decimal:
        """Return the lowest cap from now on, kW: what has to be reachable to say yes to everything."""
        now = self._desk.clock.now()
        ahead = [s for s in self.document.segments if s.end is None or s.end > now]
        return min((self._cap(each) for each in ahead), default=self.document.contracted_import_kw)

    async def commit(
        self,
        kw: Decimal | float | None = None,
        *,
        lowest_kw: Decimal | float | None = None,
        actions: tuple[str, ...] = (),
    ) -> tuple[Answered, ...]:
        """Answer every open question of this plan.

        Args:
            kw: What the site has come down to for this step, kW. At or below what may be drawn now it follows the
                plan: in. Above: in part, and no better later on.
            lowest_kw: The least that the site can hold while the plan lasts, kW; above what is asked: in part.
            actions: Labels of how, e.g. ``dvfs``.

        Returns:
            One result per question; a question that was overtaken meanwhile is no error.

        Raises:
            Refused: by the gateway, or ``UNREACHABLE``.
        """
        floors = [] if lowest_kw is None else [promised(lowest_kw)]
        if kw is not None and promised(kw) > self.import_max_kw_now:
            floors.append(promised(kw))
        floor = max(floors, default=None)
        return await self._answer(
            lambda question: ("commitment", self._commitment(question, floor, actions))
        )

    async def decline(
        self, reason: RejectionReason = "infeasible", detail: str = ""
    ) -> tuple[Answered, ...]:
        """Refuse every open question of this plan; returns and raises as ``commit``."""
        return await self._answer(
            lambda question: (
                "rejection",
                Rejection(revision=question.revision, reason=reason, detail=detail),
            )
        )

    async def _answer(
        self, make: Callable[[OpenQuestion], tuple[str, Commitment | Rejection]]
    ) -> tuple[Answered, ...]:
        found: list[Answered] = []
        for question in self.document.open_questions:
            kind, answer = make(question)
            reason = ""
            try:
                await self._desk.answering.post(question.intent_id, kind, answer)
            except Refused as refused:
                if refused.problem.reason not in _OVERTAKEN:
                    raise
                reason = refused.problem.reason
            found.append(Answered(intent_id=question.intent_id, taken=not reason, reason=reason))
        return tuple(found)

    def _commitment(
        self, question: OpenQuestion, floor: Decimal | None, actions: tuple[str, ...]
    ) -> Commitment:
        asked = question.asked_kw
        within = floor is None or asked is None or floor <= asked
        return Commitment(
            revision=question.revision,
            opt=Opt.IN if within else Opt.PARTIAL,
            reason="committed" if within else "partial",
            steps=tuple(
                _step(segment, segment.import_max_kw, floor)
                for segment in self.document.segments
                if question.intent_id in segment.because and segment.import_max_kw is not None
            ),
            actions=actions,
        )

    def _segment_now(self) -> PlanSegment:
        # A clock behind the gateway's may stand before the first step: that step is the nearest truth.
        return self.document.segment_at(self._desk.clock.now()) or self.document.segments[0]

    def _cap(self, segment: PlanSegment) -> Decimal:
        contract = self.document.contracted_import_kw
        return contract if segment.import_max_kw is None else min(segment.import_max_kw, contract)


def _step(segment: PlanSegment, cap_kw: Decimal, floor: Decimal | None) -> CommittedStep:
    return CommittedStep(
        start=segment.start,
        duration=None if segment.end is None else segment.end - segment.start,
        kw=cap_kw if floor is None else max(cap_kw, floor),
    )


class PlanFeed(Protocol):
    """What the loop over plans needs of its site."""

    clock: Clock

    @property
    def bell(self) -> Doorbell:
        """Rings when something arrived."""
        ...

    @property
    def newest_plan(self) -> EffectivePlan | None:
        """Return the newest plan received."""
        ...

    def plan(self, document: EffectivePlan) -> Plan:
        """Wrap a document."""
        ...

    def took_plan(self, revision: int) -> None:
        """Note that the consumer is done with a revision."""
        ...

    def raise_failure(self) -> None:
        """Raise what ended the site's background work, if anything did."""
        ...


class Plans:
    """Async iterator over what holds: each new plan, and each new step of the newest one. Never a stale plan.

    Args:
        site: Whose plans.
        at_steps: False: only new plans.
    """

    def __init__(self, site: PlanFeed, *, at_steps: bool) -> None:
        self._site = site
        self._at_steps = at_steps
        self._given: Plan | None = None

    def __aiter__(self) -> "Plans":
        return self

    async def __anext__(self) -> Plan:
        """Wait for the next plan or step.

        Raises:
            Refused: the gateway does not let this site in.
        """
        if self._given is not None:
            self._site.took_plan(self._given.revision)
        while True:
            seen = self._site.bell.rings
            self._site.raise_failure()
            document = self._site.newest_plan
            if document is not None:
                plan = self._site.plan(document)
                if self._is_new(plan):
                    self._given = plan
                    return plan
            await self._site.bell.wait(seen, self._next_step(document))

    def _is_new(self, plan: Plan) -> bool:
        if self._given is None or plan.document is not self._given.document:
            return True
        return self._at_steps and plan.step is not self._given.step

    def _next_step(self, document: EffectivePlan | None) -> datetime | None:
        if document is None or not self._at_steps:
            return None
        now = self._site.clock.now()
        return next((each.start for each in document.segments if each.start > now), None)
