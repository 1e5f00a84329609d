"""Faults of the document: the real answer, made malformed, foreign, huge or poisonous."""

from collections.abc import Callable
from typing import Final

from lxml import etree

_NAMESPACE: Final = b"http://openadr.org/oadr-2.0b/2012/07"
_MANY: Final = 100_000
_LAUGHS: Final = 10

Change = Callable[[bytes], bytes]


def malformed(found: bytes) -> bytes:
    """Cut the document's end off."""
    return found[: -len(found) // 8]


def wrong_namespace(found: bytes) -> bytes:
    """Speak profile A's namespace."""
    return found.replace(_NAMESPACE, b"http://openadr.org/oadr-2.0a/2012/07")


def unknown_elements(found: bytes) -> bytes:
    """Put an element into the message that no schema knows."""
    return _changed(found, lambda message: message.insert(0, message.makeelement("surprise")))


def element_order(found: bytes) -> bytes:
    """Turn the message's children round."""

    def turn(message: etree._Element) -> None:
        message[:] = reversed(message)

    return _changed(found, turn)


def _changed(found: bytes, change: Callable[[etree._Element], None]) -> bytes:
    root = etree.fromstring(found)  # noqa: TID251 - our own server's answer
    change(root[-1][0])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _body(found: bytes) -> bytes:
    """Return the document without its declaration."""
    return found.partition(b"?>")[2] if found.startswith(b"<?xml") else found


def doctype(found: bytes) -> bytes:
    """Put a harmless DOCTYPE before the document."""
    return b"<!DOCTYPE x>" + _body(found)


def entity_bomb(found: bytes) -> bytes:
    """Define entities that unfold to 10^10 characters."""
    lines = [b'<!ENTITY a0 "ha">']
    lines += [b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, _LAUGHS)]
    return b"<!DOCTYPE x [" + b"".join(lines) + b"]><x>&a9;</x>"


def external_entity(found: bytes) -> bytes:
    """Define an entity that is a file of the client."""
    return b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'


def deep(found: bytes) -> bytes:
    """Nest 10^5 elements."""
    return b"<a>" * _MANY + b"</a>" * _MANY


def many_attributes(found: bytes) -> bytes:
    """Give one element 10^5 attributes."""
    return b"<a " + b" ".join(b'b%d=""' % number for number in range(_MANY)) + b"/>"


def utf16(found: bytes) -> bytes:
    """Write the document in UTF-16 without saying so."""
    return _body(found).decode().encode("utf-16")


def other_encoding(found: bytes) -> bytes:
    """Declare an encoding that is not UTF-8."""
    return b'<?xml version="1.0" encoding="ISO-8859-1"?>' + _body(found)


def bom(found: bytes) -> bytes:
    """Begin with a byte order mark of UTF-8, which is allowed."""
    return b"\xef\xbb\xbf" + found


def binary(found: bytes) -> bytes:
    """Send bytes that are no text at all."""
    return bytes(range(256)) * 8


def page(found: bytes) -> bytes:
    """Send a page for people, as a portal in between does."""
    return b"<html><body>Please sign in</body></html>"
