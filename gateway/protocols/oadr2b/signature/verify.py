"""Verification: from a parsed document to the one element that a known key has signed, or a refusal.

What is not expected is refused: exactly one ds:Signature beside exactly one oadrSignedObject, exactly two references,
of which one resolves to that very element and the other to the ReplayProtect of this signature; algorithms of a list;
the key of a certificate on file, whatever else a KeyInfo holds. The document handed back holds nothing but what was
verified, so that nothing else can be read by mistake.

Spec: OpenADR 2.0b section 10.6, rule 514; XML Signature Syntax and Processing, sections 3.2 and 4.4.3.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from gateway.domain.errors import IdentityError, WireError
from gateway.domain.text import clean
from gateway.domain.timespan import instant
from gateway.protocols.oadr2b.identity import same_fingerprint
from gateway.protocols.oadr2b.signature.canonical import METHODS, canonical
from gateway.protocols.oadr2b.signature.keys import PeerKey, decoded, peer_key, verifies
from gateway.protocols.oadr2b.signature.names import (
    DS,
    DSP,
    ECDSA_SHA1,
    ECDSA_SHA256,
    ENVELOPED,
    OBJECT,
    OBJECT_ID,
    ROOT,
    RSA_SHA1,
    RSA_SHA256,
    SHA1,
    SHA256,
    ds,
    dsp,
)
from gateway.protocols.oadr2b.signature.replay import Stamp
from gateway.protocols.xml import Element

MOST_CERTIFICATES: Final = 8
"""In one KeyInfo: a leaf and its chain."""
LARGEST_VALUE: Final = 16_384
LONGEST_NONCE: Final = 256
_NAMES: Final = {"ds": DS, "dsp": DSP, "oadr": OBJECT[1:].partition("}")[0]}
_ONE_EACH: Final = etree.XPath(
    "count(//ds:Signature) = 1 and count(//oadr:oadrSignedObject) = 1"
    " and count(//dsp:ReplayProtect) <= 1",
    namespaces=_NAMES,
)
_WITH_VALUE: Final = etree.XPath("count(//@*[normalize-space(.) = $value])")
"""Attributes of any name: whatever another reader may take for an id."""
_XML_ATTRIBUTE: Final = "{http://www.w3.org/XML/1998/namespace}"
_CHILDREN: Final = tuple(map(ds, ("SignedInfo", "SignatureValue", "KeyInfo", "Object")))
_REFERENCES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may differ between peers in the field."""

    sha1: bool = False
    """Take SHA-1 digests and signatures too, as rule 514 once allowed."""
    signature_last: bool = False
    """Take a signature that stands behind the oadrSignedObject, against the schema."""


