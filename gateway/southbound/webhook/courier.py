"""One endpoint's courier: a task of its own, so that nobody waits for anybody else's endpoint.

Nothing is queued in memory. Each round looks at the store, writes down what is settled, makes one attempt and writes
down how it ended. A crash between sending and writing sends the same document again, under the same id.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from gateway.domain.errors import DeliveryError, StoreError, TransportError
from gateway.domain.names import SiteId
from gateway.domain.points import Step, Watch, unwatched
from gateway.domain.ports import Chance, Clock, Ids
from gateway.pipeline.deliveries import Attempt, Delivery, Endpoint, Fate, Standing
from gateway.pipeline.desk import Fence
from gateway.pipeline.ports import OutboxItem, Store, Work
from gateway.southbound.bells import Bells
from gateway.southbound.fencing import refuse_stopped
from gateway.southbound.webhook.asking import Said, Sender, met, no_answer, said_of
from gateway.southbound.webhook.book import (
    NOT_SENT,
    Result,
    begin,
    conclude,
    ended,
    failure,
    result_of,
    still_to_be_sent,
    unsaid,
)
from gateway.southbound.webhook.counts import Counts
from gateway.southbound.webhook.line import Due, Spot, View, known_endpoint, look, write_down
from gateway.southbound.webhook.payload import body_of, test_event
from gateway.southbound.webhook.schedule import Outcome, next_try

STORE_PAUSE: Final = timedelta(seconds=1)
"""Before the store is asked again while it says busy or full."""
CLOSED_PAUSE: Final = timedelta(seconds=4)
"""Before it is asked again whether a restored store is complete."""
CHANNEL: Final = "webhook"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What every courier shares."""

    store: Store
    clock: Clock
    bells: Bells
    ids: Ids
    chance: Chance
    counts: Counts
    source: str
    watch: Watch = unwatched
    fence: Fence | None = None
    open: Callable[[SiteId], bool] = lambda _: True
    """Says whether a site may be told what the store says; not before a restored store is complete again."""
    delivered: Callable[[OutboxItem, str], None] = lambda *_: None
    """Is told each document that an endpoint took, and on which channel."""


