"""The table of limits says what the code holds, and leaves room for what utilities send."""

import importlib
import re
from pathlib import Path
from typing import Final

from gateway.domain.event import MOST_INTERVALS
from gateway.pipeline.board import MOST_LIVE, MOST_LIVE_INTERVALS
from gateway.protocols.oadr2b.ven_event_book import MOST_EVENTS

TABLE: Final = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
_ROW: Final = re.compile(r"^\| .+ \| (\d+) \| `([a-z0-9_.]+)\.([A-Z_]+)` \| .+ \|$", re.MULTILINE)


def test_every_row_names_the_value_that_the_code_holds() -> None:
    rows = _ROW.findall(TABLE)

    assert len(rows) == TABLE.count("\n| ") - 1, (
        "every row but the heading has a number and a place"
    )
    for value, module, name in rows:
        assert getattr(importlib.import_module(module), name) == int(value), name


def test_what_utilities_send_is_far_within() -> None:
    assert MOST_INTERVALS >= 2 * 24 * 60, "twice a day by the minute"
    assert MOST_LIVE_INTERVALS >= 3 * MOST_LIVE * 24, (
        "three times a day by the hour for every live event"
    )
    assert MOST_EVENTS >= 10 * MOST_LIVE
