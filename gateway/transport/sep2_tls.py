"""TLS of IEEE 2030.5: mutual, 1.2 only, ECDHE-ECDSA with AES-128-CCM-8; and what OpenSSL lets pass is judged in code.

A context of this module is never shared with another protocol: newer OpenSSL counts the eight-byte tag of CCM-8 below
its first security level, so these contexts lie at level 0, and the keys that this would admit are refused here.

Spec: IEEE 2030.5-2018 clause 6.7 (suites), 6.11 (certificate profile); CSIP Implementation Guide v2.1 section 5.2.
"""

import ssl
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

from gateway.domain.errors import ConfigError, IdentityError
from gateway.transport.tls import TlsFiles, trusting

CCM_8: Final = "ECDHE-ECDSA-AES128-CCM8"
"""TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 (0xC0AE), the one suite that every device has."""
_GCM: Final = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
_RSA: Final = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
_LEVEL: Final = "@SECLEVEL=0"


class Sep2Profile(StrEnum):
    """Which suites are on offer, and which certificates pass."""

    SEP2 = "sep2"
    """CCM-8, and ECDSA with GCM behind it; certificates strictly as clause 6.11 says."""
    CSIP = "csip"
    """CCM-8 alone, as CSIP's test of the suite wants it; certificates as above."""
    CSIP_AUS_CLOUD = "csip_aus_cloud"
    """GCM first, for utilities behind a cloud's front end; server certificates of the web, RSA too."""


_SUITES: Final = {
    Sep2Profile.SEP2: f"{CCM_8}:{_GCM}:{_LEVEL}",
    Sep2Profile.CSIP: f"{CCM_8}:{_LEVEL}",
    Sep2Profile.CSIP_AUS_CLOUD: f"{_GCM}:{CCM_8}:{_RSA}:{_LEVEL}",
}


def sep2_client(
    files: TlsFiles, profile: Sep2Profile = Sep2Profile.SEP2, *, host_names: bool = True
) -> ssl.SSLContext:
    """Make a client's context.

    Args:
        files: Our device certificate with its chain, its key, and the root that the server's chain must lead to.
        profile: Suites on offer.
        host_names: Switch off only where the server's LFDI, SFDI or fingerprint is pinned instead: the certificates of
            the 2030.5 hierarchy name no host.

    Raises:
        ConfigError: a file is missing or is no certificate, key or anchor; ``NO_CCM8`` when this OpenSSL lacks the
            suite that the profile cannot do without.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = host_names
    return _dressed(context, files, profile)


def sep2_server(
    files: TlsFiles, profile: Sep2Profile = Sep2Profile.SEP2, *, tickets: bool = True
) -> ssl.SSLContext:
    """Make a server's context: a client certificate is demanded.

    Args:
        files: Our certificate with its chain, its key, and the root of the devices.
        profile: Suites on offer.
        tickets: False makes every handshake a full one, so that each shows its certificates.

    Raises:
        ConfigError: as ``sep2_client``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
    context.set_ecdh_curve("prime256v1")
    return _dressed(context, files, profile)


def _dressed(context: ssl.SSLContext, files: TlsFiles, profile: Sep2Profile) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.set_ciphers(_SUITES[profile])
    except ssl.SSLError:
        raise _without_ccm() from None
    if CCM_8 not in {suite["name"] for suite in context.get_ciphers()}:
        raise _without_ccm()
    context.verify_mode = ssl.CERT_REQUIRED
    if profile is not Sep2Profile.CSIP_AUS_CLOUD:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    return trusting(context, files)


def _without_ccm() -> ConfigError:
    fault = f"{ssl.OPENSSL_VERSION} does not offer {CCM_8}, which IEEE 2030.5 demands; use a build that has it"
    return ConfigError((fault,), "NO_CCM8")


# --- what OpenSSL lets pass


