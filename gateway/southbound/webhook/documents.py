"""What is said about deliveries, as models: endpoints, attempts, what goes out."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.domain.answers import Answer
from gateway.domain.intent import Published
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Instant
from gateway.southbound.documents import CloudEvent

Place = Annotated[int, Field(ge=0, lt=2**53)]


class WebhookDocument(Published):
    """One endpoint of the site."""

    name: Name
    url: Text
    standing: Literal["new", "ready", "disabled"]
    """``new``: it has not said yet that it wants deliveries."""
    proof: Text
    """How it said so: ``origin`` or ``challenge``."""
    cursor: Text
    """All up to this place of the stream is settled, or waits beside the line."""
    per_min: int
    """Deliveries a minute that it allows; 0: any number."""
    why: Text
    """Last reason of its standing."""
    changed_at: Instant


class WebhookList(Published):
    """The site's endpoints."""

    items: tuple[WebhookDocument, ...]


class AttemptDocument(Published):
    """One attempt to reach an endpoint."""

    number: int
    sequence: Text
    """Place in the stream; ``0``: a question or a test."""
    webhook_id: Text
    at: Instant
    outcome: Text
    """``unknown``: the gateway ended in between."""
    status: int | None
    duration_ms: int | None
    answer: Text
    """Its first 2 KiB; what is no text is replaced."""
    detail: Text


class AttemptPage(Published):
    """Attempts, newest first."""

    items: tuple[AttemptDocument, ...]
    next: Text | None
    """Give it as ``before`` for older ones; null at the end."""


class WebhookTest(Answer):
    """Ask for a test event; there is nothing to say."""


class WebhookTested(Published):
    """How the endpoint took a test event."""

    reached: bool
    """It answered with 2xx and the challenge."""
    reason: Text
    status: int | None
    answer: Text
    detail: Text


class Resend(Answer):
    """Which documents to send again: one, or all that were delivered after a place of the stream."""

    sequence: Place | None = None
    after: Place | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.sequence is None) == (self.after is None):
            raise ValueError("give sequence or after, one of both")
        return self


class Queued(Published):
    """So many documents will be sent again."""

    queued: int


class ThinEvent(CloudEvent):
    """Stands for a document of 20 kB or more: its envelope, and where it can be fetched."""

    type: Name
    expirytime: Instant | None = None
    dataref: Text
    """Path on this gateway; needs the site's token."""


class Challenge(Published):
    """What a test event must be answered with, as plain text or as JSON under the same name."""

    challenge: Name


class WebhookTestEvent(Published):
    """A test event; no part of the stream."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Literal["org.compute-flex.webhook-test.v1"]
    subject: Name
    time: Instant
    datacontenttype: Literal["application/json"]
    data: Challenge
