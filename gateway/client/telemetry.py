"""Sends samples in batches, in order, each until the gateway has taken it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from gateway.client.buffer import Batches, make_batch
from gateway.client.exchange import BackLaterError, BackOff
from gateway.client.notice import Notice, OnNotice
from gateway.client.problem import Refused
from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.doorbell import Doorbell
from gateway.domain.ports import TICK_S, Clock

LARGEST_BATCH: Final = 5000
Send = Callable[[TelemetryBatch], Awaitable[None]]


class Telemetry:
    """Collects samples and sends them.

    Args:
        send: Makes one attempt; raises ``BackLaterError`` or ``Refused``.
        batches: What waits.
        keep: False: what cannot be sent at once is dropped and counted.
        clock: Time.
        collect_s: How long samples are collected into one batch.
        back_off: After failures.
        on_notice: Told of what is given up.
    """

    def __init__(
        self,
        *,
        send: Send,
        batches: Batches,
        keep: bool,
        clock: Clock,
        collect_s: float,
        back_off: BackOff,
        on_notice: OnNotice,
    ) -> None:
        self._deliver = send
        self._batches = batches
        self._keep = keep
        self._clock = clock
        self._collect_s = collect_s
        self._back_off = back_off
        self._on_notice = on_notice
        self._open: list[Sample] = []
        self._flush_s: float | None = None
        """When the open batch is closed, in elapsed seconds."""
        self._work = Doorbell(clock)
        self._empty = Doorbell(clock)
        self._retry = Doorbell(clock)
        self._dropped = 0

    @property
    def dropped_samples(self) -> int:
        """Return how many samples were given up."""
        return self._dropped + self._batches.dropped_samples

    @property
    def waiting(self) -> int:
        """Return how many batches the gateway has not taken."""
        return len(self._batches) + bool(self._open)

    def add(self, samples: Sequence[Sample]) -> None:
        """Take samples in; they are sent in the background."""
        for sample in samples:
            self._open.append(sample)
            if len(self._open) >= LARGEST_BATCH:
                self._flush()
        if self._open and self._flush_s is None:
            self._flush_s = self._clock.elapsed_s() + self._collect_s
        self._flush_if_due()
        self._work.ring()

    def retry(self) -> None:
        """Try again now: the gateway is back."""
        self._retry.ring()

    async def run(self) -> None:
        """Send, for ever."""
        failures = 0
        while True:
            seen = self._work.rings
            self._flush_if_due()
            batch = self._batches.first()
            if batch is None:
                self._empty.ring()
                await self._work.wait(seen, self._flush_at())
                continue
            again = self._retry.rings
            try:
                await self._send(batch)
            except BackLaterError as error:
                failures += 1
                if not self._keep:
                    self._drop(batch)
                    continue
                wait = max(self._back_off.delay_s(failures), error.after_s or 0.0)
                await self._retry.wait(again, self._clock.now() + timedelta(seconds=wait))
            else:
                failures = 0
                self._batches.done(batch.batch_id)

    async def drain(self, seconds: float) -> None:
        """Send what there is; wait for it at most so long."""
        self._flush()
        until_s = self._clock.elapsed_s() + seconds
        while len(self._batches) and (left_s := until_s - self._clock.elapsed_s()) > TICK_S:
            seen = self._empty.rings
            self._work.ring()
            self._retry.ring()
            await self._empty.wait(seen, self._clock.now() + timedelta(seconds=left_s))

    async def _send(self, batch: TelemetryBatch) -> None:
        try:
            await self._deliver(batch)
        except Refused as refused:
            detail = f"{refused.problem.reason}: {refused.problem.detail}"
            self._on_notice(Notice(reason="REFUSED", subject=batch.batch_id, detail=detail))
            self._dropped += len(batch.samples)

    def _drop(self, batch: TelemetryBatch) -> None:
        self._dropped += len(batch.samples)
        self._batches.done(batch.batch_id)

    def _flush_at(self) -> datetime | None:
        if self._flush_s is None:
            return None
        return self._clock.now() + timedelta(seconds=self._flush_s - self._clock.elapsed_s())

    def _flush_if_due(self) -> None:
        if self._flush_s is not None and self._flush_s - self._clock.elapsed_s() < TICK_S:
            self._flush()

    def _flush(self) -> None:
        samples, self._open, self._flush_s = self._open, [], None
        if not samples:
            return
        batch = make_batch(samples)
        try:
            self._batches.add(batch)
        except OSError as error:
            self._dropped += len(samples)
            self._on_notice(Notice(reason="BUFFER", subject=batch.batch_id, detail=str(error)))
