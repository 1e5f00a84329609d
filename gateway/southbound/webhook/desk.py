"""What operators and sites ask about deliveries: what became of them, once more, a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.domain.points import Step
from gateway.domain.timespan import instant_text
from gateway.pipeline.deliveries import Attempt, Delivery, Endpoint, Fate, Standing, afresh
from gateway.pipeline.ports import Work
from gateway.pipeline.records import OutboxItem
from gateway.southbound.webhook.book import Result
from gateway.southbound.webhook.courier import Courier, Ports
from gateway.southbound.webhook.line import known_endpoint
from gateway.southbound.webhook.payload import last_instant
from gateway.southbound.webhook.schedule import Outcome

LETTERS: Final = 200
"""Most dead letters replayed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of one dead letter that an operator wanted sent after all."""

    letter: str
    refused: str = ""
    """Reason in one word, empty when it is on its way."""
    detail: str = ""


@dataclass
class WebhookDesk:
    """All couriers of a gateway.

    Args:
        ports: As the couriers have them.
        couriers: By site and name.
    """

    ports: Ports | None = None
    couriers: Mapping[tuple[SiteId, str], Courier] = field(default_factory=dict)

    async def endpoints(self, site: SiteId) -> Sequence[Endpoint]:
        """Return a site's endpoints as configured, with what is known of each."""
        if self.ports is None:
            return ()
        now = self.ports.clock.now()
        spots = [courier.spot for (owner, _), courier in self.couriers.items() if owner == site]
        return await self.ports.store.read(
            lambda work: [known_endpoint(work, spot, now) for spot in spots]
        )

    async def attempts(
        self, site: SiteId, name: str, *, before: int | None, limit: int
    ) -> Sequence[Attempt]:
        """Return attempts at one endpoint, newest first.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        _, ports = self._courier(site, name)
        return await ports.store.read(
            lambda work: work.deliveries.attempts(site, name, before=before, limit=limit)
        )

    async def test(self, site: SiteId, name: str) -> Result:
        """Send a test event now; an endpoint that answers it is delivered to again.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        courier, ports = self._courier(site, name)
        result = await courier.challenge()
        reached = result.outcome is Outcome.DELIVERED
        now = ports.clock.now()

        def job(work: Work) -> None:
            known = known_endpoint(work, courier.spot, now)
            if known.standing is not Standing.READY:
                work.deliveries.put_endpoint(
                    replace(
                        known,
                        standing=Standing.READY,
                        proof=known.proof or "challenge",
                        asked=0,
                        ask_at=None,
                        changed_at=now,
                        why="",
                    )
                )

        if reached:
            await ports.store.write(job, Step.DELIVERY_AGAIN)
            ports.bells.ring(site)
        return result

    async def resend(self, site: SiteId, name: str, sequence: int) -> int:
        """Send one document once more, under the id that it had.

        Returns:
            1.

        Raises:
            SessionError: ``NOT_FOUND``; ``TOO_LATE`` past its end; ``STALE_REVISION`` when something newer is there.
        """
        _, ports = self._courier(site, name)
        now = ports.clock.now()

        def job(work: Work) -> int:
            delivery, item = _found(work, site, name, sequence)
            _refuse(work, item, now)
            work.deliveries.put(afresh(delivery, Fate.ASIDE))
            return 1

        queued = await ports.store.write(job, Step.DELIVERY_AGAIN)
        ports.bells.ring(site)
        return queued

    async def resend_since(self, site: SiteId, name: str, after: int) -> int:
        """Send again what was delivered after a place in the stream, as far as it still counts, in order.

        Returns:
            How many documents they are.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        courier, ports = self._courier(site, name)
        now = ports.clock.now()

        def job(work: Work) -> int:
            known = known_endpoint(work, courier.spot, now)
            queued = 0
            for delivery in work.deliveries.delivered(site, name, after):
                if _still_counts(work, delivery, now):
                    work.deliveries.put(afresh(delivery))
                    queued += 1
            work.deliveries.put_endpoint(replace(known, cursor=min(known.cursor, after)))
            return queued

        queued = await ports.store.write(job, Step.DELIVERY_AGAIN)
        ports.bells.ring(site)
        return queued

    async def replay(self, letters: Sequence[str]) -> Sequence[Replayed]:
        """Send dead letters after all, each judged by itself.

        A letter past its end of validity is refused: a start command never goes out after its end.
        """
        done = []
        for letter in letters[:LETTERS]:
            try:
                await self._replay(letter)
                done.append(Replayed(letter=letter))
            except SessionError as error:
                done.append(Replayed(letter=letter, refused=error.reason, detail=error.detail))
        return done

    async def _replay(self, letter: str) -> None:
        site, name, sequence = named_letter(letter)
        _, ports = self._courier(site, name)
        now = ports.clock.now()

        def job(work: Work) -> None:
            delivery, item = _found(work, site, name, sequence)
            if delivery.fate is not Fate.DEAD:
                raise SessionError("NOT_DEAD", f"{letter} is {delivery.fate.value}, no dead letter")
            _refuse(work, item, now)
            work.deliveries.put(afresh(delivery, Fate.ASIDE))

        await ports.store.write(job, Step.DELIVERY_AGAIN)
        ports.bells.ring(site)

    def _courier(self, site: SiteId, name: str) -> tuple[Courier, Ports]:
        courier = self.couriers.get((site, name))
        if courier is None or self.ports is None:
            raise SessionError("NOT_FOUND", "there is nothing by this id for this site")
        return courier, self.ports


def named_letter(letter: str) -> tuple[SiteId, str, int]:
    """Take the name of a delivery apart: ``site/endpoint/place``.

    Raises:
        SessionError: ``NOT_FOUND`` for a text that names none.
    """
    parts = letter.split("/")
    if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit() and len(parts[2]) <= 16):
        raise SessionError("NOT_FOUND", "a letter is named like phx-1/scheduler/41")
    return SiteId(parts[0]), parts[1], int(parts[2])


def _found(work: Work, site: SiteId, name: str, sequence: int) -> tuple[Delivery, OutboxItem]:
    delivery = work.deliveries.get(site, name, sequence)
    items = work.outbox.after(site, sequence - 1, 1)
    if delivery is None or not items or items[0].sequence != sequence:
        raise SessionError("NOT_FOUND", "there is nothing by this id for this site")
    return delivery, items[0]


def _still_counts(work: Work, delivery: Delivery, now: datetime) -> bool:
    try:
        _, item = _found(work, delivery.site, delivery.endpoint, delivery.sequence)
        _refuse(work, item, now)
    except SessionError:
        return False
    return True


def _refuse(work: Work, item: OutboxItem, now: datetime) -> None:
    """Refuse what must not be sent any more."""
    end = last_instant(item)
    if end is not None and end < now:
        raise SessionError(
            "TOO_LATE", f"it was of use until {instant_text(end)}; nothing is sent after its end"
        )
    if work.deliveries.superseded(item):
        raise SessionError("STALE_REVISION", "a newer revision took its place")
