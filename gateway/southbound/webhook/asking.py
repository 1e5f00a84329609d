"""Asks an endpoint whether it wants deliveries, before the first one.

Spec: CloudEvents, HTTP 1.1 web hooks for event delivery, section 4 (abuse protection): ``OPTIONS`` with the origin. An
endpoint that does not know that is sent a signed test event, which it must answer with the challenge inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.domain.errors import TransportError
from gateway.domain.fence import HEADER
from gateway.pipeline.desk import Fence
from gateway.southbound.webhook.book import Result, failure, result_of
from gateway.southbound.webhook.payload import MEDIA_TYPE, meets
from gateway.southbound.webhook.schedule import Outcome
from gateway.southbound.webhook.signing import Secret, signed_headers
from gateway.transport.outward import Call, Heard, Look, Outward

ORIGIN: Final = "WebHook-Request-Origin"
RATE: Final = "WebHook-Request-Rate"
OUR_RATE: Final = 120
"""Deliveries a minute that we ask for; grid events are few."""
_FASTEST: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an endpoint said to the question."""

    result: Result
    wanted: bool | None
    """None: it does not know the question."""
    per_min: int = 0


def question(url: str, origin: str) -> Call:
    """Return the question."""
    return Call(method="OPTIONS", url=url, headers={ORIGIN: origin, RATE: str(OUR_RATE)})


def said_of(heard: Heard, origin: str, at: datetime) -> Said:
    """Read the answer to the question."""
    result = result_of(heard, at)
    allowed = heard.headers.get("webhook-allowed-origin")
    if result.outcome is not Outcome.DELIVERED or allowed is None:
        return Said(result=result, wanted=None)
    wanted = allowed.strip() in {origin, "*"}
    return Said(result=result, wanted=wanted, per_min=_rate(heard.headers))


def _rate(headers: Mapping[str, str]) -> int:
    """Return how many deliveries a minute are allowed, 0 for any number."""
    text = headers.get("webhook-allowed-rate", "*").strip()
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 9):
        return 0
    rate = int(text)
    return 0 if rate >= _FASTEST else max(rate, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends signed bytes to one endpoint.

    Args:
        outward: Makes the calls.
        url: Of the endpoint.
        origin: What we call ourselves.
        secrets: Sign.
        fence: Our fencing number, told with every document.
    """

    outward: Outward
    url: str = field(repr=False)
    origin: str
    secrets: tuple[Secret, ...]
    fence: Fence | None = None

    async def ask(self) -> Heard:
        """Ask the question.

        Raises:
            TransportError: no answer.
        """
        return await self.outward.call(question(self.url, self.origin))

    async def send(self, name: str, body: bytes, at: datetime, look: Look | None = None) -> Heard:
        """Send one document under its id.

        Raises:
            TransportError: no answer.
            GatewayError: as ``look`` raised; nothing was sent.
        """
        fence = {} if self.fence is None else {HEADER: self.fence.text}
        headers = {
            "Content-Type": MEDIA_TYPE,
            ORIGIN: self.origin,
            **fence,
            **signed_headers(self.secrets, name, at, body),
        }
        call = Call(method="POST", url=self.url, headers=headers, body=body)
        return await self.outward.call(call, look)


def met(heard: Heard, challenge: str, at: datetime) -> Result:
    """Judge the answer to a test event: 2xx alone does not mean that anybody understood it."""
    result = result_of(heard, at)
    if result.outcome is Outcome.DELIVERED and not meets(challenge, heard.body):
        why = "the answer does not hold the challenge of the test event"
        return Result(
            at=at,
            outcome=Outcome.FAILED,
            reason="NO_CHALLENGE",
            status=heard.status,
            answer=heard.body,
            detail=why,
        )
    return result


def no_answer(error: TransportError, at: datetime) -> Said:
    """Return what silence says."""
    return Said(result=failure(error, at), wanted=None)
