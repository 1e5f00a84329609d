"""``gridgate intents`` and ``gridgate plan``: what the store says, read beside the gateway that writes it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import typer

from gateway.app.access import looking
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.table import SHORT_ID, local, short_local, shown, table
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.errors import SessionError
from gateway.domain.event import Kind
from gateway.domain.names import SiteId
from gateway.domain.plan import EffectivePlan, PlanSegment
from gateway.domain.quantity import plain
from gateway.domain.timespan import instant_text
from gateway.pipeline.ports import Work
from gateway.pipeline.records import IntentRecord

TEST_LINE: Final = "TEST MODE: nothing here obliges anybody"
_UNANSWERED: Final = "-"
_NO_CAP: Final = "none"
_LOSS: Final = {
    "hold_last": "holds the last plan",
    "apply_default": "falls back to {cap} kW",
    "release": "is released",
}


def intents(config: Path, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """List the intents of every site, oldest first.

    Raises:
        ConfigError: the file has faults.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    records = finish(_intents(loaded))
    if as_json:
        typer.echo(json.dumps(_intents_document(loaded, records), indent=2))
    else:
        typer.echo("\n".join(_intents_lines(loaded, records)))
    return Exit.OK


async def _intents(loaded: Loaded) -> tuple[IntentRecord, ...]:
    def job(work: Work) -> tuple[IntentRecord, ...]:
        return tuple(
            record
            for site in loaded.settings.site
            for record in work.intents.of_site(SiteId(site.id), live=False)
        )

    async with looking(loaded) as store:
        return await store.read(job)


def _intents_document(loaded: Loaded, records: Sequence[IntentRecord]) -> dict[str, object]:
    return {
        "test_mode": loaded.settings.gateway.test_mode,
        "intents": [
            {
                "utility": record.event.utility,
                "event_id": record.event.event_id,
                "version": record.version,
                "opt": record.opt.value if record.opt else None,
                "opt_reason": record.opt_reason,
                "opt_at": instant_text(record.opt_at) if record.opt_at else None,
                "acked_revision": record.acked_revision,
                "intent": record.intent.model_dump(mode="json", by_alias=True),
            }
            for record in records
        ],
    }


def _intents_lines(loaded: Loaded, records: Sequence[IntentRecord]) -> list[str]:
    zone = loaded.settings.gateway.timezone
    head = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    if not records:
        return [*head, "no intents yet"]
    rows = [_intent_cells(record, zone) for record in records]
    lines = table(
        ("INTENT", "SITE", "STATE", "OPT", "START", "CAP kW", "EVENT"), rows, right="CAP kW"
    )
    return [
        *head,
        *lines,
        "",
        *(line for record in records for line in _envelope_lines(record)),
        *(line for record in records for line in _told_lines(record)),
        f"intents: {len(records)}; START in {zone}; CAP is the lowest of its steps, as asked",
    ]


def _envelope_lines(record: IntentRecord) -> Iterator[str]:
    """Say why an intent is held, or in which points it is not followed as asked."""
    intent = record.intent
    if intent.hold_reason:
        yield f"held     {intent.id[:SHORT_ID]} {shown(intent.hold_reason)}"
    elif intent.guard is not None:
        for note in intent.guard.notes:
            yield f"clipped  {intent.id[:SHORT_ID]} {note.rule}: {shown(note.detail)}"


def _told_lines(record: IntentRecord) -> Iterator[str]:
    """Say what an intent informs about: messages word by word, prices with their unit."""
    intent = record.intent
    for ask in intent.asks:
        values = [segment.value for segment in ask.segments]
        if ask.kind is Kind.ALERT:
            text = intent.provenance.unmapped.get("textMessage", "")
            if text:
                yield f"message  {intent.id[:SHORT_ID]} priority {plain(values[0])}: {shown(text)}"
        elif ask.advisory and values:
            low, high = plain(min(values)), plain(max(values))
            span = low if low == high else f"{low} to {high}"
            name = shown(ask.signal_id) or ask.kind.value
            yield f"{name:<8} {intent.id[:SHORT_ID]} {span} {shown(ask.segments[0].unit)}"


