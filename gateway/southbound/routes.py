"""The southbound interface as a table: what is served, for whom, with which documents."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel

from gateway.domain.answers import Answer
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.plan import EffectivePlan
from gateway.domain.settlement import SettlementStatement
from gateway.southbound.documents import (
    ANSWERS,
    Health,
    IntentPage,
    KeySet,
    LeaseDocument,
    StatementPage,
    Stored,
)
from gateway.southbound.tokens import ACK_WRITE, EVENTS_READ, TELEMETRY_WRITE
from gateway.southbound.webhook.documents import (
    AttemptPage,
    Queued,
    Resend,
    WebhookList,
    WebhookTest,
    WebhookTested,
)

PREFIX: Final = "/v1"
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; those of a path are required."""

    name: str
    place: str
    """``path``, ``query`` or ``header``."""
    meaning: str
    type: str = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation."""

    method: str
    path: str
    operation: str
    """Never changes: generated clients are named after it."""
    summary: str
    scope: str | None = None
    """What a token must carry; None: open to everybody who reaches the port."""
    body: type[Answer] | None = None
    answer: type[BaseModel] | None = None
    media_type: str = JSON
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[int, ...] = field(default=())
    """Statuses beyond those that every operation of its kind has."""
    counted: bool = True
    """False: never refused for its number; answers go before queries and telemetry."""


_SITE: Final = Parameter(name="site", place="path", meaning="The token's site.")
_SITE_QUERY: Final = Parameter(
    name="site", place="query", meaning="The token's site; may be left out."
)
_INTENT: Final = Parameter(name="intent", place="path", meaning="Id of an intent.")
_WEBHOOK: Final = Parameter(name="webhook", place="path", meaning="Name of an endpoint.")
_AFTER: Final = Parameter(
    name="after",
    place="query",
    type="integer",
    meaning="Cursor: what follows it; without it, everything that is kept.",
)
_LIMIT: Final = Parameter(
    name="limit", place="query", type="integer", meaning="Most items; 100 unless told, up to 1000."
)


def _answer_route(name: str, summary: str) -> Route:
    return Route(
        method="POST",
        path=f"{PREFIX}/intents/{{intent}}/{name}",
        operation=f"post_{name}",
        summary=summary,
        scope=ACK_WRITE,
        body=ANSWERS[name],
        answer=Stored,
        parameters=(_INTENT,),
        refusals=(404, 409),
        counted=False,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path=f"{PREFIX}/intents",
        operation="list_intents",
        summary="Intents after a cursor, as signed CloudEvents; with wait, a long poll.",
        scope=EVENTS_READ,
        answer=IntentPage,
        parameters=(
            _SITE_QUERY,
            _AFTER,
            _LIMIT,
            Parameter(
                name="wait",
                place="query",
                type="integer",
                meaning="Seconds to wait for the first item, up to 50.",
            ),
        ),
        refusals=(404, 410, 422),
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/intents/{{intent}}",
        operation="read_intent",
        summary="One intent as it stands now.",
        scope=EVENTS_READ,
        answer=ComputeFlexIntent,
        parameters=(_INTENT,),
        refusals=(404,),
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/stream",
        operation="stream",
        summary="Intents and plans as server-sent events, from a cursor on.",
        scope=EVENTS_READ,
        media_type="text/event-stream",
        parameters=(
            _SITE_QUERY,
            _AFTER,
            Parameter(
                name="Last-Event-ID",
                place="header",
                meaning="As after, set by browsers; goes before it.",
            ),
        ),
        refusals=(404, 422),
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/sites/{{site}}/plan",
        operation="read_plan",
        summary="What may be drawn, until when, why, and what if the gateway goes silent.",
        scope=EVENTS_READ,
        answer=EffectivePlan,
        parameters=(
            _SITE,
            Parameter(name="If-None-Match", place="header", meaning="ETag of the plan at hand."),
        ),
        refusals=(304, 404),
    ),
    _answer_route("ack", "The site has seen a revision; this is no answer to it."),
    _answer_route("commitment", "The site takes part, in part, or not."),
    _answer_route("rejection", "The site cannot, and why."),
    _answer_route("progress", "How it goes."),
    _answer_route("completion", "The site's own account of a finished event."),
    Route(
        method="POST",
        path=f"{PREFIX}/sites/{{site}}/telemetry",
        operation="post_telemetry",
        summary="Metered samples, stored once per batch id.",
        scope=TELEMETRY_WRITE,
        body=ANSWERS["telemetry"],
        answer=Stored,
        parameters=(_SITE,),
        refusals=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/sites/{{site}}/heartbeat",
        operation="post_heartbeat",
        summary="The site lives; renews its lease.",
        scope=ACK_WRITE,
        body=ANSWERS["heartbeat"],
        answer=LeaseDocument,
        parameters=(_SITE,),
        refusals=(404,),
        counted=False,
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/statements",
        operation="list_statements",
        summary="The site's settlement statements, newest version of each.",
        scope=EVENTS_READ,
        answer=StatementPage,
        parameters=(
            _SITE_QUERY,
            Parameter(name="after", place="query", meaning="Id of the last statement seen."),
            _LIMIT,
        ),
        refusals=(404, 410, 422),
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/statements/{{statement}}",
        operation="read_statement",
        summary="One settlement statement; what it corrects stands in ``correction``.",
        scope=EVENTS_READ,
        answer=SettlementStatement,
        parameters=(
            Parameter(name="statement", place="path", meaning="Id of a statement."),
            Parameter(
                name="version",
                place="query",
                meaning="An earlier version; without it the newest.",
                type="integer",
            ),
        ),
        refusals=(404, 422),
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/webhooks",
        operation="list_webhooks",
        summary="The site's own endpoints, as the operator configured them, and how each stands.",
        scope=EVENTS_READ,
        answer=WebhookList,
        parameters=(_SITE_QUERY,),
        refusals=(404,),
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/webhooks/{{webhook}}/attempts",
        operation="list_attempts",
        summary="Attempts to reach one endpoint, newest first, with the beginning of each answer.",
        scope=EVENTS_READ,
        answer=AttemptPage,
        parameters=(
            _WEBHOOK,
            Parameter(
                name="before",
                place="query",
                type="integer",
                meaning="Number of an attempt: what is older than it.",
            ),
            _LIMIT,
        ),
        refusals=(404, 422),
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/webhooks/{{webhook}}/test",
        operation="test_webhook",
        summary="Send a signed test event now, and tell how it was taken.",
        scope=ACK_WRITE,
        body=WebhookTest,
        answer=WebhookTested,
        parameters=(_WEBHOOK,),
        refusals=(404,),
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/webhooks/{{webhook}}/resend",
        operation="resend_webhook",
        summary="Send one document once more, or all delivered ones after a cursor; never past their end.",
        scope=ACK_WRITE,
        body=Resend,
        answer=Queued,
        parameters=(_WEBHOOK,),
        refusals=(404, 409),
    ),
    Route(
        method="GET",
        path=f"{PREFIX}/jwks.json",
        operation="read_keys",
        summary="Public keys of the signatures on intents and plans.",
        answer=KeySet,
        media_type="application/jwk-set+json",
    ),
    Route(
        method="GET",
        path="/openapi.json",
        operation="read_openapi",
        summary="This interface as an OpenAPI 3.1 document.",
    ),
    Route(
        method="GET",
        path="/health/live",
        operation="health_live",
        summary="The process answers.",
        answer=Health,
    ),
    Route(
        method="GET",
        path="/health/ready",
        operation="health_ready",
        summary="Everything that must work does.",
        answer=Health,
        refusals=(503,),
    ),
    Route(
        method="GET",
        path="/metrics",
        operation="read_metrics",
        summary="Figures for Prometheus.",
        media_type="text/plain",
    ),
)
