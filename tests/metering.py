"""Readings and golden baseline data, shared by the measuring and settlement tests."""

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.domain.names import MeterId
from gateway.domain.reading import Quality, Reading

DATA = Path(__file__).parent / "data" / "baselines"
METER = MeterId("it_load")
NOON = datetime(2026, 5, 3, 19, 0, tzinfo=UTC)


def golden(name: str) -> Any:
    """Read a golden JSON file; fractions become exact decimals."""
    return json.loads((DATA / name).read_text(), parse_float=Decimal)


def text_numbers(value: Any) -> Any:
    """Write every number of a golden document as the string that configuration carries."""
    if isinstance(value, dict):
        return {key: text_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [text_numbers(item) for item in value]
    return str(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value


def golden_readings(name: str, minutes: int) -> list[Reading]:
    """Read a golden load table in its order."""
    with (DATA / name).open() as table:
        return [
            Reading(
                meter=METER,
                start=datetime.fromisoformat(row["interval_start"]),
                duration=timedelta(minutes=minutes),
                energy_kwh=Decimal(row["kwh"]) if row["kwh"] else None,
                quality=Quality(row.get("quality") or "A"),
            )
            for row in csv.DictReader(table)
        ]


def minutes_of(
    loads_kw: Iterable[Decimal | int | str], start: datetime = NOON, step: int = 1
) -> list[Reading]:
    """Make one reading per power, ``step`` minutes long each, from ``start`` on."""
    length = timedelta(minutes=step)
    return [
        Reading(
            meter=METER,
            start=start + position * length,
            duration=length,
            energy_kwh=Decimal(load) * step / 60,
        )
        for position, load in enumerate(loads_kw)
    ]
