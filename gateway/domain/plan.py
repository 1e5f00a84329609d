"""The effective plan of a site: overlapping intents made into one series that a scheduler can act on."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from gateway.domain.intent import FailSafe, Published, Revision
from gateway.domain.quantity import ExactNumber
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration, Instant


class Phase(StrEnum):
    """What a segment of a plan is for."""

    NORMAL = "normal"
    RAMP_IN = "ramp_in"
    HOLD = "hold"
    RECOVERY = "recovery"


class PlanSegment(Published):
    """One step, half-open ``[start, end)``; no end means until further notice."""

    start: Instant
    end: Instant | None
    phase: Phase
    import_max_kw: ExactNumber | None
    """Cap on net import at ``measurement_point``; null: no cap from any intent (the contract still holds)."""
    import_min_kw: ExactNumber | None = None
    target_kw: ExactNumber | None = None
    because: tuple[Name, ...] = ()
    """Intent ids that made this step."""


class OpenQuestion(Published):
    """An intent that still waits for the site's answer."""

    intent_id: Name
    revision: Revision
    opt_by: Instant
    asked_kw: ExactNumber | None
    """The resolved cap, null when there is none."""


class SiteEnvelope(Published):
    """What no utility may exceed at this site, as its operator declared it; null: no such limit."""

    lowest_import_kw: ExactNumber
    highest_import_kw: ExactNumber
    ramp_kw_per_min: ExactNumber | None = None
    events_per_hour: int | None = None
    events_per_day: int | None = None
    reversals_per_hour: int | None = None
    reversals_per_day: int | None = None
    min_hold: Duration | None = None
    longest_event: Duration | None = None
    re_arm: Duration | None = None


class EffectivePlan(Published):
    """What may I draw, until when, why, and what if the gateway goes silent."""

    schema_: Annotated[Literal["compute-flex-plan/1"], Field(alias="schema")] = (
        "compute-flex-plan/1"
    )
    site: Name
    revision: Revision
    made_at: Instant
    measurement_point: Name
    contracted_import_kw: ExactNumber
    segments: tuple[PlanSegment, ...]
    """Contiguous, in order; the last one is open."""
    open_questions: tuple[OpenQuestion, ...] = ()
    max_down_kw_per_min: ExactNumber | None = None
    max_up_kw_per_min: ExactNumber | None = None
    failsafe: FailSafe
    test: bool = False
    """True: at least one of the intents is a test."""
    envelope: SiteEnvelope | None = None
    """Enforced by the gateway; a site may refuse whatever leaves it."""
    notes: tuple[Text, ...] = ()
    """What was changed on the way from the asks to this plan, and why."""
    signature: Text = ""
    """As in the intent."""

    def segment_at(self, at: Instant) -> PlanSegment | None:
        """Return the step that holds at an instant, None before the first."""
        for segment in self.segments:
            if segment.start <= at and (segment.end is None or at < segment.end):
                return segment
        return None
