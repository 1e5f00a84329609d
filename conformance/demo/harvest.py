"""What a finished run left in the gateway's store, read back for the figures, the report and the story."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from conformance.demo.outcome import Happening
from conformance.demo.scenario import CONTRACT_METER, HOST_METER, SITE, UTILITY
from gateway.domain.errors import SessionError
from gateway.domain.event import EventKey
from gateway.domain.names import EventId, IntentId, MeterId, SiteId, UtilityName
from gateway.domain.plan import EffectivePlan
from gateway.domain.reading import Reading
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import Span, instant
from gateway.pipeline.ports import IntentRecord, OutboxItem, Work

_PAGE = 1000
_WORDS = {
    "scheduled": "the intent is signed and queued for the site",
    "acked": "the site has seen the intent",
    "committed": "the site commits",
    "pre_event": "the site takes part and waits for the ramp",
    "ramping_in": "ramp-in begins",
    "holding": "the event begins: the cap holds",
    "recovering": "the event is over; load comes back by the site's ramp",
    "completed": "recovery is over",
    "settled": "the statement is stored",
    "cancelled": "the event is cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """One run as the store remembers it."""

    record: IntentRecord
    statement: SettlementStatement
    it_load: Mapping[datetime, Decimal]
    """Start of each stored minute -> mean kW."""
    poc: Mapping[datetime, Decimal]
    plans: tuple[EffectivePlan, ...]
    """In the order they were made."""
    phases: tuple[tuple[datetime, str], ...]
    story: tuple[Happening, ...]

    @property
    def caps(self) -> list[tuple[datetime, Decimal | None]]:
        """The cap of the plan that held at each instant, from each instant on."""
        caps: list[tuple[datetime, Decimal | None]] = []
        ends: list[datetime | None] = [plan.made_at for plan in self.plans[1:]]
        for plan, until in zip(self.plans, [*ends, None], strict=True):
            caps += [
                (segment.start, segment.import_max_kw)
                for segment in plan.segments
                if until is None or segment.start < until
            ]
        return caps


def harvest(work: Work, span: Span, event_id: str) -> Harvest:
    """Read one run from the store.

    Raises:
        SessionError: ``NOT_FOUND`` when the event or its statement is not there, or late data is about to correct it.
    """
    key = EventKey(utility=UtilityName(UTILITY), event_id=EventId(event_id))
    record = next(iter(work.intents.of_event(key)), None)
    if record is None:
        raise SessionError("NOT_FOUND", f"the event {event_id} never reached the gateway")
    statements = [s for s in work.statements.of_site(SiteId(SITE)) if s.event_id == event_id]
    if not statements:
        raise SessionError("NOT_FOUND", f"no statement for {event_id} was made")
    open_still = work.open_statements.get(IntentId(record.intent.id))
    if open_still is not None and open_still.late_since is not None:
        raise SessionError("NOT_FOUND", f"the statement for {event_id} is about to be corrected")
    phases = tuple(_phases(work, record))
    return Harvest(
        record=record,
        statement=statements[-1],
        it_load=_series(work.telemetry.readings(SiteId(SITE), MeterId(CONTRACT_METER), span)),
        poc=_series(work.telemetry.readings(SiteId(SITE), MeterId(HOST_METER), span)),
        plans=tuple(_plans(work)),
        phases=phases,
        story=tuple(_story(work, record, phases, statements[-1])),
    )


def _series(readings: Iterable[Reading]) -> dict[datetime, Decimal]:
    found: dict[datetime, Decimal] = {}
    for reading in readings:
        mean = reading.mean_kw
        if mean is not None:
            found.setdefault(reading.start, mean)
    return found


def _plans(work: Work) -> Iterable[EffectivePlan]:
    after = 0
    while items := work.outbox.after(SiteId(SITE), after, _PAGE, "plan"):
        yield from (_plan(item) for item in items)
        after = items[-1].sequence


def _plan(item: OutboxItem) -> EffectivePlan:
    return EffectivePlan.model_validate(json.loads(item.body)["data"])


def _phases(work: Work, record: IntentRecord) -> Iterable[tuple[datetime, str]]:
    """Return each change of the intent's state, once."""
    told = [
        (instant(document["t"]), str(document["status"]))
        for entry in work.log.entries(kinds=("intent", "opt"), subject=record.intent.id)
        if "status" in (document := json.loads(entry.record))
    ]
    last = ""
    for at, status in told:
        if status != last:
            yield at, status
        last = status


def _story(
    work: Work,
    record: IntentRecord,
    phases: Iterable[tuple[datetime, str]],
    statement: SettlementStatement,
) -> Iterable[Happening]:
    told = [Happening(at=record.intent.received_at, what="the gateway receives the event")]
    told += [Happening(at=at, what=_WORDS.get(status, status)) for at, status in phases]
    for entry in work.log.entries(kinds=("opt",), subject=record.intent.id):
        document = json.loads(entry.record)
        if document.get("opt"):
            what = f"opt {document['opt']} ({document.get('reason', '')})"
            told.append(Happening(at=instant(document["t"]), what=what))
    told.append(Happening(at=statement.end, what="the hold is over"))
    for entry in work.log.entries(kinds=("settlement",), subject=record.intent.id):
        document = json.loads(entry.record)
        correction = document["statement"].get("correction")
        if correction:
            what = f"version {correction['corrects']} of the statement is corrected: {correction['reason']}"
            told.append(Happening(at=instant(document["t"]), what=what))
    return sorted(told, key=lambda one: one.at)
