"""Published documents in their envelope: signed, then wrapped as CloudEvents 1.0, ready for every channel.

The bytes made here are stored in the outbox and sent unchanged on every channel, at every repetition.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from gateway.domain.canonical import canonical
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.plan import EffectivePlan
from gateway.domain.signed import signed_part
from gateway.domain.timespan import instant_text

INTENT_TYPE: Final = "org.compute-flex.intent.v1"
PLAN_TYPE: Final = "org.compute-flex.plan.v1"
RESET_TYPE: Final = "org.compute-flex.reset.v1"
SEQUENCE_DIGITS: Final = 20
"""The sequence extension orders as a string, so it is zero-padded."""

Sign = Callable[[bytes], str]
"""Detached signature over canonical bytes (``Signer.detached``)."""


def intent_event(
    intent: ComputeFlexIntent, *, source: str, sign: Sign, traceparent: str | None = None
) -> tuple[ComputeFlexIntent, bytes]:
    """Sign an intent and wrap it.

    Args:
        intent: With its final ``revision`` and ``sequence``; an earlier signature is replaced.
        source: URI reference of this gateway.
        sign: Called once, with the canonical bytes of the intent whose ``signature`` is empty.
        traceparent: W3C trace context of the utility's message, when there is one.

    Returns:
        The signed intent, and the CloudEvent in structured JSON, canonical bytes.

    Spec: CloudEvents 1.0, JSON format, extensions sequence and expirytime.
    """
    document = document_of(intent)
    signature = sign(signed_part(document))
    signed = intent.model_copy(update={"signature": signature})
    document["signature"] = signature
    event = _cloud_event(
        kind=INTENT_TYPE,
        event_id=f"{intent.id}_{intent.revision}",
        source=source,
        subject=intent.id,
        time=intent.issued_at,
        sequence=intent.sequence,
    )
    if intent.deliver_by is not None:
        event["expirytime"] = instant_text(intent.deliver_by)
    if traceparent is not None:
        event["traceparent"] = traceparent
    return signed, canonical({**event, "data": document})


def plan_event(
    plan: EffectivePlan, *, source: str, sequence: int, sign: Sign
) -> tuple[EffectivePlan, bytes]:
    """Sign a plan and wrap it.

    Args:
        plan: With its final ``revision``; an earlier signature is replaced.
        source: URI reference of this gateway.
        sequence: Place in the site's stream.
        sign: As for an intent.

    Returns:
        The signed plan, and the CloudEvent in structured JSON, canonical bytes.
    """
    document = document_of(plan)
    signature = sign(signed_part(document))
    signed = plan.model_copy(update={"signature": signature})
    document["signature"] = signature
    event = _cloud_event(
        kind=PLAN_TYPE,
        event_id=f"plan-{plan.site}_{plan.revision}",
        source=source,
        subject=plan.site,
        time=plan.made_at,
        sequence=sequence,
    )
    return signed, canonical({**event, "data": document})


def reset_event(
    plan: EffectivePlan | None,
    intents: Sequence[Mapping[str, object]],
    *,
    source: str,
    site: str,
    sequence: int,
    at: datetime,
) -> bytes:
    """Wrap all that holds for a site, for a reader whose cursor is of no use any more.

    Args:
        plan: The newest one, signed; None before the first.
        intents: Open ones as documents, signed.
        source: URI reference of this gateway.
        site: Whose stream it is.
        sequence: Where the stream goes on after this.
        at: Now.
    """
    event = _cloud_event(
        kind=RESET_TYPE,
        event_id=f"reset-{site}_{sequence}",
        source=source,
        subject=site,
        time=at,
        sequence=sequence,
    )
    data = {"plan": document_of(plan) if plan else None, "intents": list(intents)}
    return canonical({**event, "data": data})


def document_of(published: ComputeFlexIntent | EffectivePlan) -> dict[str, object]:
    """Return a published document as JSON values, by its published names."""
    return published.model_dump(mode="json", by_alias=True)


def _cloud_event(
    *, kind: str, event_id: str, source: str, subject: str, time: datetime, sequence: int
) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": kind,
        "subject": subject,
        "time": instant_text(time),
        "datacontenttype": "application/json",
        "sequence": f"{sequence:0{SEQUENCE_DIGITS}d}",
    }
