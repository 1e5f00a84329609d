"""``gridgate telemetry received``: what utilities reported to us, and what they offer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from gateway.app.access import looking
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE
from gateway.cli.table import short_local, shown, table
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, WireError
from gateway.domain.names import UtilityName
from gateway.domain.timespan import duration_text, instant, instant_text
from gateway.pipeline.opting import StoredValue
from gateway.pipeline.ports import Work
from gateway.protocols.actions import Fact, FactKind

_ALWAYS: Final = datetime(2000, 1, 1, tzinfo=UTC)
_Told = tuple[tuple[StoredValue, ...], list[tuple[str, Fact]]]


def received(
    config: Path,
    utility: str,
    since: str,
    limit: int,
    as_json: bool,  # noqa: FBT001 - the CLI passes it by name
) -> int:
    """List the newest values that utilities reported, oldest first, and the reports that they offer or owe.

    Raises:
        ConfigError: the file or the arguments have faults.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    names = [section.name for section in loaded.settings.utility]
    if utility and utility not in names:
        fault = f"--utility: there is no {shown(utility)!r}; the file has {', '.join(names)}"
        raise ConfigError((fault,), "ARGUMENT")
    chosen = [utility] if utility else names
    values, facts = finish(_told(loaded, chosen, _since(since), max(1, limit)))
    if as_json:
        document = {
            "values": [_value_document(one) for one in values],
            "reports": [_fact_document(whose, fact) for whose, fact in facts],
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, values, facts)))
    return Exit.OK


def _since(text: str) -> datetime:
    try:
        return instant(text) if text else _ALWAYS
    except WireError as error:
        fault = f"--since {shown(text)}: {error.detail}; write 2026-05-03T16:00:00Z"
        raise ConfigError((fault,), "ARGUMENT") from None


async def _told(loaded: Loaded, names: Sequence[str], since: datetime, limit: int) -> _Told:
    only = UtilityName(names[0]) if len(names) == 1 else None

    def job(work: Work) -> _Told:
        facts = [
            (name, fact)
            for name in names
            for kind in (FactKind.OFFER, FactKind.REQUEST)
            for fact in work.told.facts(UtilityName(name), kind)
        ]
        return work.told.values(only, since, limit), facts

    async with looking(loaded) as store:
        return await store.read(job)


def _value_document(one: StoredValue) -> dict[str, object]:
    value = one.value
    return {
        "utility": one.utility,
        "report": value.specifier,
        "point": value.point,
        "start": instant_text(value.start),
        "duration": duration_text(value.duration) if value.duration else None,
        "value": value.value,
        "unit": value.unit or None,
        "quality": value.quality or None,
        "request": one.request,
        "received_at": instant_text(one.received_at),
    }


def _fact_document(utility: str, fact: Fact) -> dict[str, object]:
    told = {
        "utility": utility,
        "kind": fact.kind.value,
        "id": fact.key,
        "at": instant_text(fact.at),
    }
    return {**told, **fact.fields}


def _lines(
    loaded: Loaded, values: Sequence[StoredValue], facts: Sequence[tuple[str, Fact]]
) -> list[str]:
    head = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    zone = loaded.settings.gateway.timezone
    told = [
        f"{fact.kind.value:<8} {utility} {shown(fact.key)}: "
        + ", ".join(f"{name} {shown(text)}" for name, text in fact.fields.items() if text)
        for utility, fact in facts
    ]
    if not values:
        return [*head, *told, "no values were received yet; [[utility]] vtn_reports asks for them"]
    rows = [
        (
            one.utility,
            short_local(one.value.start, zone),
            one.value.value,
            one.value.unit,
            one.value.point,
            one.value.quality,
        )
        for one in values
    ]
    heads = ("UTILITY", "START", "VALUE", "UNIT", "POINT", "QUALITY")
    lines = table(heads, rows, right="VALUE")
    return [*head, *told, *lines, "", f"values: {len(values)}; START in {zone}"]
