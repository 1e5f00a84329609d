"""One example per document of the interface; a test holds each against its schema."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from gateway.domain.answers import (
    Ack,
    Commitment,
    CommittedStep,
    Completion,
    Heartbeat,
    Progress,
    Rejection,
    Sample,
    TelemetryBatch,
)
from gateway.domain.intent import FailSafe
from gateway.domain.participation import Opt
from gateway.domain.plan import EffectivePlan, OpenQuestion, Phase, PlanSegment
from gateway.southbound.documents import Health, LeaseDocument, Stored
from gateway.southbound.webhook.documents import (
    AttemptDocument,
    AttemptPage,
    Queued,
    Resend,
    WebhookDocument,
    WebhookList,
    WebhookTest,
    WebhookTested,
)

_INTENT: Final = "6f3a1f0e-5d3c-5b0e-9a53-3d0f4f1c7a11"
_MADE: Final = datetime(2025, 5, 3, 23, 0, tzinfo=UTC)
_START: Final = _MADE + timedelta(minutes=30)
_END: Final = _START + timedelta(hours=3)

_PLAN: Final = EffectivePlan(
    site="phx-1",
    revision=7,
    made_at=_MADE,
    measurement_point="it_load",
    contracted_import_kw=Decimal(120),
    segments=(
        PlanSegment(start=_MADE, end=_START, phase=Phase.NORMAL, import_max_kw=None),
        PlanSegment(
            start=_START,
            end=_END,
            phase=Phase.HOLD,
            import_max_kw=Decimal("71.13"),
            because=(_INTENT,),
        ),
        PlanSegment(start=_END, end=None, phase=Phase.NORMAL, import_max_kw=None),
    ),
    open_questions=(
        OpenQuestion(
            intent_id=_INTENT,
            revision=1,
            opt_by=_MADE + timedelta(seconds=30),
            asked_kw=Decimal("71.13"),
        ),
    ),
    failsafe=FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60),
)
_WEBHOOK: Final = WebhookList(
    items=(
        WebhookDocument(
            name="scheduler",
            url="https://sched.phx.example/gridgate",
            standing="ready",
            proof="origin",
            cursor="4711",
            per_min=0,
            why="",
            changed_at=_MADE,
        ),
    )
)
_ATTEMPT: Final = AttemptPage(
    items=(
        AttemptDocument(
            number=91,
            sequence="4711",
            webhook_id=f"{_INTENT}_4294967297",
            at=_MADE,
            outcome="delivered",
            status=200,
            duration_ms=41,
            answer="",
            detail="",
        ),
    ),
    next=None,
)
_SHOWN: Final[tuple[BaseModel, ...]] = (
    _PLAN,
    Ack(
        revision=1,
        sequence=41,
        receiver="scheduler-a",
        received_at=_MADE,
        digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    Commitment(
        revision=1,
        opt=Opt.IN,
        steps=(CommittedStep(start=_START, duration=_END - _START, kw=Decimal("71.13")),),
        actions=("dvfs",),
    ),
    Rejection(revision=1, reason="maintenance", detail="chiller 2 is being replaced"),
    Progress(
        revision=1,
        state="holding",
        measured_kw=Decimal("70.4"),
        target_kw=Decimal("71.13"),
        at=_START + timedelta(minutes=5),
        jobs_capped=6,
    ),
    Completion(
        revision=1,
        delivered_kwh=Decimal("211.2"),
        recovered_at=_END + timedelta(minutes=9),
        lost_work={"flex_1": Decimal("0.04")},
    ),
    TelemetryBatch(
        batch_id="phx-1-000001",
        samples=(
            Sample(
                meter="it_load",
                start=_START,
                duration=timedelta(minutes=1),
                energy_kwh=Decimal("1.1732"),
            ),
        ),
    ),
    Heartbeat(at=_MADE, software="scheduler-a 1.4.2", plan_revision=7, known={_INTENT: 1}),
    Stored(),
    _WEBHOOK,
    _ATTEMPT,
    WebhookTest(),
    WebhookTested(reached=True, reason="HTTP_200", status=200, answer="7bQ…", detail=""),
    Resend(after=4711),
    Queued(queued=2),
    LeaseDocument(lease_s=60, plan_revision=7, server_time=_MADE),
    Health(status="ok", checks={"store": "ok"}),
)
EXAMPLES: Final[Mapping[type[BaseModel], dict[str, Any]]] = {
    type(shown): shown.model_dump(mode="json", by_alias=True) for shown in _SHOWN
}
"""Model -> example as JSON values."""
