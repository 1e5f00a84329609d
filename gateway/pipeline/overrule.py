"""The operator decides by hand: the same path as a site's answer, under the operator's own name.

The last word counts, whoever says it: a site may answer again afterwards, and the utility is told each change by a
fresh answer. What is over or cancelled stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import SessionError
from gateway.domain.event import EventKey
from gateway.domain.intent import State
from gateway.domain.names import EventId, IntentId, SiteId, UtilityName
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.apart import may_be_alone
from gateway.pipeline.book import Office
from gateway.pipeline.feedback import GATEWAYS_WORDS
from gateway.pipeline.guarding import counted, refuses
from gateway.pipeline.inbound import tell
from gateway.pipeline.ports import IntentRecord, Work
from gateway.pipeline.release import release
from gateway.pipeline.turn import Turn
from gateway.pipeline.turning import turning

_LISTED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the operator wants."""

    event_id: EventId
    opt: Opt
    """``in`` or ``out``."""
    reason: str
    by: str
    """``operator:<user>``."""
    utility: UtilityName | None = None
    """Needed when several utilities use the event id."""
    sites: tuple[SiteId, ...] = ()
    """Needed when the event concerns several; empty: the only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What a decision comes to at one site."""

    utility: UtilityName
    event_id: EventId
    version: int
    site: SiteId
    intent: str
    start: datetime
    before: Opt | None
    before_reason: str
    opt: Opt
    upstream_before: Opt | None
    upstream: Opt | None
    """What the utility is told; None: it waits for other sites' answers."""
    changed: bool
    """False: that was the answer already."""
    apart: bool = False
    """True: it is told for this site alone; the event's answer stays that of the others."""


@dataclass(frozen=True, slots=True)
class Overrule:
    """Takes an operator's decisions."""

    office: Office

    async def preview(self, ruling: Ruling) -> tuple[Ruled, ...]:
        """Say what a decision would come to; nothing is written.

        Raises:
            SessionError: as ``rule``.
        """
        return await self.office.store.read(lambda work: self._foreseen(self._turn(work), ruling))

    async def rule(self, ruling: Ruling) -> tuple[Ruled, ...]:
        """Decide, tell the utility, and write down who did it.

        Raises:
            SessionError: ``NOT_FOUND``, ``AMBIGUOUS`` (several utilities or sites), ``TOO_LATE`` (over or cancelled),
                ``REFUSED`` (nobody can be held to what could not be computed).
        """

        def job(work: Work) -> tuple[Turn, tuple[Ruled, ...]]:
            with turning(self.office, work, self.office.clock.now()) as turn:
                foreseen = self._foreseen(turn, ruling)
                for one in foreseen:
                    if one.changed:
                        _decide(turn, one, ruling)
                return turn, tuple(_come_to(turn, one) for one in foreseen)

        turn, ruled = await self.office.store.write(job, Step.RULING)
        tell(self.office, turn)
        return ruled

    def _turn(self, work: Work) -> Turn:
        office = self.office
        return Turn(work=work, book=office.book, signer=office.signer, now=office.clock.now())

    def _foreseen(self, turn: Turn, ruling: Ruling) -> tuple[Ruled, ...]:
        key = self._event(turn.work, ruling)
        records = _asked(turn.work.intents.of_event(key), ruling.sites)
        apart = _apart(turn, key, records, ruling)
        for record in records:
            _open(turn, record, ruling.opt)
        chosen = {record.intent.id: ruling.opt for record in records}
        return tuple(_ruled(turn, record, ruling, chosen, apart) for record in records)

    def _event(self, work: Work, ruling: Ruling) -> EventKey:
        names = {name for name, _ in self.office.book.programs}
        wanted = [ruling.utility] if ruling.utility else sorted(names)
        keys = [EventKey(utility=name, event_id=ruling.event_id) for name in wanted]
        known = [key for key in keys if work.intents.of_event(key)]
        if not known:
            of = f" of utility {ruling.utility}" if ruling.utility else ""
            detail = f"no event {ruling.event_id[:80]!r}{of} asks anything of a site; `gridgate intents` lists them"
            raise SessionError("NOT_FOUND", detail)
        if len(known) > 1:
            several = ", ".join(key.utility for key in known)
            detail = f"{several} each have an event of that id; name one with --utility"
            raise SessionError("AMBIGUOUS", detail)
        return known[0]


