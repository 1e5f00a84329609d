"""Did the devices sign what is said to be theirs, with certificates that were registered and valid then?"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificate

from gateway.domain.canonical import canonical
from gateway.settlement.bundle import Bundle
from gateway.settlement.checks.log import name_of
from gateway.settlement.finding import Finding, incomplete, malformed, mismatch
from gateway.settlement.records import KeyRecord, Logged


def devices_signed(bundle: Bundle) -> Iterator[Finding]:
    """Check every record that carries a signature: key registered before, certificate valid then, signature right.

    A registration is a ``key`` record logged earlier for the record's source. Ed25519, or ECDSA over P-256 with SHA-256
    in DER form; both base64url over the canonical record without ``sig``.
    """
    registered: dict[str, KeyRecord] = {}
    for found in bundle.records:
        record = found.record
        if isinstance(record, KeyRecord):
            registered[record.certificate_sha256] = record
        if record.sig is not None or record.kid is not None:
            yield from _signature(found, registered, bundle.certificates)


def _signature(
    found: Logged, registered: Mapping[str, KeyRecord], certificates: Mapping[str, bytes]
) -> Iterator[Finding]:
    record, where = found.record, name_of(found)
    if record.sig is None or record.kid is None:
        yield malformed("signature", where, "sig and kid belong together")
        return
    key = registered.get(record.kid)
    if key is None or key.signs_for != record.src:
        yield mismatch("signature", where, "its key was not registered for this source before it")
        return
    if record.kid not in certificates:
        yield incomplete("signature", f"certs/{record.kid}.pem"[:80], f"{where} needs it")
        return
    try:
        certificate = load_pem_x509_certificate(certificates[record.kid])
    except ValueError:
        yield malformed("signature", f"certs/{record.kid}.pem", "this is no PEM certificate")
        return
    if sha256(certificate.public_bytes(Encoding.DER)).hexdigest() != record.kid:
        yield mismatch("signature", f"certs/{record.kid}.pem", "this is another certificate")
    elif not certificate.not_valid_before_utc <= record.t <= certificate.not_valid_after_utc:
        yield mismatch("signature", where, "the device's certificate was not valid then")
    elif not _is_right(certificate, found):
        yield mismatch("signature", where, "the device's signature does not fit the record")


def _is_right(certificate: Certificate, found: Logged) -> bool:
    message = canonical({key: item for key, item in found.document.items() if key != "sig"})
    public = certificate.public_key()
    try:
        text = found.record.sig or ""
        signature = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, message)
            return True
        if isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
            public.verify(signature, message, ECDSA(SHA256()))
            return True
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return False
