"""Does the statement follow from the records, computed again from the first reading on?"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.canonical import canonical
from gateway.domain.errors import ConfigError, GatewayError, MeterDataError
from gateway.domain.event import Basis
from gateway.domain.intent import Ask, Resolution
from gateway.settlement.bundle import Bundle
from gateway.settlement.checks.log import name_of
from gateway.settlement.checks.trail import CLOSING, closing_records, is_earlier
from gateway.settlement.evidence import RESULT, Result, cited, closing_documents, result_of
from gateway.settlement.finding import Finding, incomplete, mismatch
from gateway.settlement.inputs import Header, inputs_from_records
from gateway.settlement.methods import Methods
from gateway.settlement.records import (
    ConfigRecord,
    EventRecord,
    IntentRecord,
    Logged,
    TelemetryRecord,
)
from gateway.settlement.statement import settle

ENERGY_TOLERANCE: Final = Decimal("0.000001")
MONEY_TOLERANCE: Final = Decimal("0.01")
CAP_STEP: Final = Decimal("0.001")
"""A cap is rounded down to a watt."""
_NUMBER: Final = re.compile(r"-?\d{1,27}(\.\d{1,9})?")
_QUANTITY: Final = re.compile(r"(.*_kwh|.*_kw|payment|performance|estimate_scale)$")


def everything_cited_is_there(bundle: Bundle) -> Iterator[Finding]:
    """Check that the bundle holds the records that the statement names, no more of them and no less."""
    wanted = set(cited(bundle.result.statement))
    present = {f.index: f for f in bundle.records if f.record.k not in CLOSING | {"key"}}
    for index in sorted(wanted - present.keys()):
        yield incomplete(
            "closing", f"record {index}", "the statement cites it, the bundle lacks it"
        )
    for index in sorted(present.keys() - wanted):
        yield mismatch("closing", name_of(present[index]), "the statement does not cite it")


def terms_came_first(bundle: Bundle) -> Iterator[Finding]:
    """Check that terms were logged before the event, the event before the intent, and the terms before the start."""
    first: dict[type, Logged] = {}
    for found in bundle.records:
        first.setdefault(type(found.record), found)
    config, event, intent = (first.get(k) for k in (ConfigRecord, EventRecord, IntentRecord))
    if config is None or event is None or intent is None:
        return  # computing it again will say so
    if not config.index < event.index < intent.index:
        yield mismatch("order", name_of(intent), "terms, event and intent were not logged in turn")
    if config.record.t > bundle.result.statement.start:
        yield mismatch("order", name_of(config), "the terms were logged after the event began")


def limits_were_frozen(bundle: Bundle, methods: Methods) -> Iterator[Finding]:
    """Compute the frozen powers again from the telemetry that the log held when the intent was made."""
    first: Resolution | None = None
    for position, found in enumerate(bundle.records):
        record = found.record
        ask = record.intent.ask if isinstance(record, IntentRecord) and record.intent else None
        if ask is None or ask.resolution is None:
            continue
        if first is None:
            first = ask.resolution
            known = bundle.records[:position]
            yield from _window(found, ask.resolution, known, methods, _least(known))
        elif ask.resolution != first:
            yield mismatch("frozen", name_of(found), "a later revision changed what was frozen")
        yield from _caps(found, ask, ask.resolution)


def _least(known: Sequence[Logged]) -> int:
    terms = [found.record.terms for found in known if isinstance(found.record, ConfigRecord)]
    return terms[-1].present_least if terms else 1


def _window(
    found: Logged, frozen: Resolution, known: Sequence[Logged], methods: Methods, least: int
) -> Iterator[Finding]:
    minutes = (frozen.window_end - frozen.window_start) // timedelta(minutes=1)
    readings = [
        reading
        for earlier in known
        if isinstance(earlier.record, TelemetryRecord)
        for reading in methods.read(earlier.record.batch)
        if reading.meter == frozen.meter
    ]
    window = methods.present(readings, frozen.window_end, minutes, least)
    mean = window.mean_kw if window else None
    count = window.count if window else 0
    if count != frozen.samples or not _close(mean, frozen.pre_event_kw, ENERGY_TOLERANCE):
        text = f"{frozen.pre_event_kw} kW of {frozen.samples} samples was frozen, the log gives {mean} kW of {count}"
        yield mismatch("frozen", name_of(found), text)


def _caps(found: Logged, ask: Ask, frozen: Resolution) -> Iterator[Finding]:
    for segment in ask.segments:
        cap, mean = segment.resolved_import_max_kw, frozen.pre_event_kw
        if cap is None or mean is None or ask.basis is not Basis.FRACTION_OF_BASELINE:
            continue
        exact = max(Decimal(0), mean * segment.value)
        if not exact - CAP_STEP - ENERGY_TOLERANCE <= cap <= exact + ENERGY_TOLERANCE:
            text = f"the cap {cap} kW is not {segment.value} of {mean} kW"
            yield mismatch("frozen", name_of(found), text)


def _close(one: Decimal | None, other: Decimal | None, tolerance: Decimal) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= tolerance


def closing_was_logged(bundle: Bundle) -> Iterator[Finding]:
    """Check that the log itself holds what the result says, word for word, after everything it rests on."""
    statement = bundle.result.statement
    about = {"statement_id": statement.id, "version": statement.version}
    wanted = [canonical(document) for _, document in closing_documents(bundle.result)]
    closing = [found for found in closing_records(bundle) if not is_earlier(found, statement)]
    for found, document in zip(closing, wanted, strict=False):
        own = {key: value for key, value in found.document.items() if key in _BODY}
        if canonical(own) != document:
            yield mismatch("closing", name_of(found), f"{RESULT} says something else")
    if len(closing) < len(wanted):
        yield incomplete("closing", RESULT, f"the records that close {about} are not all there")
    if len(closing) > len(wanted):
        yield mismatch("closing", name_of(closing[-1]), "it closes another statement")
    inputs = cited(statement)
    if closing and inputs and closing[0].index < inputs[-1]:
        yield mismatch("order", name_of(closing[0]), "it was logged before what it rests on")


_BODY: Final = frozenset({"statement_id", "version", "vee", "baseline", "statement"})


def result_follows(bundle: Bundle, methods: Methods) -> Iterator[Finding]:
    """Validate, compute baseline and statement again, and compare: energies at 1e-6, money at 0.01."""
    statement = bundle.result.statement
    header = Header(
        statement_id=statement.id,
        version=statement.version,
        status=statement.status,
        software=statement.software,
        correction=statement.correction,
    )
    open_records = [found for found in bundle.records if found.record.k not in CLOSING]
    try:
        again = result_of(settle(inputs_from_records(open_records, header), methods))
    except MeterDataError as error:
        lacking = error.reason == "RECORDS_INCOMPLETE"
        yield (incomplete if lacking else mismatch)("recompute", RESULT, str(error))
    except ConfigError as error:
        yield mismatch("recompute", RESULT, "; ".join(error.faults))
    except (GatewayError, ArithmeticError) as error:
        yield mismatch("recompute", RESULT, f"it cannot be computed again: {error}"[:200])
    else:
        for path, text in _differences(again, bundle.result):
            yield mismatch("recompute", f"{RESULT} {path}", text)


def _differences(again: Result, claimed: Result) -> Iterator[tuple[str, str]]:
    ours, theirs = (found.model_dump(mode="json", by_alias=True) for found in (again, claimed))
    yield from _compared("", ours, theirs)


def _compared(path: str, ours: object, theirs: object) -> Iterator[tuple[str, str]]:
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        for key in ours:
            yield from _compared(f"{path}.{key}" if path else key, ours[key], theirs[key])
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for position, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _compared(f"{path}[{position}]", one, other)
    elif ours != theirs and not _near(path, ours, theirs):
        yield path, f"computed again it is {str(ours)[:40]}, not {str(theirs)[:40]}"


def _near(path: str, ours: object, theirs: object) -> bool:
    key = path.rpartition(".")[2]
    if not (isinstance(ours, str) and isinstance(theirs, str) and _QUANTITY.fullmatch(key)):
        return False
    if not (_NUMBER.fullmatch(ours) and _NUMBER.fullmatch(theirs)):
        return False
    tolerance = MONEY_TOLERANCE if path.endswith("totals.payment") else ENERGY_TOLERANCE
    return abs(Decimal(ours) - Decimal(theirs)) <= tolerance
