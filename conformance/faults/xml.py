"""Faults of the document: the real answer, made malformed, foreign, huge or poisonous."""

import copy
from collections.abc import Callable
from typing import Final

from lxml import etree

_NAMESPACE: Final = b"http://openadr.org/oadr-2.0b/2012/07"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_SIGNATURE: Final = f"{{{_DS}}}Signature"
_NAMED: Final = (
    "{http://docs.oasis-open.org/ns/energyinterop/201110}eventID",
    "{http://docs.oasis-open.org/ns/energyinterop/201110/payloads}requestID",
)
"""What a forgery renames."""
_MADE_UP: Final = (
    f'<Signature xmlns="{_DS}"><SignedInfo>'
    '<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'
    '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
    '<Reference URI=""><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<DigestValue>AAAA</DigestValue></Reference></SignedInfo><SignatureValue>AAAA</SignatureValue></Signature>"
)
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


def bad_signature(found: bytes) -> bytes:
    """Spoil the signature; a document without one gets one that somebody made up.

    Who has agreed on no signatures need not look at it; who has must not believe the message.
    """
    root = etree.fromstring(found)  # noqa: TID251 - our own server's answer
    value = root.find(f"{_SIGNATURE}/{{{_DS}}}SignatureValue")
    if value is None:
        root.insert(0, etree.fromstring(_MADE_UP))  # noqa: TID251 - our own text
    else:
        text = (value.text or "").strip()
        value.text = ("B" if text.startswith("A") else "A") + text[1:]
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def wrapped_signature(found: bytes) -> bytes:
    """Move what was signed into the signature and put a forgery where it stood (signature wrapping).

    A document without a signature gets one that somebody made up, around a copy of its own.
    """
    root = etree.fromstring(found)  # noqa: TID251 - our own server's answer
    signature = root.find(_SIGNATURE)
    genuine = root[-1]
    forged = copy.deepcopy(genuine)
    if signature is None:
        made_up = etree.fromstring(_MADE_UP)  # noqa: TID251 - our own text
        etree.SubElement(made_up, f"{{{_DS}}}Object").append(forged)
        root.insert(0, made_up)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    for name in list(genuine.attrib):
        del forged.attrib[name]
    for element in forged.iter(*_NAMED):
        element.text = f"forged-{element.text}"
    etree.SubElement(signature, f"{{{_DS}}}Object").append(genuine)
    root.append(forged)
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
