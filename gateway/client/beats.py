"""Heartbeats: renew the lease, compare what both sides know."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.client.exchange import BackLaterError, Exchange
from gateway.client.lease import LeaseWatch
from gateway.client.notebook import PLAN, Notebook
from gateway.client.notice import Notice, OnNotice
from gateway.client.reader import Reader
from gateway.domain.answers import Heartbeat
from gateway.domain.ports import Clock

LONGEST_S: Final = 10.0


class LeaseAnswer(BaseModel):
    """What a heartbeat brings back."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    lease_s: int
    plan_revision: int = 0
    wanted: tuple[str, ...] = ()
    void: tuple[str, ...] = ()


class Beats:
    """Sends heartbeats.

    Args:
        path: Where to.
        software: Name and version of the site's program.
        exchange: To the gateway.
        notebook: What the site knows.
        lease: Learns its length.
        reader: Fetches the plan when the gateway has a newer one.
        on_notice: Told when the gateway knows less than the site.
    """

    def __init__(
        self,
        *,
        path: str,
        software: str,
        exchange: Exchange,
        notebook: Notebook,
        lease: LeaseWatch,
        reader: Reader,
        on_notice: OnNotice,
    ) -> None:
        self._path = path
        self._software = software
        self._exchange = exchange
        self._notebook = notebook
        self._lease = lease
        self._reader = reader
        self._on_notice = on_notice
        self._told = 0

    async def run(self, clock: Clock, every_s: float) -> None:
        """Beat, for ever.

        Raises:
            Refused: the gateway does not let this site in.
        """
        while True:
            next_at = clock.now() + timedelta(seconds=every_s)
            with suppress(
                BackLaterError
            ):  # the next beat is the next attempt; the lease runs meanwhile
                await self._beat(clock, min(every_s, LONGEST_S))
            await clock.sleep_until(next_at)

    async def _beat(
        self, clock: Clock, deadline_s: float, wanted: tuple[str, ...] | None = None
    ) -> None:
        beat = Heartbeat(
            at=clock.now(),
            software=self._software,
            plan_revision=self._notebook.revision(PLAN),
            known=self._notebook.intents(),
            answers=self._notebook.answers(),
            documents=self._reader.inbox.kept(wanted or ()),
        )
        body = beat.model_dump_json().encode()
        answer = await self._exchange.ask("POST", self._path, body, deadline_s=deadline_s)
        try:
            lease = LeaseAnswer.model_validate_json(answer.body)
        except ValidationError:
            return
        self._lease.lasts(lease.lease_s)
        for intent in lease.void:
            self._reader.inbox.let_go(intent)
        if lease.wanted and wanted is None:
            await self._beat(clock, deadline_s, lease.wanted)
        else:
            await self._compare(beat.plan_revision, lease.plan_revision)

    async def _compare(self, ours: int, theirs: int) -> None:
        if theirs > ours:
            await self._reader.fetch_plan()
        elif theirs < ours and self._told != ours:
            self._told = ours  # once per revision
            detail = f"it knows plan revision {theirs}, we follow {ours}"
            self._on_notice(Notice(reason="GATEWAY_BEHIND", subject=PLAN, detail=detail))
