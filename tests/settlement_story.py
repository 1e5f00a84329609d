"""A small event, told as log records: what the settlement and evidence tests settle, cut up and falsify.

The site draws 100 kW, is asked at 16:00 to stay at three quarters of that from 16:30 to 19:30 local, and draws 70 kW.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.canonical import canonical
from gateway.domain.event import GridEvent
from gateway.domain.intent import ComputeFlexIntent, FailSafe
from gateway.domain.names import IntentId
from gateway.domain.participation import Opt
from gateway.domain.program import Program
from gateway.domain.settlement import StatementStatus
from gateway.domain.site import Site
from gateway.intents.derive import Envelope, Terms, derive, needs_present, present_span, resolution
from gateway.pipeline.methods import METHODS
from gateway.settlement.inputs import Header, SettlementInputs, inputs_from_records
from gateway.settlement.records import Logged, envelope, logged, src_of
from gateway.settlement.terms import StatementTerms, terms_of
from tests.intent_samples import EVENT, PROGRAM, SITE, START, UTC_1600

MINUTE = timedelta(minutes=1)
FIRST = UTC_1600 - 80 * MINUTE
LAST = START + timedelta(hours=4)
HEADER = Header(
    statement_id="st-1", version=1, status=StatementStatus.INITIAL, software="gridgate 0.1.0"
)
TERMS = terms_of(PROGRAM, SITE, simulated=True)


def load_at(at: datetime) -> Decimal:
    """Return the plant's power, kW: 100, and 70 from 16:15 to 19:30."""
    return Decimal(70) if START - 15 * MINUTE <= at < START + timedelta(hours=3) else Decimal(100)


@dataclass
class Story:
    """A log that is written in order; every record gets its envelope from here."""

    terms: StatementTerms = TERMS
    event: GridEvent = EVENT
    program: Program = PROGRAM
    site: Site = SITE
    records: list[Logged] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    batches: dict[datetime, TelemetryBatch] = field(default_factory=dict)

    @property
    def intent_id(self) -> str:
        """The id that the event has at the site."""
        return "6b3d9e0a-5c1f-5e0b-9a55-3d7c2f1a8e44"

    def log(self, kind: str, subject: str, document: Mapping[str, object], at: datetime) -> int:
        """Append one record."""
        src = src_of(kind, subject)
        seq = self.counts.get(src, 0)
        self.counts[src] = seq + 1
        body = canonical(envelope(kind, subject, document, seq=seq, at=at))
        self.records.append(logged(len(self.records), body))
        return len(self.records) - 1

    def agree(self, at: datetime = FIRST - timedelta(hours=1)) -> None:
        """Log the terms."""
        document = {"terms": self.terms.model_dump(mode="json")}
        subject = f"{self.terms.utility}/{self.terms.program}/{self.terms.site}"
        self.log("config", subject, document, at)

    def meter(self, at: datetime, energy_kwh: Decimal | None = None) -> None:
        """Log the batch of one minute; it arrives two seconds after its end."""
        energy = load_at(at) / 60 if energy_kwh is None else energy_kwh
        sample = Sample(
            meter=self.terms.meter,
            start=at,
            duration=self.terms.meter_interval,
            energy_kwh=energy.quantize(Decimal("1e-9")),
        )
        batch = TelemetryBatch(batch_id=f"{at:%H%M%S}", samples=(sample,), clock_offset_ms=1)
        self.batches[at] = batch
        document = {"site": self.site.site, "batch": batch.model_dump(mode="json")}
        self.log("telemetry", self.site.site, document, at + MINUTE + timedelta(seconds=2))

    def notify(self, event: GridEvent, at: datetime) -> ComputeFlexIntent:
        """Log the event and the intent that it makes."""
        self.event = event
        document = {
            "utility": event.utility,
            "event_id": event.event_id,
            "version": event.version,
            "program": event.program,
            "raw_sha256": event.raw_sha256,
        }
        self.log("event", event.event_id, document, at)
        intent = self.derived(at)
        self.revise(intent, at)
        return intent

    def derived(self, at: datetime) -> ComputeFlexIntent:
        """Make the intent as the gateway does, from what has been metered so far."""
        event, frozen = self.event, None
        if needs_present(event):
            span = present_span(event, self.program.present_minutes)
            readings = [r for batch in self.batches.values() for r in METHODS.read(batch)]
            least = self.program.present_least
            window = METHODS.present(readings, span.end, self.program.present_minutes, least)
            frozen = resolution(event, self.program, self.site, window)
        return derive(
            event,
            self.program,
            self.site,
            Terms(
                lease_s=60,
                heartbeat_s=15,
                fail_safe=FailSafe(
                    on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60
                ),
            ),
            Envelope(
                intent_id=IntentId(self.intent_id),
                revision=event.version + 1,
                sequence=event.version + 1,
                event_ref="ref-1",
                now=at,
            ),
            frozen,
        )

    def revise(self, intent: ComputeFlexIntent, at: datetime) -> None:
        """Log one revision."""
        document = {
            "intent": intent.model_dump(mode="json", by_alias=True),
            "cause": "intent",
            "status": intent.status.value,
        }
        self.log("intent", intent.id, document, at)

    def answer(self, opt: Opt, at: datetime) -> None:
        """Log one answer."""
        self.log("opt", self.intent_id, {"opt": opt.value, "reason": "committed"}, at)

    def inputs(self, header: Header = HEADER) -> SettlementInputs:
        """Rebuild the inputs from the records."""
        return inputs_from_records(self.records, header)

    def run_meter(self, start: datetime, end: datetime, skip: Iterable[datetime] = ()) -> None:
        """Log every minute of ``[start, end)`` but some."""
        left_out = set(skip)
        at = start
        while at < end:
            if at not in left_out:
                self.meter(at)
            at += MINUTE


def told(
    *,
    terms: StatementTerms = TERMS,
    skip: Iterable[datetime] = (),
    event: GridEvent = EVENT,
    answer: Opt | None = Opt.IN,
) -> Story:
    """Tell the whole story up to half an hour after the event."""
    story = Story(terms=terms)
    left_out = set(skip)
    story.agree()
    story.run_meter(FIRST, UTC_1600, left_out)
    story.notify(event, UTC_1600 + timedelta(seconds=31))
    if answer is not None:
        story.answer(answer, UTC_1600 + timedelta(seconds=40))
    story.run_meter(UTC_1600, LAST, left_out)
    return story


def with_program(**changes: object) -> StatementTerms:
    """Return terms of a changed program."""
    return terms_of(replace(PROGRAM, **changes), SITE)  # type: ignore[arg-type]  # test shorthand