def judge_chain(chain: Sequence[bytes], profile: Sep2Profile = Sep2Profile.SEP2) -> None:
    """Refuse a verified chain that is not of the 2030.5 profile; a chain of the web passes under its own profile.

    OpenSSL has checked signatures, dates and anchors; P-384 keys, SHA-384, missing policies, a leaf that may not sign
    and an authority with constraints that no 2030.5 authority has, it takes (measured), and a device must not.

    Args:
        chain: DER, leaf first, the anchor last; of a resumed session the leaf alone.
        profile: As the context's.

    Raises:
        IdentityError: ``BAD_CHAIN``, saying which certificate and why.
    """
    if profile is Sep2Profile.CSIP_AUS_CLOUD:
        return
    if not chain:
        raise IdentityError("BAD_CHAIN", "the peer shows no certificate")
    leaf = _read(chain[0])
    _judge_key(leaf, "the peer's certificate")
    _judge_policies(leaf, "the peer's certificate")
    _judge_leaf(leaf)
    for place, der in enumerate(chain[1:], 2):
        _judge_authority(der, f"certificate {place} of {len(chain)}", anchor=place == len(chain))


def _read(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise IdentityError("BAD_CHAIN", "a certificate cannot be read") from None


def _judge_key(one: x509.Certificate, where: str) -> None:
    key = one.public_key()
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise IdentityError("BAD_CHAIN", f"{where} has no key on P-256")
    if one.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        raise IdentityError("BAD_CHAIN", f"{where} is not signed by ECDSA with SHA-256")


def _judge_policies(one: x509.Certificate, where: str) -> None:
    if not _policies(one):
        raise IdentityError("BAD_CHAIN", f"{where} names no certificate policy")


def _judge_leaf(leaf: x509.Certificate) -> None:
    if leaf.issuer == leaf.subject:
        raise IdentityError("BAD_CHAIN", "the peer signed its certificate itself")
    usage = _extension(leaf, ExtensionOID.KEY_USAGE)
    if not (isinstance(usage, x509.KeyUsage) and usage.digital_signature):
        raise IdentityError("BAD_CHAIN", "the peer's certificate may not be used for signatures")
    basic = _extension(leaf, ExtensionOID.BASIC_CONSTRAINTS)
    if isinstance(basic, x509.BasicConstraints) and basic.ca:
        raise IdentityError("BAD_CHAIN", "the peer's certificate is an authority's")


@lru_cache(maxsize=256)
def _judge_authority(der: bytes, where: str, *, anchor: bool) -> None:
    """Judge what stands above a leaf; an anchor is the operator's choice, so only its key is looked at.

    Spec: IEEE 2030.5-2018 clause 6.11: no extended key usage, policy constraints or policy mappings in an authority,
    name constraints only if critical.
    """
    one = _read(der)
    _judge_key(one, where)
    if anchor:
        return
    _judge_policies(one, where)
    try:
        present = {extension.oid: extension for extension in one.extensions}
    except ValueError:
        raise _unreadable() from None
    for oid, name in _NOT_FOR_AUTHORITIES.items():
        if oid in present:
            raise IdentityError("BAD_CHAIN", f"{where}, an authority, has {name}")
    names = present.get(ExtensionOID.NAME_CONSTRAINTS)
    if names is not None and not names.critical:
        raise IdentityError("BAD_CHAIN", f"{where} has name constraints that are not critical")


_NOT_FOR_AUTHORITIES: Final = {
    ExtensionOID.EXTENDED_KEY_USAGE: "an extended key usage",
    ExtensionOID.POLICY_CONSTRAINTS: "policy constraints",
    ExtensionOID.POLICY_MAPPINGS: "policy mappings",
}


def _policies(one: x509.Certificate) -> frozenset[str]:
    found = _extension(one, ExtensionOID.CERTIFICATE_POLICIES)
    if not isinstance(found, x509.CertificatePolicies):
        return frozenset()
    return frozenset(policy.policy_identifier.dotted_string for policy in found)


def _extension(one: x509.Certificate, oid: x509.ObjectIdentifier) -> x509.ExtensionType | None:
    try:
        return one.extensions.get_extension_for_oid(oid).value
    except x509.ExtensionNotFound:
        return None
    except ValueError:
        raise _unreadable() from None


def _unreadable() -> IdentityError:
    return IdentityError("BAD_CHAIN", "a certificate has an extension that cannot be read")


__all__ = ["CCM_8", "Sep2Profile", "judge_chain", "sep2_client", "sep2_server"]
