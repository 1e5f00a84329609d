"""XML signatures of 2.0b as the judge reads them: what is wrong with one, and what it says of itself.

Shared with no device. Spec: OpenADR 2.0b section 10.6 and rule 514; XML Signature Syntax and Processing.
"""

import base64
import binascii
import copy
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from conformance.kit.oadr20b.names import NAMES
from conformance.kit.oadr20b.signing import C14N, METHODS, SHA256, canonical
from conformance.kit.xml import Element, parse, xpath

ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_TRANSFORMS: Final = frozenset({C14N, f"{C14N}#WithComments", ENVELOPED})
_PROTECT: Final = "ds:Object/ds:SignatureProperties/ds:SignatureProperty/dsp:ReplayProtect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a signature is worth."""

    fault: str = ""
    """What is wrong with it; empty: nothing."""
    algorithm: str = ""
    """One that the standard does not name; empty: all are named."""
    certificate_sha256: str = ""
    """SHA-256 of the signer's certificate."""
    timestamp: str = ""
    nonce: str = ""


class _WrongError(Exception):
    """The signature is not right."""


@lru_cache(maxsize=4096)
def read(body: bytes) -> Read:
    """Read and verify the signature of a document by the certificate in its KeyInfo."""
    root = parse(body).root
    if root is None:
        return Read(fault="no document")
    signatures = _all(root, "ds:Signature")
    contents = _all(root, "oadr:oadrSignedObject")
    if len(signatures) != 1 or len(contents) != 1 or root[0] is not signatures[0]:
        return Read(fault="no signature before the one oadrSignedObject")
    signature = signatures[0]
    try:
        certificate = _value(signature)
        _references(root, signature, contents[0])
    except (_WrongError, ValueError, binascii.Error) as error:
        return Read(fault=str(error))
    return Read(
        algorithm=_unnamed(signature),
        certificate_sha256=hashlib.sha256(certificate).hexdigest(),
        timestamp=_text(signature, f"{_PROTECT}/dsp:timestamp"),
        nonce=_text(signature, f"{_PROTECT}/dsp:nonce"),
    )


def _value(signature: Element) -> bytes:
    """Check the signature value; return the certificate by which it was made, DER."""
    text = _text(signature, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")
    if not text:
        raise _WrongError("no X509Certificate")
    certificate = base64.b64decode(text)
    info = _one(signature, "ds:SignedInfo")
    method = _attribute(info, "ds:SignatureMethod")
    value = base64.b64decode(_text(signature, "ds:SignatureValue"))
    public = x509.load_der_x509_certificate(certificate).public_key()
    if method not in METHODS:
        raise _WrongError(f"the signature method {method}")
    digest = METHODS[method]()
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(value, canonical(info), PKCS1v15(), digest)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            half = len(value) // 2
            pair = (int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
            public.verify(encode_dss_signature(*pair), canonical(info), ec.ECDSA(digest))
        else:
            raise _WrongError("a key that is neither RSA nor ECC")
    except InvalidSignature:
        raise _WrongError("a SignatureValue that does not fit the certificate") from None
    return certificate


def _references(root: Element, signature: Element, content: Element) -> None:
    """Check every digest, and that message and ReplayProtect are covered."""
    protects = _all(signature, _PROTECT)
    covered: list[Element] = []
    for reference in _all(signature, "ds:SignedInfo/ds:Reference"):
        methods = [x.get("Algorithm", "") for x in _all(reference, "ds:Transforms/ds:Transform")]
        if not set(methods) <= _TRANSFORMS:
            raise _WrongError(f"the transforms {', '.join(methods)}")
        part = _meant(root, reference.get("URI", ""))
        covered.append(content if part is root else part)
        whole = _without_signature(root) if ENVELOPED in methods else part
        name = _attribute(reference, "ds:DigestMethod").rpartition("#")[2]
        if name not in ("sha256", "sha1"):
            raise _WrongError(f"the digest method {name}")
        found = hashlib.new(name, canonical(whole), usedforsecurity=False).digest()
        if base64.b64decode(_text(reference, "ds:DigestValue")) != found:
            raise _WrongError(f"a digest that does not fit what {reference.get('URI')!r} means")
    if not any(part is content for part in covered):
        raise _WrongError("no reference to the oadrSignedObject")
    if not protects:
        raise _WrongError("no ReplayProtect")
    around = {id(part) for part in covered}
    if not any(id(x) in around for x in (protects[0], *protects[0].iterancestors())):
        raise _WrongError("no reference to the ReplayProtect")


def _meant(root: Element, uri: str) -> Element:
    if not uri:
        return root
    named = [x for x in root.iter("*") if uri[1:] in (x.get("Id"), x.get(_OADR_ID))]
    if not uri.startswith("#") or len(named) != 1:
        raise _WrongError(f"the reference {uri!r}")
    return named[0]


_OADR_ID: Final = f"{{{NAMES['oadr']}}}Id"


def _without_signature(root: Element) -> Element:
    bare = copy.deepcopy(root)
    bare.remove(bare[0])
    return bare


def _unnamed(signature: Element) -> str:
    """Return an algorithm that section 10.6.3 does not name, empty without one."""
    digests = [_attribute(x, "ds:DigestMethod") for x in _all(signature, ".//ds:Reference")]
    method = _attribute(_one(signature, "ds:SignedInfo"), "ds:SignatureMethod")
    return next((x for x in digests if x != SHA256), method if "sha256" not in method else "")


def _all(element: Element, path: str) -> list[Element]:
    return [x for x in xpath(element, path, NAMES) if not isinstance(x, str)]


def _one(element: Element, path: str) -> Element:
    found = _all(element, path)
    if len(found) != 1:
        raise _WrongError(f"{len(found)} of {path}")
    return found[0]


def _text(element: Element, path: str) -> str:
    found = _all(element, path)
    return "".join((found[0].text or "").split()) if found else ""


def _attribute(element: Element, path: str) -> str:
    return _one(element, path).get("Algorithm", "")
