"""Sends the site's answers to intents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from gateway.client.exchange import BackOff, Exchange
from gateway.domain.answers import Answer, Commitment, Rejection
from gateway.domain.participation import Opt

ANSWER_S: Final = 30.0
STEP_KW: Final = Decimal("0.001")
OnTaken = Callable[[str, int, Opt], None]


@dataclass(frozen=True, slots=True)
class Answering:
    """The way answers take.

    Args:
        exchange: To the gateway.
        back_off: After failures.
        deadline_s: Of each answer, repetitions included.
        on_taken: Told of every decision that the gateway has taken: intent, revision, answer.
    """

    exchange: Exchange
    back_off: BackOff
    deadline_s: float = ANSWER_S
    on_taken: OnTaken = lambda *_: None

    async def post(self, intent_id: str, kind: str, answer: Answer) -> None:
        """Send one answer until it is taken.

        Raises:
            Refused: by the gateway, or ``UNREACHABLE``.
        """
        await self.exchange.insist(
            "POST",
            f"/intents/{intent_id}/{kind}",
            answer.model_dump_json().encode(),
            back_off=self.back_off,
            deadline_s=self.deadline_s,
        )
        if isinstance(answer, Commitment):
            self.on_taken(intent_id, answer.revision, answer.opt)
        elif isinstance(answer, Rejection):
            self.on_taken(intent_id, answer.revision, Opt.OUT)


def promised(kw: Decimal | float) -> Decimal:
    """Return a power as it is promised: in whole watts, rounded up, since it says what will be drawn at most."""
    return Decimal(str(kw)).quantize(STEP_KW, rounding=ROUND_CEILING)


def exact_map(values: Mapping[str, Decimal | float]) -> dict[str, Decimal]:
    """Return numbers as exact ones."""
    return {key: Decimal(str(value)) for key, value in values.items()}