def _intent_cells(record: IntentRecord, zone: str) -> tuple[str, ...]:
    intent = record.intent
    ask = intent.ask
    caps = [
        segment.resolved_import_max_kw
        for segment in (ask.segments if ask else ())
        if segment.resolved_import_max_kw is not None
    ]
    return (
        intent.id[:SHORT_ID],
        intent.site,
        "held" if intent.hold_reason else intent.status.value,
        record.opt.value if record.opt else _UNANSWERED,
        short_local(intent.timing.start, zone),
        plain(min(caps)) if caps else _NO_CAP,
        record.event.event_id,
    )


def plan(config: Path, site: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Show a site's effective plan.

    Raises:
        SessionError: ``NOT_FOUND`` for an unknown site, or one without a plan.
        ConfigError: the file has faults.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    require_site(loaded, site)
    found = finish(_plan(loaded, SiteId(site)))
    if found is None:
        detail = f"site {site} has no plan yet; one is made when an intent comes or the site asks"
        raise SessionError("NOT_FOUND", detail)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json", by_alias=True), indent=2))
    else:
        typer.echo("\n".join(_plan_lines(loaded, found)))
    return Exit.OK


def require_site(loaded: Loaded, site: str) -> None:
    """Refuse a site that the configuration does not know.

    Raises:
        SessionError: ``NOT_FOUND``, naming those that it knows.
    """
    known = [section.id for section in loaded.settings.site]
    if site not in known:
        detail = f"there is no site {shown(site)!r} in the configuration; it has {', '.join(known)}"
        raise SessionError("NOT_FOUND", detail)


async def _plan(loaded: Loaded, site: SiteId) -> EffectivePlan | None:
    async with looking(loaded) as store:
        return await store.read(lambda work: work.plans.get(site))


def _plan_lines(loaded: Loaded, found: EffectivePlan) -> list[str]:
    zone = loaded.settings.gateway.timezone
    # A rehearsal runs on a timeline of its own: what holds at the wall's time would say nothing about it.
    test_mode = loaded.settings.gateway.test_mode
    now = None if test_mode else found.segment_at(SystemClock().now())
    rows = [_segment_cells(segment, zone, segment is now) for segment in found.segments]
    return [
        *([TEST_LINE] if test_mode else []),
        f"plan of {found.site}, revision {found.revision}, made {local(found.made_at, zone)}",
        f"times in {zone}; power at {found.measurement_point}, import positive; "
        f"contract {plain(found.contracted_import_kw)} kW",
        "",
        *table(("", "FROM", "UNTIL", "PHASE", "CAP kW", "BECAUSE"), rows, right="CAP kW"),
        *_after_the_table(found, zone),
    ]


def _segment_cells(segment: PlanSegment, zone: str, is_now: bool) -> tuple[str, ...]:  # noqa: FBT001 - private, one caller
    return (
        ">" if is_now else "",
        short_local(segment.start, zone),
        short_local(segment.end, zone) if segment.end else "further notice",
        segment.phase.value,
        _NO_CAP if segment.import_max_kw is None else plain(segment.import_max_kw),
        " ".join(name[:SHORT_ID] for name in segment.because) or "-",
    )


def _after_the_table(found: EffectivePlan, zone: str) -> list[str]:
    failsafe = found.failsafe
    cap = failsafe.default_import_max_kw
    loss = _LOSS[failsafe.on_lease_loss].format(cap="?" if cap is None else plain(cap))
    lines = ["", f"silence  a site that hears nothing for {failsafe.lease_s} s {loss}"]
    lines += [
        f"open     {question.intent_id[:SHORT_ID]} waits for the site's answer until "
        f"{local(question.opt_by, zone)}"
        for question in found.open_questions
    ]
    return [*lines, *(f"note     {shown(note)}" for note in found.notes)]
