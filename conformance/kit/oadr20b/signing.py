"""XML signatures of 2.0b as the suite makes them: right by default, and wrong in exactly one way where a case says so.

Shared with no device. Spec: OpenADR 2.0b section 10.6 and rule 514; XML Signature Syntax and Processing.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree

from conformance.kit.oadr20b.names import NAMES
from conformance.kit.xml import Element, parse

C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1: Final = "http://www.w3.org/2000/09/xmldsig#sha1"
MD5: Final = "http://www.w3.org/2001/04/xmldsig-more#md5"
DIGESTS: Final[Mapping[str, str]] = {SHA256: "sha256", SHA1: "sha1", MD5: "md5"}
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
METHODS: Final[Mapping[str, type[hashes.HashAlgorithm]]] = {
    f"{_MORE}rsa-sha256": hashes.SHA256,
    f"{_MORE}ecdsa-sha256": hashes.SHA256,
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": hashes.SHA1,
    f"{_MORE}ecdsa-sha1": hashes.SHA1,
}
SIGNED_ID: Final = "signedObject"
PROTECT_ID: Final = "replayProtect"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody's key with its certificate."""

    certificate: bytes
    """DER."""
    private: PrivateKey = field(repr=False)

    @classmethod
    def of(cls, chain_pem: bytes, key_pem: bytes) -> "Signer":
        """Read a chain, its leaf first, and the leaf's key.

        Raises:
            ValueError: they cannot be read, or the key is neither RSA nor ECC.
        """
        leaf = x509.load_pem_x509_certificates(chain_pem)[0]
        private = load_pem_private_key(key_pem, password=None)
        if not isinstance(private, PrivateKey):
            raise ValueError("a key that is neither RSA nor ECC")
        return cls(certificate=leaf.public_bytes(Encoding.DER), private=private)

    def method(self, *, sha1: bool) -> str:
        """Return the identifier of the algorithm that goes with the key."""
        rsa_key = isinstance(self.private, rsa.RSAPrivateKey)
        return next(x for x in METHODS if x.endswith("sha1") is sha1 and ("#rsa" in x) is rsa_key)

    def value(self, content: bytes, method: str) -> bytes:
        """Return the signature value of some bytes; r and s side by side for ECDSA."""
        digest = METHODS[method]()
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(content, PKCS1v15(), digest)
        half = (self.private.curve.key_size + 7) // 8
        r, s = decode_dss_signature(self.private.sign(content, ec.ECDSA(digest)))
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """How a message is signed; right in everything that is not said otherwise."""

    age: timedelta = timedelta(0)
    """How long ago its timestamp says that it was sent; negative: it will be."""
    nonce: str = ""
    """Empty: a fresh one."""
    digest: str = SHA256
    """Algorithm of the digests."""
    sha1_value: bool = False
    """True: the value is signed by way of SHA-1."""
    protect: bool = True
    """False: no ReplayProtect."""
    protect_covered: bool = True
    """False: the ReplayProtect is there, yet no reference covers it."""
    stranger: bool = False
    """True: by the key of a certificate that is on nobody's file."""
    afterwards: Callable[[Element], None] | None = None
    """Changes the document once it is signed; takes the root."""


RIGHT: Final = Seal()


def signed(body: bytes, signer: Signer, at: datetime, nonce: str, seal: Seal = RIGHT) -> bytes:
    """Return a document with a signature before its oadrSignedObject.

    Args:
        body: An unsigned document.
        signer: Whose key.
        at: When it is sent.
        nonce: A fresh one.
        seal: How.

    Raises:
        ValueError: it is no document with an oadrSignedObject.
    """
    bare = parse(body).root
    content = None if bare is None else bare.find(_name("oadr:oadrSignedObject"))
    if bare is None or content is None:
        raise ValueError("no oadrSignedObject to be signed")
    content.set(_name("oadr:Id"), SIGNED_ID)
    parts = {SIGNED_ID: content}
    # Every prefix stands at the root: so a part has the same canonical form wherever it is put, by a forger too.
    named = {prefix: uri for prefix, uri in bare.nsmap.items() if prefix is not None}
    root = etree.Element(bare.tag, nsmap={**named, "ds": NAMES["ds"], "dsp": NAMES["dsp"]})
    signature = _sub(root, "ds:Signature")
    root.append(content)
    info, value = _sub(signature, "ds:SignedInfo"), _sub(signature, "ds:SignatureValue")
    data = _sub(_sub(signature, "ds:KeyInfo"), "ds:X509Data")
    _sub(data, "ds:X509Certificate").text = _base64(signer.certificate)
    if seal.protect:
        protect = _protect(signature, at - seal.age, seal.nonce or nonce)
        if seal.protect_covered:
            parts[PROTECT_ID] = protect
    method = signer.method(sha1=seal.sha1_value)
    _sub(info, "ds:CanonicalizationMethod", Algorithm=C14N)
    _sub(info, "ds:SignatureMethod", Algorithm=method)
    for name, part in parts.items():
        _refer(info, name, part, seal.digest)
    value.text = _base64(signer.value(canonical(info), method))
    if seal.afterwards is not None:
        seal.afterwards(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _protect(signature: Element, at: datetime, nonce: str) -> Element:
    holder = _sub(signature, "ds:Object", Id=PROTECT_ID)
    signature.set("Id", "signature")
    one = _sub(_sub(holder, "ds:SignatureProperties"), "ds:SignatureProperty", Target="#signature")
    protect = _sub(one, "dsp:ReplayProtect")
    _sub(protect, "dsp:timestamp").text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _sub(protect, "dsp:nonce").text = nonce
    return holder


def _refer(info: Element, name: str, part: Element, digest: str) -> None:
    reference = _sub(info, "ds:Reference", URI=f"#{name}")
    _sub(_sub(reference, "ds:Transforms"), "ds:Transform", Algorithm=C14N)
    _sub(reference, "ds:DigestMethod", Algorithm=digest)
    found = hashlib.new(DIGESTS[digest], canonical(part), usedforsecurity=False)
    _sub(reference, "ds:DigestValue").text = _base64(found.digest())


def canonical(element: Element) -> bytes:
    """Return the canonical form of an element where it stands."""
    return etree.tostring(element, method="c14n", with_comments=False)


def _name(text: str) -> str:
    prefix, _, local = text.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def _sub(parent: Element, name: str, **attributes: str) -> Element:
    return etree.SubElement(parent, _name(name), attributes)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
