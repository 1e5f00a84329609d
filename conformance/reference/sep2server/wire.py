"""Reading what clients send."""

from datetime import UTC, datetime

from lxml import etree
from lxml.etree import _Element as Element

from conformance.kit.sep2.names import tag
from conformance.kit.sep2.tables import document_faults
from conformance.reference.sep2server.refusal import FORMAT, VALUES, RefusedError
from gateway.domain.errors import WireError
from gateway.protocols.xml import parse


def read(body: bytes) -> Element:
    """Read a document that our tables find nothing wrong with.

    Raises:
        RefusedError: 400.
    """
    try:
        root = parse(body)
    except WireError:
        raise RefusedError(400, FORMAT) from None
    if next(document_faults(root), ""):
        raise RefusedError(400, VALUES)
    return root


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def text(element: Element, path: str, otherwise: str = "") -> str:
    """Return the text at a path of names, e.g. ``timePeriod/start``."""
    found = element.find("/".join(tag(step) for step in path.split("/")))
    return (found.text or "").strip() if found is not None else otherwise


def every(element: Element, name: str) -> list[Element]:
    """Return the children of a name."""
    return element.findall(tag(name))


def one(element: Element, name: str) -> Element | None:
    """Return a child."""
    return element.find(tag(name))


def instant_at(element: Element, path: str) -> datetime | None:
    """Return the TimeType at a path."""
    given = text(element, path)
    return datetime.fromtimestamp(int(given), UTC) if given else None


def mrid_of(element: Element) -> str:
    """Return an mRID as we write it: 32 digits, upper case."""
    return text(element, "mRID").upper().zfill(32)


def flat(element: Element, prefix: str = "") -> dict[str, str]:
    """Return every text of a document by its path below the root: ``genConnectStatus.value``."""
    found: dict[str, str] = {}
    for child in element.iterchildren(etree.Element):
        name = prefix + local(child)
        found |= flat(child, f"{name}.") if len(child) else {name: (child.text or "").strip()}
    return found
