"""Namespaces of OpenADR 2.0b and the names of elements in them."""

from typing import Final

NAMESPACES: Final = {
    "oadr": "http://openadr.org/oadr-2.0b/2012/07",
    "ei": "http://docs.oasis-open.org/ns/energyinterop/201110",
    "pyld": "http://docs.oasis-open.org/ns/energyinterop/201110/payloads",
    "xcal": "urn:ietf:params:xml:ns:icalendar-2.0",
    "strm": "urn:ietf:params:xml:ns:icalendar-2.0:stream",
    "emix": "http://docs.oasis-open.org/ns/emix/2011/06",
    "power": "http://docs.oasis-open.org/ns/emix/2011/06/power",
    "scale": "http://docs.oasis-open.org/ns/emix/2011/06/siscale",
    "gml": "http://www.opengis.net/gml/3.2",
    "atom": "http://www.w3.org/2005/Atom",
}
"""Prefixes that we write; reading looks at the URIs alone."""

PAYLOAD: Final = "oadr:oadrPayload"
SIGNED_OBJECT: Final = "oadr:oadrSignedObject"
SCHEMA_VERSION: Final = "ei:schemaVersion"


def qualified(name: str) -> str:
    """Turn ``ei:venID`` into the ``{uri}venID`` that lxml speaks."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def prefix_of(name: str) -> str:
    """Return the prefix of ``ei:venID``."""
    return name.partition(":")[0]
