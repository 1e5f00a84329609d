"""What is sent to an endpoint: the bytes of the stream, or, where they are too many, a link to them.

Spec: CloudEvents 1.0, HTTP binding, structured mode; extension dataref. Standard Webhooks 1.0, payload size.
"""

from datetime import datetime
from typing import Any, Final

import orjson

from gateway.domain.canonical import canonical
from gateway.domain.errors import WireError
from gateway.domain.timespan import duration, instant, instant_text
from gateway.pipeline.records import OutboxItem

MEDIA_TYPE: Final = "application/cloudevents+json"
THIN_ABOVE: Final = 20_000
"""Bytes; a larger document goes as its envelope with a link."""
TEST_TYPE: Final = "org.compute-flex.webhook-test.v1"


def webhook_id(item: OutboxItem) -> str:
    """Return the id that all attempts share: of the CloudEvent, without dots, which delimit what is signed."""
    name = f"plan-{item.subject}" if item.kind == "plan" else item.subject
    return f"{name}_{item.revision}".replace(".", "-")


def body_of(item: OutboxItem) -> bytes:
    """Return the bytes to send."""
    if len(item.body) < THIN_ABOVE:
        return item.body
    event: dict[str, object] = orjson.loads(item.body)
    del event["data"]
    return canonical({**event, "dataref": _link(item)})


def _link(item: OutboxItem) -> str:
    return f"/v1/sites/{item.site}/plan" if item.kind == "plan" else f"/v1/intents/{item.subject}"


def last_instant(item: OutboxItem) -> datetime | None:
    """Return when a document is of no use any more: ``deliver_by`` or the end of what it asks, the earlier one."""
    ends = [at for at in (item.deliver_by, _end(item)) if at is not None]
    return min(ends, default=None)


def _end(item: OutboxItem) -> datetime | None:
    """Return the end of an intent's active period; None while it is open, and for everything else."""
    if item.kind != "intent":
        return None
    try:
        timing: dict[str, Any] = orjson.loads(item.body)["data"]["timing"]
        length = timing["duration"]
        return None if length is None else instant(timing["start"]) + duration(length)
    except (KeyError, TypeError, ValueError, WireError):
        return None  # no document of ours; its ``deliver_by`` counts


def test_event(*, source: str, site: str, event_id: str, challenge: str, at: datetime) -> bytes:
    """Write the event that an endpoint answers with its challenge, to say that it wants deliveries."""
    return canonical(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": TEST_TYPE,
            "subject": site,
            "time": instant_text(at),
            "datacontenttype": "application/json",
            "data": {"challenge": challenge},
        }
    )


def meets(challenge: str, answer: bytes) -> bool:
    """Say whether an answer holds the challenge: as plain text, or as JSON under the same name."""
    if answer.strip() == challenge.encode():
        return True
    try:
        found = orjson.loads(answer)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("challenge") == challenge
