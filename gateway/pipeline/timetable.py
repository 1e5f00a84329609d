"""Time passes: every due date is a row, done once, in the transaction that does it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from gateway.domain.errors import GatewayError, MisuseError, StoreError
from gateway.domain.names import IntentId
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.domain.ports import TICK_S, Mailbox
from gateway.domain.quantity import plain
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.aside import put_timer_aside
from gateway.pipeline.attempts import counted, own_fault, tried
from gateway.pipeline.book import Office
from gateway.pipeline.guarding import why_silent
from gateway.pipeline.inbound import tell
from gateway.pipeline.ports import Timer, Work
from gateway.pipeline.settle import Settlement
from gateway.pipeline.turn import TOOK_PART, Turn
from gateway.pipeline.turning import turning

STORE_PAUSE: Final = timedelta(seconds=1)
"""Before timers are tried again while the store says busy or full, or cannot say what it has done."""
RECHECK: Final = timedelta(minutes=1)
"""Timers set by a transaction whose outcome nobody heard of are found so late at most (R-DUR-10)."""
DOUBT_PAUSE: Final = timedelta(seconds=10)
"""Between looks at the timers while the clock is not believed."""
SLEWED: Final = timedelta(seconds=1)
"""A smaller difference between the clock and what has elapsed is no step."""
MOST_TIMERS: Final = 100_000
LONGEST_ANSWER: Final = timedelta(days=400)
"""Beyond any time to answer that can be configured."""

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
    stays = intent.timing.standing or (program.opt_default == "in" and falls_back)
    opt = Opt.IN if stays else Opt.OUT
    if intent.hold_reason:
        opt = Opt.OUT
    turn.decide(record, opt, why_silent(intent), "gateway")


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
    _poke: Mailbox[bool] = field(init=False)
    _looked: tuple[datetime, float] = field(init=False)
    """The clock and what had elapsed, when both were last looked at."""
    _believed: bool = True
    _serving: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        clock = self.office.clock
        self._poke = clock.mailbox()
        self._looked = (clock.now(), clock.elapsed_s())

    def changed(self) -> None:
        """Look again: timers were set or moved."""
        if self._serving and len(self._poke) == 0:  # nobody else would ever take it
            self._poke.put(True)  # anything but None, which stands for the instant having come

    async def run(self) -> None:
        """Serve timers for ever.

        Raises:
            StoreError: the store can no longer be trusted.
        """
        self._serving = True
        with self.office.clock.held():
            try:
                while True:
                    await self._round()
            finally:
                self._serving = False
                while len(self._poke):  # what lies there holds a token
                    await self._poke.get()

    async def _round(self) -> None:
        try:
            await self._look()
            due_at = await self.office.store.read(lambda work: work.timers.next_due())
            now = self.office.clock.now()
            if due_at is None or due_at > now:
                await self._poke.get(until=min(due_at or now + RECHECK, now + RECHECK))
                return
            await self._serve()
            if not self.office.clock.sane:
                await self._pause(DOUBT_PAUSE)
        except StoreError as error:
            if not error.passing:
                raise
            log.error("timers_wait", reason=error.reason)
            await self._pause(STORE_PAUSE)

    async def _pause(self, length: timedelta) -> None:
        """Wait, whatever else happens: pokes are taken, for they hold up a virtual clock while they lie there."""
        clock = self.office.clock
        until_s = clock.elapsed_s() + length.total_seconds()
        while (left_s := until_s - clock.elapsed_s()) > TICK_S:
            await self._poke.get(until=clock.now() + timedelta(seconds=left_s))

    async def _look(self) -> None:
        """Notice that the clock was set, or is believed again, before any due date is judged by it."""
        clock = self.office.clock
        (then, before_s), now, elapsed_s = self._looked, clock.now(), clock.elapsed_s()
        due = then + timedelta(seconds=elapsed_s - before_s)
        if abs(now - due) > SLEWED:
            log.warning("clock_set", by_s=round((now - due).total_seconds(), 3), sane=clock.sane)
            await self._move(due, now)
        self._looked = (now, elapsed_s)
        if clock.sane != self._believed:
            log.warning("clock_believed" if clock.sane else "clock_doubted", now=now.isoformat())
            self._believed = clock.sane

    async def _move(self, due: datetime, now: datetime) -> None:
        """Leave sites the time to answer that they were given: it has not passed because somebody set the clock.

        All other timers stand for instants of the utility's, which setting our clock does not move.

        Args:
            due: What the clock would show now.
            now: What it shows.
        """

        def job(work: Work) -> None:
            for timer in work.timers.due(max(due, now) + LONGEST_ANSWER, MOST_TIMERS):
                cut_short = due < timer.due_at <= now
                put_off = now < due < timer.due_at
                if timer.kind == "opt_deadline" and (cut_short or put_off):
                    work.timers.set(replace(timer, due_at=timer.due_at + (now - due)))

        await self.office.store.write(job, Step.TIMERS)

    async def _serve(self) -> None:
        now, sane = self.office.clock.now(), self.office.clock.sane
        due = await self.office.store.read(lambda work: _due(work, now, sane=sane))
        quick = [timer for timer in due if timer.kind != SETTLE]
        keys = [_item(timer) for timer in quick]
        later: Sequence[Timer] = [timer for timer in due if timer.kind == SETTLE]
        suspected = any(map(self.office.attempts.made, keys))
        if quick and not suspected:
            try:
                with counted(self.office.attempts, keys):
                    self.office.watch("timers.counted")
                    later = await self._act()
            except GatewayError as error:
                if not own_fault(error):
                    raise
                suspected = True
        if suspected:
            # One of them is poison: alone it shows itself, and does not hold up the others.
            for timer in quick:
                await self._one(timer, partial(self._act, timer.key))
        for timer in later:
            await self._one(timer, partial(self._settle, timer))

    async def _act(self, only: str | None = None) -> Sequence[Timer]:
        """Do what is due, or one of it; return what settles, which takes longer."""
        now, sane = self.office.clock.now(), self.office.clock.sane

        def job(work: Work) -> tuple[Turn, list[Timer]]:
            due = [timer for timer in _due(work, now, sane=sane) if only in {None, timer.key}]
            with turning(self.office, work, now) as turn:
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

    async def _one(self, timer: Timer, act: Callable[[], Awaitable[object]]) -> None:
        """Do one timer by itself; set it aside when it cannot be done, or has killed the process too often."""
        attempts, item = self.office.attempts, _item(timer)
        reason = await tried(attempts, item, lambda: self.office.watch("timers.counted"), act)
        if not reason:
            return
        log.error("timer_set_aside", alarm=True, timer=timer.key, reason=reason)
        await self._set_aside(timer, reason)
        attempts.end((item,))

    async def _set_aside(self, timer: Timer, reason: str) -> None:
        office, now = self.office, self.office.clock.now()

        def job(work: Work) -> None:
            with turning(office, work, now) as turn:
                put_timer_aside(turn, timer, reason)

        await office.store.write(job, Step.SET_ASIDE)

    async def _settle(self, timer: Timer) -> None:
        self.office.watch(f"timer.{timer.kind}.begun")
        statement = await Settlement(self.office).settle(IntentId(timer.subject), timer)
        if statement is not None:
            log.info(
                "corrected" if statement.correction else "settled",
                statement=statement.id,
                version=statement.version,
                payment=plain(statement.totals.payment),
            )
        self.office.watch(f"timer.{timer.kind}.ran")


def _item(timer: Timer) -> str:
    """Name a timer, as attempts at it are counted: for another instant it is another one."""
    return f"timer {timer.key} {timer.due_at.isoformat()}"


def _due(work: Work, now: datetime, *, sane: bool) -> Sequence[Timer]:
    """Return what is due; while the clock is not believed, only what leads running events to their end (R-TLS-4)."""
    if sane:
        return work.timers.due(now)
    return [timer for timer in work.timers.due(now, MOST_TIMERS) if _runs(work, timer)]


def _runs(work: Work, timer: Timer) -> bool:
    record = work.intents.get(IntentId(timer.subject)) if timer.kind == "phase" else None
    return record is not None and record.intent.status in TOOK_PART


def _action(timer: Timer) -> Callable[[Turn, Timer], None]:
    action = ACTIONS.get(timer.kind)
    if action is None:
        raise MisuseError("UNKNOWN_TIMER", f"nobody serves timers of kind {timer.kind}")
    return action
