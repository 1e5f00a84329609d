"""What a utility has to tell, as JSON lines: one object a line, always with ``at`` and ``what``."""

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.domain.errors import MisuseError
from gateway.domain.quantity import plain
from gateway.domain.timespan import duration_text, instant_text
from gateway.protocols.oadr2b.messages import OadrLoadControlState, OadrReport
from gateway.protocols.oadr2b.vtn_facts import Fact
from gateway.servers.vtn2b.columns import load_control

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def line(at: datetime, what: str, fields: Mapping[str, object]) -> str:
    """Write one line, without its end."""
    document = {"at": at, "what": what} | dict(fields)
    return json.dumps(document, ensure_ascii=False, default=_plain)


def fact_line(fact: Fact, at: datetime) -> str:
    """Write a fact; ``what`` is its name in lower case with underscores, e.g. ``report_answered``."""
    return line(at, *fact_parts(fact))


def fact_parts(fact: Fact) -> tuple[str, dict[str, object]]:
    """Return a fact's name and its fields, as they are."""
    what = _HUMP.sub("_", type(fact).__name__).lower()
    return what, {field.name: getattr(fact, field.name) for field in dataclasses.fields(fact)}


def _plain(value: object) -> object:
    """Write what JSON has no form for; enumerations are text already."""
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return instant_text(value)
        case timedelta():
            return duration_text(value)
        case OadrReport():
            return _offer(value)
        case OadrLoadControlState():
            return load_control(value)
        case _:
            raise MisuseError("NO_JSON", f"{type(value).__name__} has no place in a line")


def _offer(report: OadrReport) -> dict[str, object]:
    return {
        "report_specifier_id": report.report_specifier_id,
        "report_name": report.report_name,
        "r_ids": [description.r_id for description in report.oadr_report_descriptions],
    }