STRICT: Final = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a message is worth."""

    root: Element
    """An oadrPayload of the verified oadrSignedObject alone."""
    stamp: Stamp
    """Still to be compared with the clock and with what came before."""
    signer: str
    """Fingerprint of the certificate."""


def is_signed(root: Element) -> bool:
    """Say whether a document claims to be signed."""
    return any(child.tag == _SIGNATURE for child in root)


def verify(root: Element, signers: Collection[str], now: datetime, policy: Policy) -> Verified:
    """Verify a document; it is changed by this and must not be used again, but for ``Verified.root``.

    Args:
        root: As parsed, free of comments and processing instructions.
        signers: Fingerprints of the certificates on file, one of which must have signed.
        now: Current instant, for the validity of certificates.
        policy: What is tolerated.

    Raises:
        IdentityError: ``SIGNATURE_MISSING``, ``SIGNATURE_SHAPE``, ``SIGNATURE_CERTIFICATE``, ``SIGNATURE_KEY``,
            ``SIGNATURE_ALGORITHM``, ``SIGNATURE_VALUE``, ``SIGNATURE_REFERENCE``, ``SIGNATURE_DIGEST``,
            ``REPLAY_MISSING``.
    """
    signature, signed = _parts(root, policy)
    info, value, key_info, properties = signature
    key = _signer(key_info, signers)
    _check_value(info, value, key, now, policy)
    protect = _replay_protect(properties)
    references = info.findall(ds("Reference"))
    uses = [_use(reference, signed, protect) for reference in references]
    if {use is signed for use in uses} != {True, False}:
        raise IdentityError(
            "SIGNATURE_REFERENCE", "one reference each is needed to message and time"
        )
    stamp = _stamp(protect)
    # An enveloped form covers all but the signature, so that goes last; nobody needs it any more then.
    for reference, use in sorted(zip(references, uses, strict=True), key=_enveloped):
        _check_digest(reference, use, root, policy)
    _detach(signature)
    return Verified(root=root, stamp=stamp, signer=key.fingerprint)


_SIGNATURE: Final = ds("Signature")


def _parts(root: Element, policy: Policy) -> tuple[Element, Element]:
    """Find signature and signed object where they must be, and nowhere else."""
    if root.tag != ROOT or not is_signed(root):
        raise IdentityError("SIGNATURE_MISSING", "the message is not signed")
    order = [child.tag for child in root]
    last = policy.signature_last and order == [OBJECT, _SIGNATURE]
    if order != [_SIGNATURE, OBJECT] and not last:
        detail = "an oadrPayload holds a signature and then one oadrSignedObject"
        raise IdentityError("SIGNATURE_SHAPE", detail)
    if not _ONE_EACH(root):
        detail = "signature, signed object and ReplayProtect may stand in a message once"
        raise IdentityError("SIGNATURE_SHAPE", detail)
    if any(str(name).startswith(_XML_ATTRIBUTE) for name in root.attrib):
        raise IdentityError("SIGNATURE_SHAPE", "an oadrPayload has no xml: attributes")
    signature, signed = (root[1], root[0]) if last else (root[0], root[1])
    if tuple(child.tag for child in signature) != _CHILDREN:
        detail = "a signature holds SignedInfo, SignatureValue, KeyInfo and one Object"
        raise IdentityError("SIGNATURE_SHAPE", detail)
    return signature, signed


def _signer(key_info: Element, signers: Collection[str]) -> PeerKey:
    """Find the certificate that is on file; what else a KeyInfo says is of no interest."""
    found = key_info.findall(f"{ds('X509Data')}/{ds('X509Certificate')}")
    for element in found[:MOST_CERTIFICATES]:
        key = peer_key(decoded(element.text, LARGEST_VALUE))
        if key is not None and any(same_fingerprint(key.fingerprint, one) for one in signers):
            return key
    detail = "the message is signed with another certificate than the one on file for this peer"
    raise IdentityError("SIGNATURE_CERTIFICATE", detail)


def _check_value(
    info: Element, value: Element, key: PeerKey, now: datetime, policy: Policy
) -> None:
    tags = [child.tag for child in info]
    head = [ds("CanonicalizationMethod"), ds("SignatureMethod")]
    if tags != head + [ds("Reference")] * _REFERENCES:
        detail = f"a SignedInfo holds its two methods and {_REFERENCES} references"
        raise IdentityError("SIGNATURE_SHAPE", detail)
    _allowed(info[0], METHODS)
    allowed = {RSA_SHA256, ECDSA_SHA256} | ({RSA_SHA1, ECDSA_SHA1} if policy.sha1 else set())
    algorithm = _allowed(info[1], allowed)
    public = key.admit(now)
    content = decoded(value.text, LARGEST_VALUE) if not len(value) else b""
    if not verifies(public, algorithm, content, canonical(info)):
        raise IdentityError("SIGNATURE_VALUE", "the signature does not fit the certificate's key")


def _allowed(element: Element, algorithms: Collection[str]) -> str:
    """Return an element's algorithm; none of ours takes parameters."""
    algorithm = element.get("Algorithm", "")
    if algorithm not in algorithms or len(element):
        shown = algorithm.rpartition("/")[2][:40] or "(none)"
        raise IdentityError("SIGNATURE_ALGORITHM", f"the algorithm {shown!r} is not accepted here")
    return algorithm


def _replay_protect(properties: Element) -> Element:
    path = f"{ds('SignatureProperties')}/{ds('SignatureProperty')}/{dsp('ReplayProtect')}"
    found = properties.find(path)
    if found is None:
        raise IdentityError("REPLAY_MISSING", "the signature has no ReplayProtect property")
    return found


