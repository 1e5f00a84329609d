"""Judge a chain as a peer of IEEE 2030.5 does: what its profile asks for beyond what makes a chain hold.

An account of its own, beside the one by which the gateway refuses peers: each is tested on every bad variant.

Spec: IEEE 2030.5-2018 clause 6.11; CSIP COMM-004A..G.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID

from certs.facts import Certificate, Fault
from certs.inspect import Report

Extensions: TypeAlias = Mapping[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]]
Objection: TypeAlias = tuple[str, str]
"""Code, and what is wrong."""

_FIX: Final = "have it issued by an authority of the profile"
_TLS: Final = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
_NOT_FOR_AUTHORITIES: Final = {
    ExtensionOID.EXTENDED_KEY_USAGE: "an extended key usage",
    ExtensionOID.POLICY_CONSTRAINTS: "policy constraints",
    ExtensionOID.POLICY_MAPPINGS: "policy mappings",
}


def judged(report: Report) -> Report:
    """Return a report with what a peer of 2030.5 objects to."""
    faults = [
        Fault(code=code, where=one.where, what=what, fix=_FIX)
        for place, one in enumerate(report.chain)
        for code, what in _objections(one, leaf=place == 0)
    ]
    return replace(report, faults=(*report.faults, *faults))


def _objections(one: Certificate, *, leaf: bool) -> Iterator[Objection]:
    parsed = one.parsed
    yield from _of_key(parsed)
    if one.is_self_issued and not leaf:
        return  # an anchor is the choice of whoever trusts it
    present = {extension.oid: extension for extension in parsed.extensions}
    for extension in present.values():
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            name = extension.oid.dotted_string
            yield "UNKNOWN_CRITICAL", f"nobody knows its critical extension {name}"
    if ExtensionOID.AUTHORITY_KEY_IDENTIFIER not in present:
        yield "NO_AUTHORITY_KEY", "it does not say by which key it was signed"
    if ExtensionOID.CERTIFICATE_POLICIES not in present:
        yield "NO_POLICIES", "it names no certificate policy"
    yield from _of_leaf(parsed, present) if leaf else _of_authority(present)


def _of_key(parsed: x509.Certificate) -> Iterator[Objection]:
    key = parsed.public_key()
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        yield "NOT_P256", "its key is not on P-256"
    if parsed.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        yield "NOT_SHA256", "it is not signed by ECDSA with SHA-256"


def _of_leaf(parsed: x509.Certificate, present: Extensions) -> Iterator[Objection]:
    names = present.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    if not parsed.subject.rdns and (names is None or not names.critical):
        told = "it has no name at all" if names is None else "its only name is not critical"
        yield "NO_CRITICAL_NAME", f"without a subject, {told}"
    usage = _usage(present)
    if usage is None or not usage.digital_signature:
        yield "MAY_NOT_SIGN", "its key usage does not allow signatures, which a handshake needs"
    basic = present.get(ExtensionOID.BASIC_CONSTRAINTS)
    if basic is not None and isinstance(basic.value, x509.BasicConstraints) and basic.value.ca:
        yield "AN_AUTHORITY", "it is an authority's, and a peer is none"
    purposes = present.get(ExtensionOID.EXTENDED_KEY_USAGE)
    if purposes is not None and not _TLS & set(_purposes(purposes.value)):
        yield "OTHER_PURPOSE", "its extended key usage is that of no TLS peer"


def _of_authority(present: Extensions) -> Iterator[Objection]:
    usage = _usage(present)
    if usage is None or not usage.key_cert_sign:
        yield "MAY_NOT_ISSUE", "it issued another certificate, and its key usage does not allow it"
    for oid, name in _NOT_FOR_AUTHORITIES.items():
        if oid in present:
            yield "NOT_FOR_AUTHORITIES", f"it is an authority and has {name}"
    names = present.get(ExtensionOID.NAME_CONSTRAINTS)
    if names is not None and not names.critical:
        yield "NAME_CONSTRAINTS", "its name constraints are not critical"


def _usage(present: Extensions) -> x509.KeyUsage | None:
    found = present.get(ExtensionOID.KEY_USAGE)
    return found.value if found is not None and isinstance(found.value, x509.KeyUsage) else None


def _purposes(value: x509.ExtensionType) -> tuple[x509.ObjectIdentifier, ...]:
    return tuple(value) if isinstance(value, x509.ExtendedKeyUsage) else ()
