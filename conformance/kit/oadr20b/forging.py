"""What an attacker does to a document that somebody has signed (``Seal.afterwards``)."""

from copy import deepcopy
from typing import Final

from lxml import etree

from conformance.kit.oadr20b.names import NAMES
from conformance.kit.xml import Element

TRAP: Final = "trap-1"
"""Name of the event that a forger wants to be taken."""
_ID: Final = f"{{{NAMES['oadr']}}}Id"


def change(root: Element) -> None:
    """Give another name to the event that was signed."""
    for name in root[-1].iter(f"{{{NAMES['ei']}}}eventID"):
        name.text = TRAP


def break_value(root: Element) -> None:
    """Change the first three bytes of the signature value."""
    value = root[0].find("ds:SignatureValue", NAMES)
    if value is not None and value.text:
        value.text = ("BBBB" if value.text.startswith("AAAA") else "AAAA") + value.text[4:]


def wrap(root: Element) -> None:
    """Put what was signed where nobody reads it, and another message in its place."""
    forged = _moved(root)
    forged.set(_ID, "another")


def wrap_under_one_id(root: Element) -> None:
    """Likewise, both under the same Id, so that all depends on who looks where."""
    _moved(root)


def _moved(root: Element) -> Element:
    signed = root[-1]
    forged = deepcopy(signed)
    etree.SubElement(root[0], f"{{{NAMES['ds']}}}Object").append(signed)
    root.append(forged)
    change(root)
    return forged