def _use(reference: Element, signed: Element, protect: Element) -> Element:
    """Return the element that a reference covers: the signed object, or a part of the signature with the time.

    Raises:
        IdentityError: ``SIGNATURE_REFERENCE`` for anything else, or for a name that stands twice.
    """
    uri, transforms = reference.get("URI"), _transforms(reference)
    if uri == "":
        if ENVELOPED in transforms:
            return signed
        raise IdentityError(
            "SIGNATURE_REFERENCE", "a reference to all must leave the signature out"
        )
    name = uri[1:] if uri and uri.startswith("#") else ""
    if not name or name != name.strip() or _WITH_VALUE(signed.getroottree(), value=name) != 1:
        raise IdentityError("SIGNATURE_REFERENCE", "a reference names no part, or more than one")
    if signed.get(OBJECT_ID) == name:
        return signed
    candidates: list[Element] = [above for above in protect.iterancestors() if above.tag in _AROUND]
    for above in candidates:
        if above.get("Id") == name:
            return above
    raise IdentityError(
        "SIGNATURE_REFERENCE", "a reference names neither message nor ReplayProtect"
    )


_AROUND: Final = frozenset(map(ds, ("SignatureProperty", "SignatureProperties", "Object")))


def _transforms(reference: Element) -> list[str]:
    """Return a reference's transforms: perhaps the enveloped form, then perhaps one canonical form."""
    found = reference.find(ds("Transforms"))
    steps = list(found) if found is not None else []
    if any(step.tag != ds("Transform") for step in steps):
        raise IdentityError("SIGNATURE_SHAPE", "transforms hold nothing else")
    names = [_allowed(step, METHODS | {ENVELOPED}) for step in steps]
    rest = names[1:] if names[:1] == [ENVELOPED] else names
    if len(rest) > 1 or ENVELOPED in rest:
        raise IdentityError("SIGNATURE_ALGORITHM", "these transforms are not accepted together")
    return names


def _enveloped(item: tuple[Element, Element]) -> bool:
    return item[0].get("URI") == ""


def _check_digest(reference: Element, use: Element, root: Element, policy: Policy) -> None:
    tags = [child.tag for child in reference]
    if tags[-2:] != _DIGEST or tags[:-2] not in ([], [ds("Transforms")]):
        detail = "a reference holds its transforms, a digest method and a digest"
        raise IdentityError("SIGNATURE_SHAPE", detail)
    method, value = reference[-2], reference[-1]
    algorithm = _allowed(method, {SHA256, SHA1} if policy.sha1 else {SHA256})
    wanted = decoded(value.text, LARGEST_VALUE)
    if reference.get("URI") == "":
        _detach(root.find(_SIGNATURE))
        use = root
    if _digest(algorithm, canonical(use)) != wanted:
        raise IdentityError("SIGNATURE_DIGEST", "the message was changed after it was signed")


_DIGEST: Final = [ds("DigestMethod"), ds("DigestValue")]


def _digest(algorithm: str, content: bytes) -> bytes:
    if algorithm == SHA1:
        return hashlib.sha1(content, usedforsecurity=False).digest()
    return hashlib.sha256(content).digest()


def _stamp(protect: Element) -> Stamp:
    """Read a ReplayProtect.

    Raises:
        IdentityError: ``REPLAY_MISSING``.
    """
    try:
        if [child.tag for child in protect] != [dsp("timestamp"), dsp("nonce")]:
            raise WireError("SCHEMA", "a ReplayProtect holds timestamp and nonce")
        nonce = clean((protect[1].text or "").strip(), LONGEST_NONCE)
        if not nonce or len(protect[0]) or len(protect[1]):
            raise WireError("SCHEMA", "a ReplayProtect has a nonce")
        return Stamp(at=instant(protect[0].text or ""), nonce=nonce)
    except WireError as error:
        raise IdentityError(
            "REPLAY_MISSING", f"its ReplayProtect cannot be read: {error.detail}"
        ) from None


def _detach(signature: Element | None) -> None:
    """Take the signature out of its document, and leave the blanks behind it where they are."""
    parent = signature.getparent() if signature is not None else None
    if signature is None or parent is None:
        return
    before, tail = signature.getprevious(), signature.tail or ""
    parent.remove(signature)
    if before is None:
        parent.text = (parent.text or "") + tail
    else:
        before.tail = (before.tail or "") + tail
