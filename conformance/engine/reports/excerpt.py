"""Where in the exact bytes of a body a finding points: byte range, and what stands around it."""

from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from lxml import etree

from conformance.kit.transcript import Message
from conformance.kit.xml import Element

_AROUND: Final = 120
"""Bytes shown before and after."""
_LONGEST: Final = 600
"""Bytes shown of the field itself."""
Place = tuple[int, ...]
"""Way from the root to an element: which child, at each level, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A piece of a body with what a finding points at in its middle."""

    file: str
    """Of the evidence, e.g. ``bodies/ab12…``."""
    first: int
    """First byte of the field, from 0."""
    last: int
    """Byte after the last."""
    before: str
    found: str
    after: str


def excerpt(message: Message, path: str) -> Excerpt | None:
    """Return what stands at a path of a message; None for a body that is no document, or a path that finds nothing.

    Args:
        message: That a finding cites.
        path: XPath below the message, as the finding has it; empty: the message itself.
    """
    element = _element(message, path)
    if element is None:
        return None
    found = _range(message.body, _place(element))
    if found is None:
        return None
    first, last = found
    shown = min(last, first + _LONGEST)
    return Excerpt(
        file=f"bodies/{message.sha256}",
        first=first,
        last=last,
        before=_text(message.body[max(0, first - _AROUND) : first]),
        found=_text(message.body[first:shown]) + (" …" if shown < last else ""),
        after=_text(message.body[last : last + _AROUND]),
    )


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def _element(message: Message, path: str) -> Element | None:
    """Return the element at a path, or the nearest above it that is there."""
    if message.payload is None:
        return None
    steps = path
    while steps:
        try:
            found = message.elements(steps)
        except etree.XPathError:
            return None  # a remark in the place of a path
        if found:
            return found[0]
        steps = _shorter(steps)
    return message.payload


def _shorter(path: str) -> str:
    """Cut the last step off, outside of brackets."""
    depth = 0
    for at in range(len(path) - 1, -1, -1):
        depth += {"]": 1, ")": 1, "[": -1, "(": -1}.get(path[at], 0)
        if depth == 0 and path[at] == "/":
            return path[:at].rstrip("/.")
    return ""


def _place(element: Element) -> Place:
    steps: list[int] = []
    at = element
    above = at.getparent()
    while above is not None:
        steps.append(list(above.iterchildren("*")).index(at))
        at, above = above, above.getparent()
    return tuple(reversed(steps))


class _Finder:
    """Walks over a document and notes where the element at a place begins and ends."""

    def __init__(self, body: bytes, place: Place) -> None:
        self._body = body
        self._wanted = place
        self._counts: list[int] = [0]
        self._here: list[int] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self.first = -1
        self.last = -1

    def walk(self) -> None:
        """Walk to the end of the document, or to where it breaks."""
        self._parser.Parse(self._body, True)

    def _begin(self, _: str, __: dict[str, str]) -> None:
        self._here.append(self._counts[-1])
        self._counts[-1] += 1
        self._counts.append(0)
        if tuple(self._here[1:]) == self._wanted:
            self.first = self._parser.CurrentByteIndex

    def _end(self, _: str) -> None:
        if tuple(self._here[1:]) == self._wanted:
            self.last = self._body.find(b">", self._parser.CurrentByteIndex) + 1
        self._here.pop()
        self._counts.pop()


def _range(body: bytes, place: Place) -> tuple[int, int] | None:
    finder = _Finder(body, place)
    try:
        finder.walk()
    except expat.ExpatError:
        return None
    return (finder.first, finder.last) if 0 <= finder.first < finder.last else None
