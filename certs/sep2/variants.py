"""Every bad variant of a 2030.5 identity: a good one with one change, and a word for what is wrong with it.

Who must refuse it is the table's second column: ``openssl`` by itself, ``strict`` OpenSSL with X509_STRICT, ``judge``
only code that looks at the chain after the handshake. Measured with a server on OpenSSL 3.0; a test holds the table to
it. (A client takes a server's key on another curve, so that code looks at keys too.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from certs.keys import PrivateKey
from certs.sep2 import draft
from certs.sep2.draft import Draft
from certs.sep2.hierarchy import Authority, Sep2Leaf, Sep2Pki, authority_draft, sep2

Refuser = Literal["openssl", "strict", "judge"]
_LONG: Final = timedelta(days=3650)
_UNKNOWN: Final = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.40732.99"), b"\x05\x00")
_MAPPING: Final = x509.UnrecognizedExtension(
    ObjectIdentifier("2.5.29.33"),
    bytes.fromhex("301a3018060a2b0601040182be1c0101060a2b0601040182be1c0102"),
)
"""Policy mappings, generic device to mobile device, which the library can read and not make (RFC 5280 4.2.1.5)."""
_CONSTRAINT: Final = x509.NameConstraints([x509.DNSName("example")], None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way in which an identity is wrong."""

    refused_by: Refuser
    make: Callable[[Sep2Pki], Sep2Leaf]


def _leaf(
    change: Callable[[Draft], Draft], key: Callable[[], PrivateKey] | None = None
) -> Callable[[Sep2Pki], Sep2Leaf]:
    def make(pki: Sep2Pki) -> Sep2Leaf:
        good = draft.device("BAD-0001", pki.issuer.key)
        return pki.leaf(change(good), "device/bad", key=key() if key else None)

    return make


def _mica(change: Callable[[Draft], Draft]) -> Callable[[Sep2Pki], Sep2Leaf]:
    """Put a changed device-issuing authority under the hierarchy's own root."""

    def make(pki: Sep2Pki) -> Sep2Leaf:
        return _under(pki, change).device("BAD-0002")

    return make


def _under(pki: Sep2Pki, change: Callable[[Draft], Draft]) -> Sep2Pki:
    root = pki.authorities[0]
    key = ec.generate_private_key(ec.SECP256R1())
    made = change(authority_draft("MICA", key, root.key))
    found = draft.sign(made, key, root.certificate.subject, root.key, x509.random_serial_number())
    bad = Authority(certificate=found, key=key)
    return Sep2Pki(authorities=(root, bad), source=pki.source)


def _adding(extension: x509.ExtensionType, *, critical: bool) -> Callable[[Draft], Draft]:
    return lambda good: replace(good, extensions=(*good.extensions, (extension, critical)))


def _lacking(kind: type[x509.ExtensionType]) -> Callable[[Draft], Draft]:
    return lambda good: replace(good, extensions=good.without(kind))


def _using(*purposes: str) -> Callable[[Draft], Draft]:
    def change(good: Draft) -> Draft:
        rest = good.without(x509.KeyUsage)
        return replace(good, extensions=(*rest, (draft.usage(*purposes), True)))

    return change


def _soft_name(good: Draft) -> Draft:
    return replace(good, extensions=good.softened(x509.SubjectAlternativeName))


def _authority(good: Draft) -> Draft:
    ca = (x509.BasicConstraints(ca=True, path_length=None), True)
    signing = (draft.usage("digital_signature", "key_cert_sign"), True)
    return replace(good, extensions=(ca, signing, *good.without(x509.KeyUsage)))


def _no_authority(good: Draft) -> Draft:
    plain = (x509.BasicConstraints(ca=False, path_length=None), True)
    return replace(good, extensions=(plain, *good.without(x509.BasicConstraints)))


def _too_long(pki: Sep2Pki) -> Sep2Leaf:
    """Hang an authority below one that may have none below it."""
    inner = _under(pki, lambda good: good)
    issuer = inner.issuer
    key = ec.generate_private_key(ec.SECP256R1())
    # Of another name than its issuer: a self-issued certificate does not count towards the length (RFC 5280 4.2.1.9).
    made = replace(authority_draft("MICA", key, issuer.key), subject=draft.named("below MICA"))
    found = draft.sign(
        made, key, issuer.certificate.subject, issuer.key, x509.random_serial_number()
    )
    last = Authority(certificate=found, key=key)
    return Sep2Pki(authorities=(*inner.authorities, last), source=pki.source).device("BAD-0003")


