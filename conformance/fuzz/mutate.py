"""Damages documents step by step: elements dropped, doubled, moved, renamed; odd texts; flipped bytes."""

from collections.abc import Callable
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from gateway.domain.chance import Chance

Mutation = Callable[[bytes, Chance], bytes]
"""Returns a damaged copy; the document may be damaged already, and need not be XML any more."""

ODD_TEXTS: Final = (
    "",
    " ",
    "0",
    "-1",
    "1",
    "NaN",
    "INF",
    "1e400",
    "-0.0",
    "9" * 40,
    "4294967296",
    "9223372036854775808",
    "0.1e-300",
    "PT0S",
    "P99999999999999D",
    "-PT5M",
    "P1Y",
    "PT1.5S",
    "2038-01-19T03:14:08Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-11-01T01:30:00+01:00",
    "true",
    "cancelled",
    "optIn",
    "always",
    "463",
    "METADATA",
    "x-",
    "x-odd",
    "a" * 5000,
    "\u202eevil\u2066",
    "\U0001f4a1",
    "]]>",
    "&amp;<>\"'",
)
FOREIGN: Final = "{http://foreign.example/ns}odd"
DEPTH: Final = 100
_MARKUP: Final = (
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"<!--",
    b"<![CDATA[",
    b"&#0;",
    b"&b;",
    b"<?xml version='1.1'?>",
    b"\xef\xbb\xbf",
    b"\x00",
    b"\xff\xfe",
    b"</",
)


def damaged(body: bytes, chance: Chance, most: int = 3) -> bytes:
    """Return a copy with one to ``most`` mutations."""
    for _ in range(chance.randint(1, most)):
        body = MUTATIONS[chance.randint(0, len(MUTATIONS) - 1)](body, chance)
    return body


def drop(body: bytes, chance: Chance) -> bytes:
    """Leave an element out."""
    return _on_tree(body, chance, lambda element, parent: parent.remove(element))


def double(body: bytes, chance: Chance) -> bytes:
    """Write an element twice."""
    return _on_tree(
        body, chance, lambda element, parent: parent.insert(parent.index(element), _copy(element))
    )


def last(body: bytes, chance: Chance) -> bytes:
    """Move an element behind its siblings."""
    return _on_tree(body, chance, lambda element, parent: parent.append(element))


def rename(body: bytes, chance: Chance) -> bytes:
    """Give an element a foreign name."""

    def change(element: Element, parent: Element) -> None:
        element.tag = FOREIGN

    return _on_tree(body, chance, change)


def swap(body: bytes, chance: Chance) -> bytes:
    """Give an element the name of its parent."""

    def change(element: Element, parent: Element) -> None:
        element.tag = parent.tag

    return _on_tree(body, chance, change)


def reword(body: bytes, chance: Chance) -> bytes:
    """Put an odd text into an element."""
    words = ODD_TEXTS[chance.randint(0, len(ODD_TEXTS) - 1)]

    def change(element: Element, parent: Element) -> None:
        element.text = words

    return _on_tree(body, chance, change)


def attribute(body: bytes, chance: Chance) -> bytes:
    """Give an element an attribute that it does not have."""
    name = (FOREIGN, "Id", "schemaVersion")[chance.randint(0, 2)]

    def change(element: Element, parent: Element) -> None:
        element.set(name, "odd")

    return _on_tree(body, chance, change)


def nest(body: bytes, chance: Chance) -> bytes:
    """Wrap an element in a hundred of its own kind."""

    def change(element: Element, parent: Element) -> None:
        inner = _copy(element)
        for _ in range(DEPTH):
            outer = etree.Element(element.tag)
            outer.append(inner)
            inner = outer
        parent.replace(element, inner)

    return _on_tree(body, chance, change)


def flip(body: bytes, chance: Chance) -> bytes:
    """Flip one bit."""
    if not body:
        return body
    place = chance.randint(0, len(body) - 1)
    return body[:place] + bytes([body[place] ^ 1 << chance.randint(0, 7)]) + body[place + 1 :]


def cut(body: bytes, chance: Chance) -> bytes:
    """Leave out a stretch."""
    start = chance.randint(0, len(body))
    return body[:start] + body[start + chance.randint(0, 64) :]


def truncate(body: bytes, chance: Chance) -> bytes:
    """End early."""
    return body[: chance.randint(0, len(body))]


def insert(body: bytes, chance: Chance) -> bytes:
    """Put markup where none belongs."""
    place = chance.randint(0, len(body))
    return body[:place] + _MARKUP[chance.randint(0, len(_MARKUP) - 1)] + body[place:]


MUTATIONS: Final[tuple[Mutation, ...]] = (
    drop,
    double,
    last,
    rename,
    swap,
    reword,
    reword,
    reword,
    attribute,
    nest,
    flip,
    cut,
    truncate,
    insert,
)
"""Every kind; the one that makes documents which are valid and mean something else stands three times."""


def _on_tree(body: bytes, chance: Chance, change: Callable[[Element, Element], None]) -> bytes:
    """Change one element below the root; what is no XML any more loses a bit instead."""
    try:
        root = etree.fromstring(body, _READER)  # noqa: TID251 - a document of our own making, entities off
        element = _chosen(root, chance)
        parent = element.getparent() if element is not None else None
        if element is None or parent is None:
            return flip(body, chance)
        change(element, parent)
    except (etree.XMLSyntaxError, ValueError):
        return flip(body, chance)
    return etree.tostring(root)


def _chosen(root: Element, chance: Chance) -> Element | None:
    """Draw a name first, then one of its elements, so that long lists do not draw all the fire."""
    named: dict[str, list[Element]] = {}
    for element in root.iterdescendants(etree.Element):
        named.setdefault(str(element.tag), []).append(element)
    if not named:
        return None
    elements = list(named.values())[chance.randint(0, len(named) - 1)]
    return elements[chance.randint(0, len(elements) - 1)]


def _copy(element: Element) -> Element:
    return etree.fromstring(etree.tostring(element, with_tail=False), _READER)  # noqa: TID251 - as above


_READER: Final = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
