"""Reading and writing OpenADR 2.0b messages as XML elements: names, namespaces, texts, and the envelope.

Spec: OpenADR 2.0b XML schema set; names are written ``prefix:name`` with the prefixes of ``NAMESPACES``.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from gateway.domain.errors import WireError
from gateway.domain.timespan import instant_text
from gateway.protocols.xml import parse

NAMESPACES: Final[Mapping[str, str]] = {
    "oadr": "http://openadr.org/oadr-2.0b/2012/07",
    "ei": "http://docs.oasis-open.org/ns/energyinterop/201110",
    "pyld": "http://docs.oasis-open.org/ns/energyinterop/201110/payloads",
    "xcal": "urn:ietf:params:xml:ns:icalendar-2.0",
    "strm": "urn:ietf:params:xml:ns:icalendar-2.0:stream",
    "emix": "http://docs.oasis-open.org/ns/emix/2011/06",
    "power": "http://docs.oasis-open.org/ns/emix/2011/06/power",
    "scale": "http://docs.oasis-open.org/ns/emix/2011/06/siscale",
}
VERSION: Final = "2.0b"


@cache
def qualified(name: str) -> str:
    """Return ``{namespace}local`` for ``prefix:local``."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


@cache
def _own(name: str) -> dict[str, str]:
    """Return the one namespace that an element needs by itself."""
    prefix = name.partition(":")[0]
    return {prefix: NAMESPACES[prefix]}


def make(name: str, *content: "Element | str | None") -> Element:
    """Make an element of texts and children; None leaves a child out."""
    element = etree.Element(qualified(name), nsmap=_own(name))
    for part in content:
        if isinstance(part, str):
            element.text = part
        elif part is not None:
            element.append(part)
    return element


def message(name: str, *content: "Element | str | None") -> Element:
    """Make a message, which states the version of the profile."""
    element = make(name, *content)
    element.set(qualified("ei:schemaVersion"), VERSION)
    return element


def sealed(content: Element) -> bytes:
    """Return the document that carries a message."""
    payload = etree.Element(qualified("oadr:oadrPayload"), nsmap=dict(NAMESPACES))
    payload.append(make("oadr:oadrSignedObject", content))
    etree.cleanup_namespaces(payload)
    return etree.tostring(payload, xml_declaration=True, encoding="UTF-8")


def opened(body: bytes) -> Element:
    """Return the message of a document.

    Raises:
        WireError: no XML, or no message in it.
    """
    found = parse(body).find(f"{qualified('oadr:oadrSignedObject')}/*")
    if found is None:
        raise WireError("NOT_XML", "the document carries no oadrSignedObject with a message")
    return found


def local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def found(element: Element, path: str) -> Element | None:
    """Return the first element at a path, e.g. ``ei:eiEvent/ei:eiTarget``."""
    return element.find(_steps(path))


def every(element: Element, path: str) -> list[Element]:
    """Return all elements at a path."""
    return element.findall(_steps(path))


@cache
def _steps(path: str) -> str:
    return "/".join(qualified(step) for step in path.split("/"))


def text(element: Element, path: str, default: str = "") -> str:
    """Return the text at a path."""
    there = found(element, path)
    return default if there is None or there.text is None else there.text.strip()


def texts(element: Element, path: str) -> tuple[str, ...]:
    """Return the texts of all elements at a path."""
    return tuple((there.text or "").strip() for there in every(element, path))


def response(code: str = "200", request_id: str = "", description: str = "") -> Element:
    """Make an eiResponse."""
    return make(
        "ei:eiResponse",
        make("ei:responseCode", code),
        make("ei:responseDescription", description) if description else None,
        make("pyld:requestID", request_id),
    )


def lasting(name: str, length: timedelta) -> Element:
    """Make an element that holds a duration."""
    sign, seconds = "-" if length < timedelta(0) else "", int(abs(length).total_seconds())
    words = f"{sign}PT{seconds}S" if seconds % 60 else f"{sign}PT{seconds // 60}M"
    return make(name, make("xcal:duration", words))


def starting(at: datetime) -> Element:
    """Make an xcal:dtstart."""
    return make("xcal:dtstart", make("xcal:date-time", instant_text(at)))


def stamp(at: datetime) -> Element:
    """Make an ei:createdDateTime, to the second."""
    return make("ei:createdDateTime", instant_text(at.replace(microsecond=0)))
