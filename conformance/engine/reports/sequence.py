"""The sequence diagram of a case as SVG: who sent what when, violations in red."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from html import escape
from typing import Final

from conformance.kit.transcript import Mark, Message, Part, Side, Transcript

_LEFT: Final = 150
_RIGHT: Final = 610
_MIDDLE: Final = (_LEFT + _RIGHT) // 2
_WIDTH: Final = 760
_STEP: Final = 22
_TOP: Final = 34
_MOST: Final = 400
"""Arrows shown; more, and the diagram says how many are left out."""


def diagram(transcript: Transcript, cited: AbstractSet[int]) -> str:
    """Draw a transcript; ``cited`` are the numbers of violating messages.

    Written as text, not as a tree: there are thousands of arrows in a run.
    """
    whole: list[Message | Mark] = [*transcript.messages, *_told(transcript)]
    whole.sort(key=lambda record: record.number)
    rows = whole[:_MOST]
    height = _TOP + _STEP * (len(rows) + 1 + (len(whole) > _MOST))
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">']
    for x, name in ((_LEFT, "suite"), (_RIGHT, "device")):
        parts.append(_text(x, 16, name, "head"))
        parts.append(_line(x, 22, x, height - 6, "life"))
    for place, record in enumerate(rows):
        parts.extend(_drawn(_TOP + _STEP * (place + 1), record, record.number in cited))
    if len(whole) > _MOST:
        left = f"{len(whole) - _MOST} more in the evidence"
        parts.append(_text(_WIDTH // 2, height - 8, left, "mark"))
    return "".join([*parts, "</svg>"])


def _told(transcript: Transcript) -> list[Mark]:
    return [m for m in transcript.marks if not m.name.startswith("case.")]


def _drawn(y: int, record: Message | Mark, cited: bool) -> Iterator[str]:  # noqa: FBT001 - how it is painted
    yield _text(4, y + 4, f"{record.number}", "no")
    yield _text(44, y + 4, f"{record.at:%H:%M:%S}", "no")
    if isinstance(record, Mark):
        told = " ".join(f"{k}={v}" for k, v in record.values.items())
        yield _text(_MIDDLE, y + 4, f"· {record.name} {told}"[:80], "mark")
        return
    outward = record.sender is Side.SUITE
    begin, end = (_LEFT, _RIGHT) if outward else (_RIGHT, _LEFT)
    kind = "bad" if cited else ("answer" if record.part is Part.RESPONSE else "ask")
    yield _line(begin, y, end, y, kind)
    tip = end + (-7 if outward else 7)
    yield f'<polygon points="{end},{y} {tip},{y - 4} {tip},{y + 4}" class="{kind}"/>'
    yield _text(_MIDDLE, y - 4, _label(record), f"label {kind}")


def _label(message: Message) -> str:
    name = message.name or (f"{message.status}" if message.status else message.start)
    extra = [message.code, message.fault, message.broken, "wrong" if message.wrong else ""]
    return " ".join([name, *(x for x in extra if x)])[:70]


def _clean(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text)


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(_clean(text))}</text>'


def _line(x1: int, y1: int, x2: int, y2: int, kind: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="{kind}"/>'
