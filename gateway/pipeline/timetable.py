"""Time passes: every due date is a row, done once, in the transaction that does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from gateway.domain.errors import StoreError
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt
from gateway.domain.ports import Mailbox
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.book import Office
from gateway.pipeline.inbound import tell
from gateway.pipeline.ports import Timer, Work
from gateway.pipeline.settle import Settlement
from gateway.pipeline.turn import Turn

STORE_PAUSE: Final = timedelta(seconds=1)
"""Before timers are tried again while the store says busy or full."""

log = structlog.get_logger()


def opt_deadline(turn: Turn, timer: Timer) -> None:
    """Answer for a site that stayed silent: the declared default, which says so upstream (product decision 11)."""
    record = turn.work.intents.get(IntentId(timer.subject))
    if record is None or record.opt is not None or record.intent.status in TERMINAL:
        return
    intent = record.intent
    program = turn.program_of(record)
    caps = turn.book.sites[SiteId(intent.site)].fail_safe_import_kw
    opt = Opt.IN if program.opt_default == "in" and caps is not None else Opt.OUT
    if intent.hold_reason:
        opt = Opt.OUT
    turn.decide(record, opt, "held" if intent.hold_reason else "default", "gateway")


def phase(turn: Turn, timer: Timer) -> None:
    """Move an intent to the phase that the clock says."""
    record = turn.work.intents.get(IntentId(timer.subject))
    if record is None or record.intent.status in TERMINAL:
        return
    advanced = turn.advance(record)
    if advanced.intent.status in TERMINAL:
        turn.replan(SiteId(advanced.intent.site))


ACTIONS: Final[Mapping[str, Callable[[Turn, Timer], None]]] = {
    "opt_deadline": opt_deadline,
    "phase": phase,
}
"""What is done inside one transaction; ``settle`` reads and computes first, and has a transaction of its own."""


@dataclass
class Timetable:
    """Does what is due; overdue rows after a restart are judged by the clock of now, never blindly fired."""

    office: Office
    _poke: Mailbox[None] = field(init=False)

    def __post_init__(self) -> None:
        self._poke = self.office.clock.mailbox()

    def changed(self) -> None:
        """Look again: timers were set or moved."""
        if len(self._poke) == 0:
            self._poke.put(None)

    async def run(self) -> None:
        """Serve timers for ever.

        Raises:
            StoreError: the store can no longer be trusted.
        """
        with self.office.clock.held():
            while True:
                due_at = await self.office.store.read(lambda work: work.timers.next_due())
                if due_at is None or due_at > self.office.clock.now():
                    await self._poke.get(until=due_at)
                    continue
                await self._serve()

    async def _serve(self) -> None:
        now = self.office.clock.now()

        def job(work: Work) -> tuple[Turn, list[Timer]]:
            turn = Turn(work=work, book=self.office.book, signer=self.office.signer, now=now)
            later = []
            for timer in work.timers.due(now):
                if timer.kind == "settle":
                    later.append(timer)
                    continue
                # Dropped first, so that an action may set its own timer anew.
                work.timers.drop(timer.key)
                ACTIONS[timer.kind](turn, timer)
            return turn, later

        try:
            turn, later = await self.office.store.write(job)
            tell(self.office, turn)
            for timer in later:
                await self._settle(timer)
        except StoreError as error:
            if error.reason not in {"BUSY", "FULL"}:
                raise
            log.error("timers_wait", reason=error.reason)
            await self.office.clock.sleep_until(now + STORE_PAUSE)

    async def _settle(self, timer: Timer) -> None:
        statement = await Settlement(self.office).settle(IntentId(timer.subject))
        await self.office.store.write(lambda work: work.timers.drop(timer.key))
        if statement is not None:
            log.info("settled", statement=statement.id, payment=str(statement.totals.payment))