@dataclass
class Courier:
    """Delivers one site's stream to one endpoint.

    Args:
        spot: Which endpoint.
        sender: Signs and sends.
        ports: Shared.
    """

    spot: Spot
    sender: Sender
    ports: Ports
    _last_at: datetime | None = field(default=None, init=False)
    """Last attempt, for an endpoint that allows only so many a minute."""

    async def run(self) -> None:
        """Deliver until the bells are closed.

        Raises:
            StoreError: the store can no longer be trusted.
        """
        ports = self.ports
        with ports.clock.held():
            while not ports.bells.closed:
                seen = ports.bells.rings(self.spot.site)
                if not ports.open(self.spot.site):
                    at = ports.clock.now() + CLOSED_PAUSE
                    await ports.bells.wait(self.spot.site, seen, at)
                    continue
                try:
                    until = await self.round()
                except StoreError as error:
                    if not error.passing:
                        raise
                    log.error("webhook_waits", endpoint=self.spot.name, reason=error.reason)
                    await ports.clock.sleep_until(ports.clock.now() + STORE_PAUSE)
                    continue
                if until is not None:
                    await ports.bells.wait(self.spot.site, seen, until)

    async def round(self) -> datetime | None:
        """Do what is due; return when to look again, None for at once."""
        view = await self.view()
        now = self.ports.clock.now()
        if view.more:
            return None
        if view.asks:
            at = self._asks_at(view, now)
            if at <= now:
                await self._ask(view.endpoint)
                return None
            return min(view.wake_at, at)
        if view.due is None:
            return view.wake_at
        at = max(view.due.at, self._free_at(view.endpoint, now))
        if at > now:
            return min(view.wake_at, at)
        await self._deliver(view.due)
        return None

    async def view(self) -> View:
        """Look along the line; write down what is settled, and say what died."""
        now = self.ports.clock.now()
        view = await self.ports.store.read(lambda work: look(work, self.spot, now))
        if not view.settle and not view.moved:
            return view

        def job(work: Work) -> View:
            found = look(work, self.spot, now)
            write_down(work, found)
            return found

        view = await self.ports.store.write(job, Step.DELIVERY_SETTLED)
        for letter in view.dead:
            self._mourn(letter)
        return view

    def _mourn(self, letter: Delivery) -> None:
        self.ports.counts.dead.inc()
        log.error(
            "dead_letter",
            letter=letter.key,
            webhook_id=letter.webhook_id,
            reason=letter.reason,
            attempts=letter.attempts,
        )

    def _free_at(self, endpoint: Endpoint, now: datetime) -> datetime:
        """Return when the endpoint's own limit allows the next delivery."""
        if not endpoint.per_min or self._last_at is None:
            return now
        return max(now, self._last_at + timedelta(seconds=60 / endpoint.per_min))

    # --- whether the endpoint wants deliveries

    def _asks_at(self, view: View, now: datetime) -> datetime:
        """Return when to ask; something new in the stream is worth asking at once."""
        endpoint = view.endpoint
        new = view.newest_at is not None and view.newest_at > endpoint.changed_at
        if endpoint.ask_at is None or (new and endpoint.asked):
            return now
        return endpoint.ask_at

    async def _ask(self, endpoint: Endpoint) -> None:
        said = await self._question()
        proof = "origin"
        if said.wanted is None and said.result.status is not None:
            said = replace(said, result=await self.challenge())
            proof = "challenge"
        wanted = said.wanted
        if wanted is None:
            wanted = said.result.outcome is Outcome.DELIVERED
        await self._answered(endpoint, said, proof if wanted else "")

    async def _question(self) -> Said:
        clock = self.ports.clock
        attempt = await self._noted("question")
        try:
            said = said_of(await self.sender.ask(), self.sender.origin, clock.now())
        except TransportError as error:
            said = no_answer(error, clock.now())
        word = "wanted" if said.wanted else ""
        await self._completed(
            attempt, said.result, word if said.wanted is not False else "unwanted"
        )
        return said

    async def challenge(self) -> Result:
        """Send a signed test event; it is met when the answer holds its challenge."""
        clock, ids = self.ports.clock, self.ports.ids
        now, event_id, drawn = clock.now(), f"test-{ids.uuid()}", ids.token()
        body = test_event(
            source=self.ports.source,
            site=self.spot.site,
            event_id=event_id,
            challenge=drawn,
            at=now,
        )
        attempt = await self._noted(event_id)
        try:
            result = met(await self.sender.send(event_id, body, now), drawn, clock.now())
        except TransportError as error:
            result = failure(error, clock.now())
        await self._completed(attempt, result, "")
        return result

    async def _answered(self, endpoint: Endpoint, said: Said, proof: str) -> None:
        now, result = said.result.at, said.result
        asked = 0 if proof else endpoint.asked + 1
        following = next_try(
            tries=max(asked, 1),
            anchor_at=endpoint.changed_at if endpoint.asked else now,
            now=now,
            outcome=result.outcome,
            retry_after=result.retry_after,
            deadline=None,
            chance=self.ports.chance,
        )

        def job(work: Work) -> None:
            known = known_endpoint(work, self.spot, now)
            work.deliveries.put_endpoint(
                replace(
                    known,
                    standing=Standing.READY if proof else known.standing,
                    proof=proof or known.proof,
                    per_min=said.per_min if proof else known.per_min,
                    asked=asked,
                    ask_at=None if proof else following.at,
                    changed_at=now,
                    why="" if proof else result.reason,
                )
            )

        await self.ports.store.write(job, Step.DELIVERY_ASKED)
        if proof:
            log.info("webhook_ready", endpoint=self.spot.name, site=self.spot.site, proof=proof)
        else:
            log.error(
                "webhook_not_wanted",
                endpoint=self.spot.name,
                site=self.spot.site,
                reason=result.reason,
                times=asked,
            )

    async def _noted(self, name: str) -> Attempt:
        attempt = Attempt(
            site=self.spot.site,
            endpoint=self.spot.name,
            sequence=0,
            webhook_id=name,
            at=self.ports.clock.now(),
        )
        number = await self.ports.store.write(
            lambda work: work.deliveries.begin(attempt), Step.DELIVERY_ASKED
        )
        return replace(attempt, number=number)

    async def _completed(self, attempt: Attempt, result: Result, word: str) -> None:
        done = ended(attempt, result, word)
        self.ports.counts.attempts.labels(done.outcome).inc()
        await self.ports.store.write(lambda work: work.deliveries.end(done), Step.DELIVERY_ASKED)

    # --- one document

    async def _deliver(self, due: Due) -> None:
        ports = self.ports
        now = ports.clock.now()
        self._last_at = now

        def job(work: Work) -> tuple[Delivery, Attempt] | None:
            if not still_to_be_sent(work, self.spot, due, now):
                return None
            return begin(work, due, now, ports.chance)

        begun = await ports.store.write(job, Step.DELIVERY_BEGUN)
        if begun is None:
            return
        delivery, attempt = begun
        ports.watch(f"webhook.{due.item.kind}.before")
        result, sent = await self._sent(due, attempt)
        ports.watch(f"webhook.{due.item.kind}.after")
        if not sent:
            ports.counts.attempts.labels(NOT_SENT).inc()
            take_back = partial(unsaid, due=due, attempt=ended(attempt, result, NOT_SENT))
            await ports.store.write(take_back, Step.DELIVERY_ENDED)
            return
        end = partial(
            conclude,
            spot=self.spot,
            delivery=delivery,
            attempt=attempt,
            result=result,
            chance=ports.chance,
        )
        after, endpoint = await ports.store.write(end, Step.DELIVERY_ENDED)
        self._tell(due, after, endpoint, result)

    async def _sent(self, due: Due, attempt: Attempt) -> tuple[Result, bool]:
        """Send once; the second value is False when nothing was."""
        clock = self.ports.clock
        try:
            heard = await self.sender.send(
                attempt.webhook_id, body_of(due.item), attempt.at, partial(self._last_look, due)
            )
        except DeliveryError as error:
            return failure(error, clock.now()), False
        except TransportError as error:
            return failure(error, clock.now()), True
        return result_of(heard, clock.now()), True

    async def _last_look(self, due: Due) -> None:
        """Look once more, with the connection open and nothing written yet.

        Raises:
            DeliveryError: ``OVERTAKEN``.
            FencedError: another gateway goes on with a copy of this store.
        """
        refuse_stopped(self.ports.fence)
        now = self.ports.clock.now()
        if not await self.ports.store.read(
            lambda work: still_to_be_sent(work, self.spot, due, now)
        ):
            raise DeliveryError("OVERTAKEN", "too late, or something newer is there")

    def _tell(self, due: Due, after: Delivery, endpoint: Endpoint, result: Result) -> None:
        counts, spot = self.ports.counts, self.spot
        counts.attempts.labels(result.outcome.value).inc()
        if after.fate is Fate.DELIVERED:
            self.ports.delivered(due.item, CHANNEL)
            counts.took.observe(max((result.at - due.item.created_at).total_seconds(), 0.0))
            return
        if after.fate is Fate.DEAD and after.ended_at == result.at:
            self._mourn(after)
        if result.outcome is Outcome.GONE:
            counts.gone.inc()
            word = "webhook_disabled" if endpoint.standing is Standing.DISABLED else "webhook_gone"
            log.error(word, endpoint=spot.name, site=spot.site)
            return
        log.warning(
            "webhook_failed",
            endpoint=spot.name,
            site=spot.site,
            reason=result.reason,
            attempts=after.attempts,
        )
