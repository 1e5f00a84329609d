"""How messages are put into documents and taken out: plain, or signed and believed only when signed (high security).

A signature stands before the oadrSignedObject and covers it and a ReplayProtect. Of a document that came, nothing is
read but the very element that the certificate on file has signed.

Spec: OpenADR 2.0b section 10.6 and rule 514.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree
from lxml.etree import _Element as Element

from conformance.reference.ven2b.state import Memory
from conformance.reference.wire2b import NAMESPACES, opened, sealed
from gateway.domain.errors import IdentityError, WireError
from gateway.domain.ports import Clock
from gateway.domain.timespan import instant, instant_text
from gateway.protocols.xml import parse

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
DSP: Final = "http://openadr.org/oadr-2.0b/2012/07/xmldsig-properties"
MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ECDSA: Final = f"{MORE}ecdsa-sha256"
DIGEST: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
METHODS: Final[dict[str, HashAlgorithm]] = {ECDSA: SHA256()}
"""Signature methods that are accepted."""
DIGESTS: Final = {DIGEST: "sha256"}
"""Digest methods that are accepted."""
NAMES: Final = {**NAMESPACES, "ds": DS, "dsp": DSP}
OBJECT: Final = f"{{{NAMES['oadr']}}}oadrSignedObject"
OBJECT_ID: Final = f"{{{NAMES['oadr']}}}Id"
PROTECT: Final = "ds:Object/ds:SignatureProperties/ds:SignatureProperty/dsp:ReplayProtect"
WINDOW: Final = timedelta(minutes=1)
"""Most that a timestamp may lie in the past or the future."""


class Envelope(Protocol):
    """Both ways between a message and its document."""

    def wrap(self, content: Element) -> bytes:
        """Return the document of a message that is about to be sent."""
        ...

    def unwrap(self, body: bytes) -> Element:
        """Return the message of a document.

        Raises:
            WireError: no message in it.
            IdentityError: its signature is missing or wrong.
        """
        ...


class Plain:
    """No signatures."""

    def wrap(self, content: Element) -> bytes:
        """Return the document."""
        return sealed(content)

    def unwrap(self, body: bytes) -> Element:
        """Return the message."""
        return opened(body)


class Signed:
    """High security.

    Args:
        certificate: This VEN's own, PEM.
        key: Its key, PEM, on an elliptic curve.
        peer: The VTN's certificate on file, PEM.
        memory: Holds the nonces that were seen.
        clock: Of the timestamps.
        nonce: Makes a fresh one.
    """

    def __init__(
        self,
        certificate: bytes,
        key: bytes,
        peer: bytes,
        memory: Memory,
        clock: Clock,
        nonce: Callable[[], str],
    ) -> None:
        self._certificate = der_of(certificate)
        self._peer = der_of(peer)
        private = load_pem_private_key(key, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise IdentityError("SIGNING_KEY", "the reference VEN signs with ECC keys alone")
        self._private = private
        self._memory = memory
        self._clock = clock
        self._nonce = nonce

    def wrap(self, content: Element) -> bytes:
        """Return the document, signed now: one that is sent again is signed anew."""
        root = parse(sealed(content))
        signed = root[0]
        signed.set(OBJECT_ID, "signed")
        signature = etree.Element(f"{{{DS}}}Signature", nsmap={"ds": DS}, Id="signature")
        root.insert(0, signature)
        info, value = ds(signature, "SignedInfo"), ds(signature, "SignatureValue")
        data = ds(ds(signature, "KeyInfo"), "X509Data")
        ds(data, "X509Certificate").text = base64.b64encode(self._certificate).decode()
        protect = self._protected(signature)
        ds(info, "CanonicalizationMethod", Algorithm=C14N)
        ds(info, "SignatureMethod", Algorithm=ECDSA)
        refer(info, "signed", signed)
        refer(info, "protect", protect)
        r, s = decode_dss_signature(self._private.sign(canonical(info), ec.ECDSA(SHA256())))
        value.text = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def _protected(self, signature: Element) -> Element:
        holder = ds(signature, "Object", Id="protect")
        one = ds(ds(holder, "SignatureProperties"), "SignatureProperty", Target="#signature")
        protect = etree.SubElement(one, f"{{{DSP}}}ReplayProtect", nsmap={"dsp": DSP})
        etree.SubElement(protect, f"{{{DSP}}}timestamp").text = instant_text(self._clock.now())
        etree.SubElement(protect, f"{{{DSP}}}nonce").text = self._nonce()
        return holder

    def unwrap(self, body: bytes) -> Element:
        """Return the message that the VTN has signed."""
        root = parse(body)
        if [child.tag for child in root] != [f"{{{DS}}}Signature", OBJECT]:
            raise refused("a signature and then one oadrSignedObject are needed")
        signature, signed = root
        info = one(signature, "ds:SignedInfo")
        self._check_signer(signature)
        self._check_value(info, binary(one(signature, "ds:SignatureValue")))
        protect = one(signature, PROTECT)
        covered = [referred(root, reference) for reference in info.findall("ds:Reference", NAMES)]
        if not any(part is signed for part in covered):
            raise refused("the signature is not over this oadrSignedObject")
        if not any(part in protect.iterancestors() for part in covered):
            raise refused("the signature is not over the ReplayProtect")
        self._check_replay(words(one(protect, "dsp:nonce")), words(one(protect, "dsp:timestamp")))
        if not len(signed):
            raise WireError("NOT_XML", "the oadrSignedObject carries no message")
        return signed[0]

    def _check_signer(self, signature: Element) -> None:
        """Believe the certificate on file alone, whatever else the message brings along."""
        if binary(one(signature, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")) != self._peer:
            raise refused("signed by another certificate than the one on file")

    def _check_value(self, info: Element, value: bytes) -> None:
        method = METHODS.get(one(info, "ds:SignatureMethod").get("Algorithm", ""))
        if method is None:
            raise refused("a signature method that is not accepted")
        public = x509.load_der_x509_certificate(self._peer).public_key()
        r, s = (int.from_bytes(half, "big") for half in (value[:32], value[32:]))
        try:
            if isinstance(public, ec.EllipticCurvePublicKey):
                public.verify(encode_dss_signature(r, s), canonical(info), ec.ECDSA(method))
        except InvalidSignature:
            raise refused("a signature value that does not fit") from None

    def _check_replay(self, nonce: str, timestamp: str) -> None:
        now = self._clock.now()
        at = instant(timestamp)
        if abs(now - at) > WINDOW:
            raise refused(f"sent at {timestamp}, which is too far from now")
        if nonce in self._memory.nonces:
            raise refused("a nonce that was seen before")
        self._memory.nonces[nonce] = at
        forget_before(self._memory.nonces, now - WINDOW)


def forget_before(nonces: dict[str, datetime], oldest: datetime) -> None:
    """Drop the nonces whose timestamps would be refused by now anyway."""
    for nonce in [nonce for nonce, at in nonces.items() if at < oldest]:
        del nonces[nonce]


def referred(root: Element, reference: Element) -> Element:
    """Return the one element that a reference names, when its digest fits."""
    name = reference.get("URI", "")[1:]
    named = [part for part in root.iter("*") if name in (part.get("Id"), part.get(OBJECT_ID))]
    if not name or len(named) != 1:
        raise refused("a reference that names no element, or several")
    steps = reference.findall("ds:Transforms/ds:Transform", NAMES)
    digest = DIGESTS.get(one(reference, "ds:DigestMethod").get("Algorithm", ""))
    if digest is None or any(step.get("Algorithm") != C14N for step in steps):
        raise refused("a digest method or a transform that is not accepted")
    found = hashlib.new(digest, canonical(named[0]), usedforsecurity=False).digest()
    if found != binary(one(reference, "ds:DigestValue")):
        raise refused("a digest that does not fit")
    return named[0]


def refer(info: Element, name: str, part: Element) -> None:
    """Add a reference to a part of the document."""
    reference = ds(info, "Reference", URI=f"#{name}")
    ds(ds(reference, "Transforms"), "Transform", Algorithm=C14N)
    ds(reference, "DigestMethod", Algorithm=DIGEST)
    digest = hashlib.sha256(canonical(part)).digest()
    ds(reference, "DigestValue").text = base64.b64encode(digest).decode()


def ds(parent: Element, name: str, **attributes: str) -> Element:
    """Add an element of XML signatures."""
    return etree.SubElement(parent, f"{{{DS}}}{name}", attributes)


def canonical(element: Element) -> bytes:
    """Return the canonical form of an element where it stands."""
    return etree.tostring(element, method="c14n", with_comments=False)


def one(parent: Element, path: str) -> Element:
    """Return the one element at a path."""
    found = parent.findall(path, NAMES)
    if len(found) != 1:
        raise refused(f"{len(found)} of {path}")
    return found[0]


def words(element: Element) -> str:
    """Return an element's text without blanks."""
    return "".join((element.text or "").split())


def binary(element: Element) -> bytes:
    """Return what an element holds in base64."""
    try:
        return base64.b64decode(words(element), validate=True)
    except (binascii.Error, ValueError):
        raise refused("a value that is no base64") from None


def der_of(pem: bytes) -> bytes:
    """Return the first certificate of a PEM file as DER."""
    return x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER)


def refused(why: str) -> IdentityError:
    """Make the error about a signature."""
    return IdentityError("SIGNATURE_VALUE", why)
