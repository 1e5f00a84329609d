"""What is written down around an attempt: before it, that it is made; after it, what follows for both sides."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import GatewayError
from gateway.domain.ports import Chance
from gateway.pipeline.delivered import First, note_first
from gateway.pipeline.deliveries import SETTLED, Attempt, Delivery, Endpoint, Fate, Standing, died
from gateway.pipeline.ports import Work
from gateway.southbound.webhook.line import Due, Spot, known_endpoint
from gateway.southbound.webhook.payload import last_instant
from gateway.southbound.webhook.schedule import QUICK, Outcome, next_try, outcome_of
from gateway.transport.outward import Heard

NOT_SENT: Final = "not_sent"
"""Connected, looked once more, and left without a word."""
_LONGEST_DETAIL: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How an attempt ended."""

    at: datetime
    outcome: Outcome
    reason: str
    """``HTTP_503``, ``TIMEOUT`` …"""
    status: int | None = None
    answer: bytes = b""
    detail: str = ""
    retry_after: timedelta | None = None


def result_of(heard: Heard, at: datetime) -> Result:
    """Judge an answer."""
    return Result(
        at=at,
        outcome=outcome_of(heard.status),
        reason=f"HTTP_{heard.status}",
        status=heard.status,
        answer=heard.body,
        retry_after=heard.retry_after,
    )


def failure(error: GatewayError, at: datetime) -> Result:
    """Judge an attempt without an answer."""
    detail = error.detail[:_LONGEST_DETAIL]
    return Result(at=at, outcome=Outcome.FAILED, reason=error.reason, detail=detail)


def still_to_be_sent(work: Work, spot: Spot, due: Due, now: datetime) -> bool:
    """Look a last time: ours still, wanted still, the newest still, not too late (R-OUT-1)."""
    endpoint = work.deliveries.endpoint(spot.site, spot.name)
    if endpoint is None or endpoint.url != spot.url or endpoint.standing is Standing.NEW:
        return False
    end = last_instant(due.item)
    if end is not None and end < now:
        return False
    return not work.deliveries.superseded(due.item)


def begin(work: Work, due: Due, now: datetime, chance: Chance) -> tuple[Delivery, Attempt]:
    """Write down that an attempt is made, and when the next one would be: a crash in between changes nothing."""
    before = due.delivery
    first = before.tries == 0
    delivery = replace(
        before,
        attempts=before.attempts + 1,
        tries=before.tries + 1,
        anchor_at=now if first else before.anchor_at,
        reason="UNKNOWN",
    )
    following = next_try(
        tries=delivery.tries,
        anchor_at=delivery.anchor_at,
        now=now,
        outcome=Outcome.FAILED,
        retry_after=None,
        deadline=delivery.deliver_by,
        chance=chance,
    )
    delivery = replace(delivery, next_at=following.at)
    attempt = Attempt(
        site=delivery.site,
        endpoint=delivery.endpoint,
        sequence=delivery.sequence,
        webhook_id=delivery.webhook_id,
        at=now,
    )
    work.deliveries.put(delivery)
    return delivery, replace(attempt, number=work.deliveries.begin(attempt))


def ended(attempt: Attempt, result: Result, outcome: str = "") -> Attempt:
    """Return an attempt with what came of it."""
    return replace(
        attempt,
        outcome=outcome or result.outcome.value,
        status=result.status,
        duration=max(result.at - attempt.at, timedelta(0)),
        answer=result.answer,
        detail=result.detail or ("" if result.status else result.reason),
    )


def unsaid(work: Work, due: Due, attempt: Attempt) -> None:
    """Write down that nothing was sent after all: the document stands as it stood before."""
    work.deliveries.end(attempt)
    known = work.deliveries.get(due.delivery.site, due.delivery.endpoint, due.delivery.sequence)
    if known is not None and known.fate not in SETTLED:
        work.deliveries.put(due.delivery)


def _first(delivery: Delivery, at: datetime) -> First:
    return First(
        site=delivery.site,
        subject=delivery.subject,
        revision=delivery.revision,
        sequence=delivery.sequence,
        channel="webhook",
        at=at,
    )


def conclude(
    work: Work, spot: Spot, delivery: Delivery, attempt: Attempt, result: Result, chance: Chance
) -> tuple[Delivery, Endpoint]:
    """Write down how an attempt ended, and what follows.

    Returns:
        What became of the document, and of the endpoint.
    """
    endpoint = known_endpoint(work, spot, result.at)
    work.deliveries.end(ended(attempt, result))
    known = work.deliveries.get(delivery.site, delivery.endpoint, delivery.sequence)
    if known is not None and known.fate in {Fate.DEAD, Fate.SUPERSEDED}:
        return known, endpoint  # settled in between
    if result.outcome is Outcome.DELIVERED:
        done = replace(
            delivery,
            fate=Fate.DELIVERED,
            next_at=None,
            polite_until=None,
            ended_at=result.at,
            delivered_at=delivery.delivered_at or result.at,
            reason=result.reason,
        )
        endpoint = _welcome(endpoint, result)
        if delivery.kind == "intent":
            note_first(work, _first(delivery, result.at))
    else:
        done = _later(delivery, result, chance)
        endpoint = _gone(work, endpoint, result)
    work.deliveries.put(done)
    work.deliveries.put_endpoint(endpoint)
    return done, endpoint


def _later(delivery: Delivery, result: Result, chance: Chance) -> Delivery:
    if result.outcome is Outcome.REFUSED and delivery.tries >= QUICK:
        # It was asked often enough about this very document; an operator may replay it.
        return died(delivery, result.at, result.reason)
    following = next_try(
        tries=delivery.tries,
        anchor_at=delivery.anchor_at,
        now=result.at,
        outcome=result.outcome,
        retry_after=result.retry_after,
        deadline=delivery.deliver_by,
        chance=chance,
    )
    poison = result.outcome is Outcome.BROKEN and delivery.tries >= QUICK
    return replace(
        delivery,
        fate=Fate.ASIDE if poison else delivery.fate,
        next_at=following.at,
        polite_until=following.polite_until,
        reason=result.reason,
    )


def _welcome(endpoint: Endpoint, result: Result) -> Endpoint:
    if endpoint.standing is not Standing.DISABLED:
        return endpoint
    return replace(endpoint, standing=Standing.READY, changed_at=result.at, why="")


def _gone(work: Work, endpoint: Endpoint, result: Result) -> Endpoint:
    """Disable an endpoint that says it is gone, but never while an intent of its site is live (R-OUT-5)."""
    if result.outcome is not Outcome.GONE or endpoint.standing is Standing.DISABLED:
        return endpoint
    if work.intents.of_site(endpoint.site):
        return endpoint
    return replace(endpoint, standing=Standing.DISABLED, changed_at=result.at, why=result.reason)
