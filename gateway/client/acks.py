"""Acknowledgements: sent at once, in the background, the newest per intent, until they are taken."""

from datetime import timedelta

from gateway.client.exchange import BackLaterError, BackOff, Exchange
from gateway.client.notice import Notice, OnNotice
from gateway.client.problem import Refused
from gateway.domain.answers import Ack
from gateway.domain.doorbell import Doorbell
from gateway.domain.ports import Clock

ATTEMPT_S = 10.0


class Acks:
    """Sends acknowledgements.

    Args:
        exchange: To the gateway.
        clock: Time.
        back_off: After failures.
        on_notice: Told of refusals.
    """

    def __init__(
        self, exchange: Exchange, clock: Clock, back_off: BackOff, on_notice: OnNotice
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._back_off = back_off
        self._on_notice = on_notice
        self._waiting: dict[str, Ack] = {}
        self._work = Doorbell(clock)
        self._retry = Doorbell(clock)

    def put(self, intent_id: str, ack: Ack) -> None:
        """Send an acknowledgement, in place of an older one of the same intent."""
        self._waiting.pop(intent_id, None)
        self._waiting[intent_id] = ack
        self._work.ring()

    def retry(self) -> None:
        """Try again now: the gateway is back."""
        self._retry.ring()

    async def run(self) -> None:
        """Send, for ever."""
        failures = 0
        while True:
            seen, again = self._work.rings, self._retry.rings
            intent_id = next(iter(self._waiting), None)
            if intent_id is None:
                await self._work.wait(seen)
                continue
            ack = self._waiting[intent_id]
            try:
                await self._send(intent_id, ack)
            except BackLaterError as error:
                failures += 1
                wait = max(self._back_off.delay_s(failures), error.after_s or 0.0)
                await self._retry.wait(again, self._clock.now() + timedelta(seconds=wait))
            else:
                failures = 0
                if self._waiting.get(intent_id) is ack:
                    del self._waiting[intent_id]

    async def _send(self, intent_id: str, ack: Ack) -> None:
        path, body = f"/intents/{intent_id}/ack", ack.model_dump_json().encode()
        try:
            await self._exchange.ask("POST", path, body, deadline_s=ATTEMPT_S)
        except Refused as refused:
            if refused.problem.reason != "STALE_REVISION":  # a newer one is on its way to us
                detail = f"{refused.problem.reason}: {refused.problem.detail}"
                self._on_notice(Notice(reason="REFUSED", subject=intent_id, detail=detail))
