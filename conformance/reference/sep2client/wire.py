"""XML of 2030.5 as the reference client writes and reads it; nothing here is shared with the suite or the gateway."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lxml import etree
from lxml.etree import _Element as Element

NS: Final = "urn:ieee:std:2030.5:ns"
AUS: Final = "https://csipaus.org/ns"
BETA: Final = "https://csipaus.org/ns/v1.3-beta/storage"
"""Of what CSIP-AUS adds for storage, in its beta."""
MEDIA_TYPE: Final = "application/sep+xml"
_POLL_S: Final = 900
_MAP: Final[dict[Any, str]] = {None: NS}
"""``Any``: lxml's types forbid the default namespace that it takes."""
_MAP_AUS: Final[dict[Any, str]] = {None: NS, "csipaus": AUS, "storage": BETA}
_SPACES: Final = {"": NS, "aus": AUS, "beta": BETA}
_PREFIXES: Final = {AUS: "aus:", BETA: "beta:"}
Child = tuple[str, "str | int | bool | tuple[Child, ...]"]
"""A name and a text, or what it holds; names of CSIP-AUS begin with ``aus:`` or ``beta:``."""


def parse(body: bytes) -> Element:
    """Read a document.

    Raises:
        ValueError: it is none.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(body, parser)  # noqa: TID251 - a bounded parser of its own
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None


def tag(name: str) -> str:
    """Return a name with its namespace."""
    prefix, _, local = name.rpartition(":")
    return f"{{{_SPACES[prefix]}}}{local}"


def local(element: Element) -> str:
    """Return an element's name; those of CSIP-AUS with their prefix."""
    name = etree.QName(element)
    return f"{_PREFIXES.get(name.namespace or '', '')}{name.localname}"


def text(element: Element, path: str) -> str:
    """Return the text at a path of names, empty without one."""
    found = element.find("/".join(tag(step) for step in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def number(element: Element, path: str, otherwise: int = 0) -> int:
    """Return the integer at a path."""
    found = text(element, path)
    return int(found) if found else otherwise


def every(element: Element, name: str) -> list[Element]:
    """Return the children of a name."""
    return element.findall(tag(name))


def href(element: Element, name: str) -> str:
    """Return where a link points, empty without it."""
    found = element.find(tag(name))
    return found.get("href", "") if found is not None else ""


def rate(element: Element, name: str = "pollRate") -> int:
    """Return a pollRate in seconds; absent or 0: the default."""
    return int(element.get(name) or 0) or _POLL_S


def value_of(mode: Element) -> str:
    """Return a mode's value as one word: W with its multiplier applied, a curve by its link, the rest in order."""
    if mode.get("href"):
        return str(mode.get("href"))
    if not len(mode):
        return (mode.text or "").strip()
    if {local(part) for part in mode} == {"multiplier", "value"}:
        return f"{number(mode, 'value') * 10.0 ** number(mode, 'multiplier'):g}"
    return " ".join((part.text or "").strip() for part in mode)


def seconds(at: datetime) -> int:
    """Return an instant as TimeType."""
    return int(at.timestamp())


def document(name: str, *children: Child, attributes: Mapping[str, str] | None = None) -> bytes:
    """Write a document; children stand as they are given."""
    strange = _strange(((name, ""), *children))
    root = etree.Element(tag(name), dict(attributes or {}), nsmap=_MAP_AUS if strange else _MAP)
    _fill(root, children)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _strange(children: tuple[Child, ...]) -> bool:
    return any(":" in name for name, _ in children)


def _fill(element: Element, children: tuple[Child, ...]) -> None:
    for name, value in children:
        child = etree.SubElement(element, tag(name))
        if isinstance(value, tuple):
            _fill(child, value)
        elif isinstance(value, bool):
            child.text = "true" if value else "false"
        else:
            child.text = str(value)
