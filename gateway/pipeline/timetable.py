"""Time passes: every due date is a row, done once, in the transaction that does it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from gateway.domain.errors import GatewayError, MisuseError, StoreError
from gateway.domain.names import IntentId
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.domain.ports import Mailbox
from gateway.domain.quantity import plain
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
    if turn.over(intent):
        turn.advance(record)
        return
    program = turn.program_of(record)
    site = turn.site_of(record)
    falls_back = site is not None and site.fail_safe_import_kw is not None
    opt = Opt.IN if program.opt_default == "in" and falls_back else Opt.OUT
    if intent.hold_reason:
        opt = Opt.OUT
    turn.decide(record, opt, "held" if intent.hold_reason else "default", "gateway")


def phase(turn: Turn, timer: Timer) -> None:
    """Move an intent to the phase that the clock says."""
    record = turn.work.intents.get(IntentId(timer.subject))
    if record is not None:
        turn.advance(record)


ACTIONS: Final[Mapping[str, Callable[[Turn, Timer], None]]] = {
    "opt_deadline": opt_deadline,
    "phase": phase,
}
"""What is done inside one transaction; ``settle`` reads and computes first, and has a transaction of its own."""
SETTLE: Final = "settle"


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
                try:
                    due_at = await self.office.store.read(lambda work: work.timers.next_due())
                    if due_at is None or due_at > self.office.clock.now():
                        await self._poke.get(until=due_at)
                        continue
                    await self._serve()
                except StoreError as error:
                    if error.reason not in {"BUSY", "FULL"}:
                        raise
                    log.error("timers_wait", reason=error.reason)
                    await self.office.clock.sleep_until(self.office.clock.now() + STORE_PAUSE)

    async def _serve(self) -> None:
        try:
            later = await self._act()
        except StoreError:
            raise
        except GatewayError:
            # One of them is poison: alone it shows itself, and does not hold up the others.
            later = await self._act_one_by_one()
        for timer in later:
            await self._settle(timer)

    async def _act(self, only: str | None = None) -> Sequence[Timer]:
        """Do what is due, or one of it; return what settles, which takes longer."""
        now = self.office.clock.now()

        def job(work: Work) -> tuple[Turn, list[Timer]]:
            turn = Turn(work=work, book=self.office.book, signer=self.office.signer, now=now)
            due = [timer for timer in work.timers.due(now) if only in {None, timer.key}]
            for timer in due:
                if timer.kind != SETTLE:
                    # Dropped first, so that an action may set its own timer anew.
                    work.timers.drop(timer.key)
                    self._do(turn, timer)
            return turn, [timer for timer in due if timer.kind == SETTLE]

        turn, later = await self.office.store.write(job, Step.TIMERS)
        tell(self.office, turn)
        return later

    def _do(self, turn: Turn, timer: Timer) -> None:
        action = _action(timer)
        self.office.watch(f"timer.{timer.kind}.begun")
        action(turn, timer)
        self.office.watch(f"timer.{timer.kind}.ran")

    async def _act_one_by_one(self) -> Sequence[Timer]:
        now = self.office.clock.now()
        later: list[Timer] = []
        for timer in await self.office.store.read(lambda work: work.timers.due(now)):
            try:
                later += await self._act(timer.key)
            except StoreError:
                raise
            except GatewayError as error:
                log.error("timer_set_aside", timer=timer.key, reason=error.reason)
                await self._set_aside(timer, error.reason)
        return later

    async def _set_aside(self, timer: Timer, reason: str) -> None:
        now = self.office.clock.now()
        document = {"word": "timer_set_aside", "kind": timer.kind, "reason": reason}

        def job(work: Work) -> None:
            work.timers.drop(timer.key)
            work.log.append("audit", timer.subject, document, now)

        await self.office.store.write(job, Step.SET_ASIDE)

    async def _settle(self, timer: Timer) -> None:
        self.office.watch(f"timer.{timer.kind}.begun")
        statement = await Settlement(self.office).settle(IntentId(timer.subject), timer)
        if statement is not None:
            log.info("settled", statement=statement.id, payment=plain(statement.totals.payment))
        self.office.watch(f"timer.{timer.kind}.ran")


def _action(timer: Timer) -> Callable[[Turn, Timer], None]:
    action = ACTIONS.get(timer.kind)
    if action is None:
        raise MisuseError("UNKNOWN_TIMER", f"nobody serves timers of kind {timer.kind}")
    return action