def _short(pki: Sep2Pki) -> Sep2Leaf:
    good = pki.device("BAD-0004")
    end = b"-----END CERTIFICATE-----\n"
    return replace(good, chain_pem=good.chain_pem.partition(end)[0] + end)


def _self_signed(good: Draft) -> Draft:
    return replace(good, self_signed=True, subject=draft.named("self"))


_CLIENT_LESS: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
_SERVERS_ONLY: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])

VARIANTS: Final[Mapping[str, Variant]] = {
    "expired": Variant(
        refused_by="openssl",
        make=_leaf(lambda good: replace(good, end=good.start + timedelta(days=1))),
    ),
    "not-yet-valid": Variant(
        refused_by="openssl", make=_leaf(lambda good: replace(good, start=draft.NEVER - _LONG))
    ),
    "unknown-critical-extension": Variant(
        refused_by="openssl", make=_leaf(_adding(_UNKNOWN, critical=True))
    ),
    "no-client-purpose": Variant(
        refused_by="openssl", make=_leaf(_adding(_CLIENT_LESS, critical=False))
    ),
    "self-signed": Variant(refused_by="openssl", make=_leaf(_self_signed)),
    "other-root": Variant(refused_by="openssl", make=lambda _: sep2().device("BAD-0005")),
    "missing-intermediate": Variant(refused_by="openssl", make=_short),
    "too-long-a-path": Variant(refused_by="openssl", make=_too_long),
    "mica-no-authority": Variant(refused_by="openssl", make=_mica(_no_authority)),
    "mica-may-not-sign": Variant(refused_by="openssl", make=_mica(_using("digital_signature"))),
    "mica-expired": Variant(
        refused_by="openssl",
        make=_mica(lambda good: replace(good, end=good.start + timedelta(days=1))),
    ),
    "mica-other-purpose": Variant(
        refused_by="openssl", make=_mica(_adding(_CLIENT_LESS, critical=True))
    ),
    "p224-key": Variant(
        refused_by="openssl",
        make=_leaf(lambda good: good, lambda: ec.generate_private_key(ec.SECP224R1())),
    ),
    "no-name": Variant(refused_by="strict", make=_leaf(_lacking(x509.SubjectAlternativeName))),
    "name-not-critical": Variant(refused_by="strict", make=_leaf(_soft_name)),
    "no-authority-key-identifier": Variant(
        refused_by="strict", make=_leaf(_lacking(x509.AuthorityKeyIdentifier))
    ),
    "p384-key": Variant(
        refused_by="openssl",
        make=_leaf(lambda good: good, lambda: ec.generate_private_key(ec.SECP384R1())),
    ),
    "rsa-key": Variant(
        refused_by="judge",
        make=_leaf(
            lambda good: good,
            lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ),
    ),
    "sha384-signature": Variant(
        refused_by="judge", make=_leaf(lambda good: replace(good, digest=hashes.SHA384()))
    ),
    "no-digital-signature": Variant(refused_by="judge", make=_leaf(_using("key_agreement"))),
    "no-key-usage": Variant(refused_by="judge", make=_leaf(_lacking(x509.KeyUsage))),
    "no-policies": Variant(refused_by="judge", make=_leaf(_lacking(x509.CertificatePolicies))),
    "an-authority": Variant(refused_by="strict", make=_leaf(_authority)),
    "mica-no-policies": Variant(refused_by="judge", make=_mica(_lacking(x509.CertificatePolicies))),
    "mica-extended-key-usage": Variant(
        refused_by="judge",
        make=_mica(
            _adding(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
                ),
                critical=True,
            )
        ),
    ),
    "mica-name-constraint-not-critical": Variant(
        refused_by="judge", make=_mica(_adding(_CONSTRAINT, critical=False))
    ),
    "mica-policy-mapping": Variant(
        refused_by="judge", make=_mica(_adding(_MAPPING, critical=True))
    ),
    "mica-policy-constraints": Variant(
        refused_by="judge",
        make=_mica(
            _adding(
                x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None),
                critical=True,
            )
        ),
    ),
}
"""Name -> what it is; the names of the authorities' variants begin with ``mica-``."""
