"""Intents as a site answers them one by one, and the loop over them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol

from gateway.client.answering import Answering, exact_map, promised
from gateway.domain.answers import (
    Commitment,
    CommittedStep,
    Completion,
    Progress,
    Rejection,
    RejectionReason,
)
from gateway.domain.doorbell import Doorbell
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.participation import Opt
from gateway.domain.ports import Clock

ProgressState = Literal["ramping_in", "holding", "breached", "ramping_out", "recovering"]


class Intent:
    """One revision of an intent.

    Args:
        document: As published.
        answering: Sends its answers.
        clock: Stamps progress.
    """

    def __init__(self, document: ComputeFlexIntent, answering: Answering, clock: Clock) -> None:
        self.document = document
        self._answering = answering
        self._clock = clock

    @property
    def id(self) -> str:
        """Return the id, the same over all revisions."""
        return self.document.id

    @property
    def revision(self) -> int:
        """Return the revision."""
        return self.document.revision

    async def commit(
        self,
        kw: Decimal | float | None = None,
        *,
        opt: Opt | None = None,
        actions: tuple[str, ...] = (),
    ) -> None:
        """Take part.

        Args:
            kw: Lowest import that the site can hold, kW; None: as asked.
            opt: Says it outright; else in when ``kw`` is within what is asked, in part above it.
            actions: Labels of how.

        Raises:
            Refused: ``STALE_REVISION``, ``TOO_LATE``, ``UNREACHABLE`` …
        """
        floor = None if kw is None else promised(kw)
        capped = self._capped()
        within = floor is None or all(floor <= cap for _, _, cap in capped)
        chosen = opt or (Opt.IN if within else Opt.PARTIAL)
        answer = Commitment(
            revision=self.revision,
            opt=chosen,
            reason="partial" if chosen is Opt.PARTIAL else "committed",
            steps=tuple(
                CommittedStep(
                    start=start,
                    duration=duration,
                    kw=cap if floor is None else max(cap, floor),
                )
                for start, duration, cap in capped
            ),
            actions=actions,
        )
        await self._answering.post(self.id, "commitment", answer)

    async def reject(self, reason: RejectionReason, detail: str = "") -> None:
        """Refuse; raises as ``commit``."""
        answer = Rejection(revision=self.revision, reason=reason, detail=detail)
        await self._answering.post(self.id, "rejection", answer)

    async def progress(
        self,
        state: ProgressState,
        *,
        measured_kw: Decimal | float | None = None,
        target_kw: Decimal | float | None = None,
        jobs_paused: int = 0,
        jobs_capped: int = 0,
        eta: datetime | None = None,
    ) -> None:
        """Say how it goes; raises as ``commit``."""
        answer = Progress(
            revision=self.revision,
            state=state,
            measured_kw=None if measured_kw is None else promised(measured_kw),
            target_kw=None if target_kw is None else promised(target_kw),
            at=self._clock.now(),
            jobs_paused=jobs_paused,
            jobs_capped=jobs_capped,
            eta=eta,
        )
        await self._answering.post(self.id, "progress", answer)

    async def complete(
        self,
        *,
        delivered_kwh: Decimal | None = None,
        recovered_at: datetime | None = None,
        lost_work: Mapping[str, Decimal | float] | None = None,
        actions: tuple[str, ...] = (),
    ) -> None:
        """Give the site's own account of the finished event; raises as ``commit``."""
        answer = Completion(
            revision=self.revision,
            delivered_kwh=delivered_kwh,
            recovered_at=recovered_at,
            lost_work=exact_map(lost_work or {}),
            actions=actions,
        )
        await self._answering.post(self.id, "completion", answer)

    def _capped(self) -> list[tuple[datetime, timedelta | None, Decimal]]:
        """Return what is asked: what the operator's envelope leaves of it, where there is one."""
        guarded, ask, start = self.document.guard, self.document.ask, self.document.timing.start
        if guarded is not None:
            return [
                (
                    step.start,
                    None if step.end is None else step.end - step.start,
                    step.import_max_kw,
                )
                for step in guarded.steps
                if step.import_max_kw is not None and step.start >= start
            ]
        return [
            (each.start, each.duration, each.resolved_import_max_kw)
            for each in (ask.segments if ask else ())
            if each.resolved_import_max_kw is not None
        ]


class IntentFeed(Protocol):
    """What the loop over intents needs of its site."""

    @property
    def bell(self) -> Doorbell:
        """Rings when something arrived."""
        ...

    def next_intent(self) -> Intent | None:
        """Return the oldest intent that no consumer has, newest revision."""
        ...

    def took_intent(self, intent_id: str, revision: int) -> None:
        """Note that the consumer is done with a revision."""
        ...

    def raise_failure(self) -> None:
        """Raise what ended the site's background work, if anything did."""
        ...


class Intents:
    """Async iterator over intents: each at its newest revision, in the order of their arrival.

    Args:
        site: Whose intents.
    """

    def __init__(self, site: IntentFeed) -> None:
        self._site = site
        self._given: Intent | None = None

    def __aiter__(self) -> "Intents":
        return self

    async def __anext__(self) -> Intent:
        """Wait for the next intent.

        Raises:
            Refused: the gateway does not let this site in.
        """
        if self._given is not None:
            self._site.took_intent(self._given.id, self._given.revision)
            self._given = None
        while True:
            seen = self._site.bell.rings
            self._site.raise_failure()
            intent = self._site.next_intent()
            if intent is not None:
                self._given = intent
                return intent
            await self._site.bell.wait(seen)
