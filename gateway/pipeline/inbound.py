"""An event comes in: remembered, made into intents, planned and queued, all in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import structlog

from gateway.domain.errors import UNKNOWN_OUTCOME, GatewayError, StoreError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.opting import Decision, OptSchedule
from gateway.domain.points import Step
from gateway.pipeline.aside import put_aside
from gateway.pipeline.attempts import MOST, counted, own_fault, tried
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Seen, Work
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning
from gateway.protocols.actions import Emit, Fact, Kept
from gateway.protocols.parts import State

log = structlog.get_logger()
T = TypeVar("T")

TAKEN_AT_ONCE: Final = 50
"""Events in one transaction."""
_Found = tuple[GridEvent, Emit]
_Act = Callable[[Turn], None]


@dataclass(frozen=True, slots=True)
class Inbound:
    """The first door of the story; met by the drivers of every protocol."""

    office: Office

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        """Take what a session brings; calling it twice with the same events changes nothing.

        A message of very many events is taken in parts, so that it does not keep the one writer from everybody else;
        the session's state goes with the last of them, and a crash before it brings the whole message again.

        Args:
            utility: Whose session.
            emits: New versions of events, each with the bytes it came in.
            state: The session's, whole or what of it has changed, stored in the same transaction; empty: the stored one
                stays.
            taken: What the session has made its own.
            kept: What the utility told, for people; stored with the state.

        Raises:
            StoreError: nothing of it was stored; the session must not acknowledge.
        """
        found = [(event, emit) for emit in emits for event in emit.events]

        def ends(turn: Turn) -> None:
            for decision in taken:
                _taken(turn.work, decision)
            for told in kept:
                _keep(turn.work, utility, told)
            if state:
                turn.work.sessions.put(utility, state)

        while len(found) > TAKEN_AT_ONCE:
            part, found = found[:TAKEN_AT_ONCE], found[TAKEN_AT_ONCE:]
            await self._part(utility, part, None, Step.INTAKE)
        await self._part(utility, found, ends, _step(emits, taken))

    async def _part(
        self, utility: UtilityName, found: Sequence[_Found], ends: _Act | None, step: Step
    ) -> None:
        """Take in a part in one transaction, or one by one when one of the events may be poison."""
        if await self._together(utility, found, ends, step):
            return
        for one in found:
            await self._one(one)
        if ends is not None:
            await self._write(utility, ends, Step.SESSION)

    async def _together(
        self, utility: UtilityName, found: Sequence[_Found], ends: _Act | None, step: Step
    ) -> bool:
        """Return False, with nothing done, when one of the events may be poison."""
        attempts, keys = self.office.attempts, [_item(event) for event, _ in found]
        if any(map(attempts.made, keys)):
            return False

        def act(turn: Turn) -> None:
            for one in found:
                _take(turn, one)
            if ends is not None:
                ends(turn)

        try:
            with counted(attempts, keys):
                if keys:
                    self.office.watch("intake.counted")
                await self._write(utility, act, step)
        except GatewayError as error:
            if not (keys and own_fault(error)):
                raise
            log.error("intake_by_pieces", utility=utility, reason=error.reason)
            return False
        return True

    async def _one(self, one: _Found) -> None:
        """Take in one event by itself: it may be poison, and its neighbours go on."""
        event = one[0]
        attempts, item = self.office.attempts, _item(event)
        made = attempts.made(item)

        async def act() -> None:
            await self._write(event.utility, lambda turn: _take(turn, one), Step.INTAKE)

        reason = await tried(attempts, item, lambda: self.office.watch("intake.counted"), act)
        if not reason:
            return
        log.error("event_set_aside", alarm=True, event_id=event.event_id, reason=reason)
        await self._set_aside(one, reason, made)

    async def _set_aside(self, one: _Found, reason: str, made: int) -> None:
        event, emit = one
        attempts, item = self.office.attempts, _item(event)
        # Ending what stands under older versions may be what kills: it is tried twice, then left to the operator.
        ends = made < 2 * MOST
        attempts.begin((item,))
        try:
            await self._write(
                event.utility,
                lambda turn: put_aside(turn, event, emit.raw, reason, ends=ends),
                Step.SET_ASIDE,
            )
        except StoreError:  # no fault of the event's: this attempt does not count
            attempts.end((item,))
            for _ in range(made):
                attempts.begin((item,))
            raise
        attempts.end((item,))

    async def _write(self, utility: UtilityName, act: _Act, step: Step) -> None:
        now = self.office.clock.now()

        def job(work: Work) -> Turn:
            with turning(self.office, work, now) as turn:
                act(turn)
            return turn

        tell(self.office, await committed(self.office, job, step, self._sites(utility)))

    def _sites(self, utility: UtilityName) -> set[SiteId]:
        programs = self.office.book.programs.values()
        return {site for p in programs if p.utility == utility for site in p.sites}

    async def pending(self, utility: UtilityName) -> Sequence[Decision]:
        """Return what no session has taken yet."""

        def look(work: Work) -> tuple[Decision, ...]:
            return (*work.opting.pending(utility), *work.participations.pending(utility))

        return await self.office.store.read(look)


def _taken(work: Work, decision: Decision) -> None:
    if isinstance(decision, OptSchedule):
        work.opting.taken(decision)
    else:
        work.participations.taken(decision)


def _keep(work: Work, utility: UtilityName, told: Kept) -> None:
    if isinstance(told, Fact):
        work.told.note(utility, told)
    else:
        work.told.add(utility, told.request, told.at, told.values)


def _take(turn: Turn, one: _Found) -> None:
    event, emit = one
    turn.answer_within = emit.answer_within
    _remember(turn, event, emit.raw)


def _item(event: GridEvent) -> str:
    """Name one version of an event, as attempts at it are counted."""
    cancelled = "cancelled" if event.cancelled_at is not None else "taken"
    return f"event {event.utility}/{event.event_id}/{event.version}/{cancelled}"


def _step(emits: Sequence[Emit], taken: Sequence[Decision]) -> Step:
    if any(event.cancelled_at is None for emit in emits for event in emit.events):
        return Step.INTAKE
    if emits:
        return Step.CANCEL
    return Step.TAKEN if taken else Step.SESSION


class Effect(StrEnum):
    """What a delivery of one version of an event leads to."""

    ADMIT = "admit"
    """Intents are made, revised or cancelled."""
    REPEAT = "repeat"
    """Known; the answer is given again."""
    OUTDATED = "outdated"
    """A newer version, or its cancellation, is known; it stays (OpenADR 2.0b rule 58)."""
    CONFLICT = "conflict"
    """The same version, but another request; the first one stays."""


def _remember(turn: Turn, event: GridEvent, raw: RawMessage) -> None:
    key = EventKey(utility=event.utility, event_id=event.event_id)
    known = turn.work.events.newest(key)
    seen = turn.work.events.remember(event, raw)
    effect = _judge(turn, event, known, seen)
    turn.counts.append(("event", effect.value))
    document: dict[str, object] = {
        "utility": event.utility,
        "event_id": event.event_id,
        "version": event.version,
        "program": event.program,
        "raw_sha256": event.raw_sha256,
        "cancelled": event.cancelled_at is not None,
        "seen": seen.value,
    }
    if effect is Effect.ADMIT:
        if seen is not Seen.DUPLICATE or event.cancelled_at is None:
            turn.log("event", event.event_id, document)
        turn.admit(event)
    elif effect is Effect.REPEAT:
        turn.repeat(event)
    elif seen is not Seen.DUPLICATE:
        turn.log("audit", event.event_id, {**document, "word": effect.value})


def _judge(turn: Turn, event: GridEvent, known: GridEvent | None, seen: Seen) -> Effect:
    """Say what a delivery means.

    Args:
        turn: To look at the intents.
        event: As delivered.
        known: The newest version known before it, its cancellation if there is one.
        seen: What the store knew of this very version.
    """
    if known is not None and event.version < known.version:
        return Effect.OUTDATED
    if event.cancelled_at is not None:
        # Cancelling twice changes nothing, and a lost cancellation would be the worst of faults.
        return Effect.ADMIT
    if seen is Seen.CONFLICT:
        return Effect.CONFLICT
    if known is None or known.version < event.version:
        return Effect.ADMIT
    if known.cancelled_at is None or not turn.withdrawn(event):
        # What waited for the operator because of a doubt is taken anew once the doubt is gone.
        return Effect.ADMIT if _doubt_is_gone(turn, event, known.doubt) else Effect.REPEAT
    # An event that had only vanished from the list is taken anew (rule 61); one cancelled in words is not.
    return Effect.ADMIT if known.cancel_implied else Effect.OUTDATED


async def committed(
    office: Office, job: Callable[[Work], T], step: Step, sites: Iterable[SiteId]
) -> T:
    """Run a job of the story; when its outcome stays unknown, let everybody look whom it may concern (R-DUR-10).

    Args:
        office: Store and bells.
        job: What to do.
        step: What it is for.
        sites: Whose streams may have something new then.

    Raises:
        StoreError: as the store says; nothing may be told.
    """
    known = False
    try:
        done = await office.store.write(job, step)
        known = True
    except GatewayError as error:
        known = error.reason != UNKNOWN_OUTCOME
        raise
    finally:
        if not known:  # unheard of, or the caller was cancelled: the job runs all the same
            for site in sites:
                office.bell.ring(site)
            office.timers_changed()
    return done


def _doubt_is_gone(turn: Turn, event: GridEvent, doubt: str) -> bool:
    """Say whether an event comes without the doubt for which its intents are held."""
    key = EventKey(utility=event.utility, event_id=event.event_id)
    held = any(r.intent.hold_reason == doubt for r in turn.work.intents.of_event(key))
    return bool(doubt) and not event.doubt and held


def tell(office: Office, turn: Turn) -> None:
    """After the commit: wake streams, sessions and the timetable."""
    for site in sorted(turn.touched):
        office.bell.ring(site)
    for decision in turn.decided:
        office.decided(decision)
    for what in turn.counts:
        office.count(*what)
    for word, fields in turn.notices:
        log.warning(word, **fields)
    office.timers_changed()