def _asked(records: Sequence[IntentRecord], sites: tuple[SiteId, ...]) -> list[IntentRecord]:
    there: Mapping[str, IntentRecord] = {record.intent.site: record for record in records}
    listed = ", ".join(sorted(there)[:_LISTED])
    missing = [site for site in sites if site not in there]
    if missing:
        detail = f"the event does not concern site {missing[0]}; it concerns {listed}"
        raise SessionError("NOT_FOUND", detail)
    if not sites and len(there) > 1:
        detail = f"the event concerns {len(there)} sites ({listed}); name each with --site"
        raise SessionError("AMBIGUOUS", detail)
    return [there[site] for site in dict.fromkeys(sites)] or list(there.values())


def _open(turn: Turn, record: IntentRecord, opt: Opt) -> None:
    intent = record.intent
    closed = intent.status in TERMINAL or intent.status is State.COMPLETED
    # The clock counts, not the last timer: after a restart the state may lag behind.
    if closed or intent.cancelled_at is not None or turn.over(intent):
        what = "was cancelled" if intent.cancelled_at is not None else "is over"
        raise SessionError("TOO_LATE", f"the event {what} at site {intent.site}")
    if opt is Opt.OUT:
        return
    if intent.hold_reason and intent.guard is None:
        detail = (
            f"what is asked of site {intent.site} is not known ({intent.hold_reason}); answer out"
        )
        raise SessionError("REFUSED", detail)
    why = "" if intent.hold_reason else refuses(turn, record)
    if why:
        raise SessionError(
            "REFUSED", f"outside the operator's envelope by now: {why.replace(';', ',')}"
        )


def _apart(
    turn: Turn, key: EventKey, records: Sequence[IntentRecord], ruling: Ruling
) -> frozenset[str]:
    """Return the sites that are answered for in their own name: named ones among several, or told so before."""
    before = turn.work.opting.apart(key)
    named = {record.intent.site for record in records}
    others = {
        record.intent.site
        for record in turn.work.intents.of_event(key)
        if record.intent.cancelled_at is None and record.intent.site not in before
    } - named
    if ruling.opt is Opt.OUT and ruling.sites and others and may_be_alone(turn, key):
        return frozenset(named)
    return frozenset(named & before)


def _ruled(
    turn: Turn,
    record: IntentRecord,
    ruling: Ruling,
    chosen: Mapping[str, Opt],
    apart: frozenset[str],
) -> Ruled:
    alone = record.intent.site in apart
    siblings = [
        replace(sibling, opt=chosen.get(sibling.intent.id, sibling.opt))
        for sibling in ([record] if alone else turn.siblings(record))
    ]
    same = (record.opt, record.opt_reason) == counted(
        record.intent, ruling.opt, _own_word(ruling.reason)
    )
    return Ruled(
        utility=record.event.utility,
        event_id=record.event.event_id,
        version=record.version,
        site=SiteId(record.intent.site),
        intent=record.intent.id,
        start=record.intent.timing.start,
        before=record.opt,
        before_reason=record.opt_reason,
        opt=ruling.opt,
        upstream_before=turn.upstream(record),
        upstream=turn.outcome(siblings),
        changed=not same or (alone and not turn.alone(record)),
        apart=alone,
    )


def _own_word(reason: str) -> str:
    """Keep the gateway's own words for itself."""
    return f"operator_{reason}"[:256] if reason in GATEWAYS_WORDS else reason


def _come_to(turn: Turn, one: Ruled) -> Ruled:
    record = turn.work.intents.get(IntentId(one.intent))
    return one if record is None else replace(one, upstream=turn.upstream(record))


def _decide(turn: Turn, one: Ruled, ruling: Ruling) -> None:
    record = next(
        record
        for record in turn.work.intents.of_event(
            EventKey(utility=one.utility, event_id=one.event_id)
        )
        if record.intent.id == one.intent
    )
    reason = _own_word(ruling.reason)
    answer = {"revision": record.intent.revision, "opt": ruling.opt.value, "reason": reason}
    document = {"cause": "operator", "site": one.site, "by": ruling.by, "answer": answer}
    turn.log("opt", record.intent.id, document)
    if record.intent.hold_reason and ruling.opt is not Opt.OUT:
        record = release(turn, record, ruling.by)  # what the envelope held for him, he waives
    if one.apart:
        turn.work.opting.set_apart(record.event, one.site)
    turn.decide(record, ruling.opt, reason, ruling.by)
