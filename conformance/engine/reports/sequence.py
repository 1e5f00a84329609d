"""The sequence diagram of a case as SVG: who sent what when, violations in red."""

from collections.abc import Set as AbstractSet
from typing import Final

from lxml import etree

from conformance.kit.transcript import Mark, Message, Part, Side, Transcript
from conformance.kit.xml import Element

_SVG: Final = "http://www.w3.org/2000/svg"
_LEFT: Final = 150
_RIGHT: Final = 610
_WIDTH: Final = 760
_STEP: Final = 22
_TOP: Final = 34
_MOST: Final = 400
"""Arrows shown; more, and the diagram says how many are left out."""


def diagram(transcript: Transcript, cited: AbstractSet[int]) -> str:
    """Draw a transcript; ``cited`` are the numbers of violating messages."""
    whole: list[Message | Mark] = [*transcript.messages, *_told(transcript)]
    whole.sort(key=lambda record: record.number)
    rows = whole[:_MOST]
    height = _TOP + _STEP * (len(rows) + 1 + (len(whole) > _MOST))
    svg = etree.Element(
        f"{{{_SVG}}}svg",
        nsmap={None: _SVG},  # type: ignore[dict-item]  # None is lxml's default namespace
        viewBox=f"0 0 {_WIDTH} {height}",
        width=str(_WIDTH),
        height=str(height),
        role="img",
    )
    for x, name in ((_LEFT, "suite"), (_RIGHT, "device")):
        _text(svg, x, 16, name, "head")
        _line(svg, x, 22, x, height - 6, "life")
    for place, record in enumerate(rows):
        _draw(svg, _TOP + _STEP * (place + 1), record, record.number in cited)
    if len(whole) > _MOST:
        _text(svg, _WIDTH // 2, height - 8, f"{len(whole) - _MOST} more in the evidence", "mark")
    return etree.tostring(svg, encoding="unicode")


def _told(transcript: Transcript) -> list[Mark]:
    return [m for m in transcript.marks if not m.name.startswith("case.")]


def _draw(svg: Element, y: int, record: Message | Mark, cited: bool) -> None:  # noqa: FBT001 - how it is painted
    _text(svg, 4, y + 4, f"{record.number}", "no")
    _text(svg, 44, y + 4, f"{record.at:%H:%M:%S}", "no")
    if isinstance(record, Mark):
        told = " ".join(f"{k}={v}" for k, v in record.values.items())
        _text(svg, (_LEFT + _RIGHT) // 2, y + 4, f"· {record.name} {told}"[:80], "mark")
        return
    outward = record.sender is Side.SUITE
    begin, end = (_LEFT, _RIGHT) if outward else (_RIGHT, _LEFT)
    kind = "bad" if cited else ("answer" if record.part is Part.RESPONSE else "ask")
    _line(svg, begin, y, end, y, kind)
    tip = -7 if outward else 7
    points = f"{end},{y} {end + tip},{y - 4} {end + tip},{y + 4}"
    etree.SubElement(svg, f"{{{_SVG}}}polygon", {"points": points, "class": kind})
    _text(svg, (_LEFT + _RIGHT) // 2, y - 4, _label(record), f"label {kind}")


def _label(message: Message) -> str:
    name = message.name or (f"{message.status}" if message.status else message.start)
    extra = [message.code, message.fault, message.broken, "wrong" if message.wrong else ""]
    return _clean(" ".join([name, *(x for x in extra if x)])[:70])


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _text(svg: Element, x: int, y: int, text: str, kind: str) -> None:
    found = etree.SubElement(svg, f"{{{_SVG}}}text", {"x": str(x), "y": str(y), "class": kind})
    found.text = _clean(text)


def _line(svg: Element, x1: int, y1: int, x2: int, y2: int, kind: str) -> None:
    ends = {"x1": str(x1), "y1": str(y1), "x2": str(x2), "y2": str(y2), "class": kind}
    etree.SubElement(svg, f"{{{_SVG}}}line", ends)
