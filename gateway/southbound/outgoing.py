"""The part of the OpenAPI document about what the gateway sends by itself: webhooks."""

from typing import Any, Final

from pydantic import BaseModel

from gateway.southbound.documents import IntentEvent, PlanEvent
from gateway.southbound.webhook.documents import ThinEvent, WebhookTestEvent
from gateway.southbound.webhook.payload import MEDIA_TYPE

Document = dict[str, Any]
SENT: Final[tuple[type[BaseModel], ...]] = (IntentEvent, PlanEvent, ThinEvent, WebhookTestEvent)
_HEADERS: Final = (
    ("webhook-id", "Equal over all attempts: what was taken in under it is answered 2xx again."),
    ("webhook-timestamp", "Seconds since 1970 of this attempt; refuse what is 5 minutes away."),
    (
        "webhook-signature",
        "Signatures over id.timestamp.body, separated by spaces: v1 HMAC-SHA256, v1a Ed25519.",
    ),
    ("WebHook-Request-Origin", "What the gateway calls itself."),
    ("Gridgate-Fence", "The gateway's fencing number; repeat it in requests to the gateway."),
)
_ANSWERS: Final = {
    "2XX": "Taken in and stored. Answer so only then; it is no acknowledgement of the intent.",
    "410": "Gone: no more deliveries, once no intent of the site is live.",
    "429": "Too fast; Retry-After is honoured, up to the deadline.",
    "default": "Tried again after 1, 2, 5, 10 and 30 s, then every minute, until the deadline.",
}


def webhooks() -> Document:
    """Return the ``webhooks`` section."""
    events = _operation(
        "deliver",
        "One document of the site's stream, with the stream's own bytes.",
        (IntentEvent, PlanEvent, ThinEvent),
    )
    test = _operation(
        "deliver_test",
        "A test event; answer it with its challenge, as text or as JSON.",
        (WebhookTestEvent,),
    )
    question: Document = {
        "operationId": "ask_webhook",
        "summary": "Does the endpoint want deliveries from this origin?",
        "parameters": [
            _header("WebHook-Request-Origin", "What the gateway calls itself."),
            _header("WebHook-Request-Rate", "Deliveries a minute that it asks for."),
        ],
        "responses": {
            "2XX": {
                "description": "WebHook-Allowed-Origin holds the origin or *; WebHook-Allowed-Rate a limit.",
            },
            "default": {"description": "A test event follows instead."},
        },
    }
    return {"document": {"post": events, "options": question}, "test": {"post": test}}


def _operation(name: str, summary: str, models: tuple[type[BaseModel], ...]) -> Document:
    references = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_header(header, meaning) for header, meaning in _HEADERS],
        "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": schema}}},
        "responses": {status: {"description": meaning} for status, meaning in _ANSWERS.items()},
    }


def _header(name: str, meaning: str) -> Document:
    return {
        "name": name,
        "in": "header",
        "required": name != "Gridgate-Fence",
        "description": meaning,
        "schema": {"type": "string"},
    }
