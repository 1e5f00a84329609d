"""Signing: a ds:Signature before the oadrSignedObject, digests taken where the parts finally stand.

Two references: the oadrSignedObject, and the ds:Object with the ReplayProtect. A digest over a part that is canonical
only by itself cannot be reproduced by others once it is embedded, so both are taken from the finished document.

Spec: OpenADR 2.0b sections 10.6.1 and 10.6.3, rule 514; XML Signature Syntax and Processing, sections 3.1 and 8.1.
"""

import base64
import hashlib
from copy import deepcopy
from datetime import datetime
from typing import Final

from lxml import etree

from gateway.domain.errors import MisuseError
from gateway.domain.ports import Ids
from gateway.domain.timespan import instant_text
from gateway.protocols import xml
from gateway.protocols.oadr2b.signature.canonical import canonical
from gateway.protocols.oadr2b.signature.keys import SigningKey
from gateway.protocols.oadr2b.signature.names import (
    C14N,
    DS,
    DSP,
    OBJECT,
    OBJECT_ID,
    ROOT,
    SHA256,
    ds,
    dsp,
)
from gateway.protocols.xml import Element

SIGNED_ID: Final = "oadrSignedObject"
PROPERTY_ID: Final = "replayProtect"
SIGNATURE_ID: Final = "signature"


class Sealer:
    """Signs whole documents with one key, loaded once.

    Args:
        key: Ours.
        ids: Source of nonces.
    """

    def __init__(self, key: SigningKey, ids: Ids) -> None:
        self.key = key
        self._ids = ids
        self._blank = _blank(key)

    def seal(self, body: bytes, now: datetime) -> bytes:
        """Return a document with a signature.

        Args:
            body: As the codec wrote it; one that is signed already is signed anew.
            now: When it is sent: a repetition is sealed again, whatever else stays the same.

        Raises:
            MisuseError: ``SCHEMA`` for what is no oadrPayload.
        """
        root = xml.parse(body)
        if root.tag != ROOT or not len(root) or root[-1].tag != OBJECT:
            raise MisuseError("SCHEMA", "only an oadrPayload with its oadrSignedObject is signed")
        for old in root.findall(ds("Signature")):
            root.remove(old)
        signed = root[-1]
        signed.set(OBJECT_ID, SIGNED_ID)
        signature = deepcopy(self._blank)
        root.insert(0, signature)
        info, value, _, properties = signature
        protect = properties[0][0][0]
        protect[0].text = instant_text(now)
        protect[1].text = self._ids.uuid()
        for reference, part in zip(
            info.findall(ds("Reference")), (signed, properties), strict=True
        ):
            reference[2].text = _text(hashlib.sha256(canonical(part)).digest())
        value.text = _text(self.key.sign(canonical(info)))
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _blank(key: SigningKey) -> Element:
    """Build everything that is the same in each signature of a key."""
    signature = etree.Element(ds("Signature"), nsmap={"ds": DS})
    info = etree.SubElement(signature, ds("SignedInfo"))
    _algorithm(info, "CanonicalizationMethod", C14N)
    _algorithm(info, "SignatureMethod", key.method)
    for name in (SIGNED_ID, PROPERTY_ID):
        reference = etree.SubElement(info, ds("Reference"), URI=f"#{name}")
        _algorithm(etree.SubElement(reference, ds("Transforms")), "Transform", C14N)
        _algorithm(reference, "DigestMethod", SHA256)
        etree.SubElement(reference, ds("DigestValue"))
    etree.SubElement(signature, ds("SignatureValue"))
    data = etree.SubElement(etree.SubElement(signature, ds("KeyInfo")), ds("X509Data"))
    etree.SubElement(data, ds("X509Certificate")).text = key.certificate
    properties = etree.SubElement(signature, ds("Object"), Id=PROPERTY_ID)
    one = etree.SubElement(
        etree.SubElement(properties, ds("SignatureProperties")),
        ds("SignatureProperty"),
        Target=f"#{SIGNATURE_ID}",
    )
    signature.set("Id", SIGNATURE_ID)
    protect = etree.SubElement(one, dsp("ReplayProtect"), nsmap={"dsp": DSP})
    etree.SubElement(protect, dsp("timestamp"))
    etree.SubElement(protect, dsp("nonce"))
    return signature


def _algorithm(parent: Element, name: str, algorithm: str) -> None:
    etree.SubElement(parent, ds(name), Algorithm=algorithm)
