"""Reads the stream, for ever: resumes by cursor, reconnects by itself."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from gateway.client.exchange import BackLaterError, BackOff, Exchange
from gateway.client.fences import STALE
from gateway.client.inbox import Inbox
from gateway.client.keys import Keys
from gateway.client.lease import LeaseWatch
from gateway.client.notebook import Notebook
from gateway.client.notice import Notice, OnNotice
from gateway.client.problem import Refused
from gateway.client.stream import LARGEST_BLOCK, Block, Stream
from gateway.domain.canonical import read_json
from gateway.domain.errors import MisuseError, WireError
from gateway.domain.fence import HEADER
from gateway.domain.ports import Clock

OPEN_S: Final = 10.0
BYE: Final = "bye"
"""Comment with which the gateway ends a stream in good order."""


class Reader:
    """Brings what the gateway publishes into the inbox.

    Args:
        site: Whose stream.
        exchange: To the gateway.
        inbox: Takes plans and intents.
        notebook: Keeps the place.
        lease: Told of every sign of life.
        keys: Checks signatures; None: they are not checked.
        on_notice: Told of what cannot be read.
    """

    def __init__(
        self,
        *,
        site: str,
        exchange: Exchange,
        inbox: Inbox,
        notebook: Notebook,
        lease: LeaseWatch,
        keys: Keys | None,
        on_notice: OnNotice,
    ) -> None:
        self._site = site
        self._exchange = exchange
        self.inbox = inbox
        self._notebook = notebook
        self._lease = lease
        self._keys = keys
        self._on_notice = on_notice
        self._tag = ""

    async def run(
        self, clock: Clock, back_off: BackOff, idle_s: float, on_open: Callable[[], None]
    ) -> None:
        """Read, for ever.

        Args:
            clock: Time.
            back_off: Between attempts.
            idle_s: Silence after which a stream counts as dead.
            on_open: Called at the first block of each stream.

        Raises:
            Refused: the gateway does not let this site in.
        """
        failures = 0
        while True:
            opened = False

            def note_open() -> None:
                nonlocal opened
                opened = True
                on_open()

            after_s = 0.0
            try:
                await self._follow(clock, idle_s, note_open)
            except BackLaterError as error:
                after_s = error.after_s or 0.0
            failures = 1 if opened else failures + 1
            wait = max(back_off.delay_s(failures), after_s)
            await clock.sleep_until(clock.now() + timedelta(seconds=wait))

    async def fetch_plan(self) -> None:
        """Ask for the newest plan.

        Raises:
            BackLaterError: no answer.
            Refused: the gateway does not let this site in.
        """
        path = f"/sites/{self._site}/plan"
        try:
            answer = await self._exchange.ask("GET", path, tag=self._tag, deadline_s=OPEN_S)
        except Refused as refused:
            if refused.problem.reason == "NO_PLAN":
                return
            raise
        if answer.status == 200:
            document = self._json(answer.body, "plan")
            if document is not None:
                await self._take_plan(document, None)
            self._tag = answer.tag

    async def _follow(self, clock: Clock, idle_s: float, on_open: Callable[[], None]) -> None:
        if self.inbox.plan is None:
            await self.fetch_plan()
        path = f"/stream?site={self._site}&after={self._notebook.received}"
        answer = await self._exchange.open(path, deadline_s=OPEN_S)
        fence = answer.headers.get(HEADER, "")
        stream = Stream(answer, clock, idle_s)
        try:
            block = await stream.next()
            on_open()
            while block.comment != BYE:
                if self._exchange.fences.overtaken(fence):
                    raise BackLaterError(STALE)
                self._lease.heard()
                if block.event:
                    await self._take(block)
                block = await stream.next()
        finally:
            stream.close()

    async def _take(self, block: Block) -> None:
        """Take one event in; what cannot be read is told and passed over, its neighbours go on."""
        event = self._json(block.data, block.event)
        data = event.get("data") if event is not None else None
        if isinstance(data, dict):
            if block.event == "plan":
                await self._take_plan(data, block.sequence)
            elif block.event == "intent":
                await self._take_intent(data, block.sequence, snapshot=False)
            elif block.event == "reset":
                await self._reset(data, block.sequence)
        self._notebook.read_to(block.sequence)

    async def _reset(self, data: Mapping[str, Any], sequence: int) -> None:
        self._notebook.restart(sequence)
        plan, intents = data.get("plan"), data.get("intents")
        for document in intents if isinstance(intents, list) else ():
            if isinstance(document, dict):
                await self._take_intent(document, sequence, snapshot=True)
        if isinstance(plan, dict):
            await self._take_plan(plan, sequence)

    async def _take_plan(self, document: Mapping[str, Any], sequence: int | None) -> None:
        if await self._trusted("plan", document):
            plan = self.inbox.take_plan(document, sequence)
            if plan is not None:
                self._lease.failsafe = plan.failsafe
                self._lease.lasts(plan.failsafe.lease_s)

    async def _take_intent(
        self, document: Mapping[str, Any], sequence: int, *, snapshot: bool
    ) -> None:
        if await self._trusted(str(document.get("id", "")), document):
            self.inbox.take_intent(document, sequence, snapshot=snapshot)

    async def _trusted(self, subject: str, document: Mapping[str, Any]) -> bool:
        try:
            if self._keys is None or await self._keys.holds(document):
                return True
        except MisuseError as error:
            self._on_notice(Notice(reason="UNREADABLE", subject=subject, detail=error.detail))
            return False
        detail = "the signature does not hold; it is not followed"
        self._on_notice(Notice(reason="SIGNATURE", subject=subject, detail=detail))
        return False

    def _json(self, data: bytes, subject: str) -> dict[str, Any] | None:
        try:
            found = read_json(data, largest=LARGEST_BLOCK)
        except WireError as error:
            self._on_notice(Notice(reason="UNREADABLE", subject=subject, detail=error.detail))
            return None
        return found if isinstance(found, dict) else None
