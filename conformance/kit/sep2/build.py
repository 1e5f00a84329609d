"""Documents of 2030.5 made from values: the tables put elements into wire order, so a script cannot err in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from lxml import etree

from conformance.kit.sep2.names import AUS, NS, tag
from conformance.kit.sep2.tables import tables
from conformance.kit.sep2.values import Content
from conformance.kit.xml import Element

_MAP: Final[dict[Any, str]] = {None: NS}
"""``Any``: lxml's types forbid the default namespace that it takes."""
_MAP_AUS: Final[dict[Any, str]] = {None: NS, "csipaus": AUS}


def seconds(at: datetime) -> int:
    """Return an instant as TimeType."""
    return round(at.timestamp())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(seconds(value))
    if isinstance(value, timedelta):
        return str(round(value.total_seconds()))
    return str(value)


def make(
    name: str,
    content: Content,
    attributes: Mapping[str, object] | None = None,
    *,
    aus: bool = False,
) -> Element:
    """Make a document.

    Args:
        name: Of the root, e.g. ``DERControl``.
        content: What it holds; a value may be an element already, or a sequence of values of one name.
        attributes: Of the root; None values are left out.
        aus: Declare the namespace of CSIP-AUS.
    """
    root = etree.Element(tag(name), nsmap=_MAP_AUS if aus else _MAP)
    _fill(root, tables().roots[tag(name)], content)
    for key, value in (attributes or {}).items():
        if value is not None:
            root.set(key, _text(value))
    return root


def link(href: str, all_: int | None = None) -> Element:
    """Return what stands for a Link or ListLink in ``content``; it takes the name under which it is put."""
    found = etree.Element(tag("Link"))
    found.set("href", href)
    if all_ is not None:
        found.set("all", str(all_))
    return found


def _fill(element: Element, type_name: str, content: Content) -> None:
    shape = tables().shapes.get(type_name)
    parts = {part.name: part.type for part in shape.parts} if shape else {}
    order = list(parts)
    given = {tag(name): value for name, value in content.items() if value is not None}
    for name in sorted(given, key=lambda n: order.index(n) if n in parts else len(order)):
        value = given[name]
        many = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        for one in many if not isinstance(value, etree._Element) else (value,):  # noqa: SLF001 - lxml's class has no public name
            element.append(_child(name, parts.get(name, ""), one))


def _child(name: str, type_name: str, value: object) -> Element:
    if isinstance(value, etree._Element):  # noqa: SLF001 - lxml's class has no public name
        value.tag = name
        return value
    found = etree.Element(name)
    if isinstance(value, Mapping):
        _fill(found, type_name, value)
    else:
        found.text = _text(value)
    return found


def written(element: Element) -> bytes:
    """Return a document's bytes."""
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8")
