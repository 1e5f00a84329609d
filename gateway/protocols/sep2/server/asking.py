"""What a question asks for: the part of a list, and the form in which it comes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from gateway.protocols.sep2.server.records import RefusedError

MEDIA_TYPE: Final = "application/sep+xml"
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_INSTANT: Final = re.compile(r"-?[0-9]{1,19}")
_NOT: Final = re.compile(r"q\s*=\s*0(\.0*)?")
_FITTING: Final = frozenset({MEDIA_TYPE, "application/*", "*/*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a list.

    Spec: IEEE 2030.5-2018 clause 4.6.2.
    """

    start: int = 0
    limit: int = 1
    after: int | None = None


def page_of(query: str) -> Page:
    """Read the query of a question; what is no parameter of lists means nothing.

    Raises:
        RefusedError: 400 for a number that is none, is negative, or is told twice.
    """
    if not query:
        return Page()
    told = [
        (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name in "sla"
    ]
    found = dict(told)
    if len(found) != len(told):
        raise RefusedError(400, 1)
    after = found.get("a")
    if after is not None and not _INSTANT.fullmatch(after):
        raise RefusedError(400, 1)
    return Page(
        start=_number(found.get("s", "0")),
        limit=_number(found.get("l", "1")),
        after=None if after is None else int(after),
    )


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise RefusedError(400, 1)
    return int(text)


def acceptable(accept: Iterable[str]) -> bool:
    """Say whether XML of 2030.5 satisfies the ``Accept`` of a request; none does not restrict."""
    found = [part for header in accept for part in header.split(",") if part.strip()]
    return not found or any(_fits(part) for part in found)


def _fits(part: str) -> bool:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    return name in _FITTING and not any(_NOT.fullmatch(each) for each in parameters)


def is_ours(content_type: str) -> bool:
    """Say whether a body is XML of 2030.5 by its ``Content-Type``; parameters are not looked at."""
    return content_type.partition(";")[0].strip().lower() == MEDIA_TYPE
