"""What stands in a certificate, and where a chain has its gap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.timespan import instant_text
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.transport.marks import is_test_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate as people compare it."""

    subject: str
    issuer: str
    start: datetime
    end: datetime
    key: str
    der: bytes
    parsed: x509.Certificate

    @property
    def self_issued(self) -> bool:
        """Say whether it names itself as its issuer: a root."""
        return self.parsed.subject == self.parsed.issuer

    def days_left(self, now: datetime) -> int:
        """Return the whole days until its end; negative once it has passed."""
        return (self.end - now).days

    def line(self, now: datetime) -> str:
        """Write it for people."""
        test = ", TEST" if is_test_certificate(self.der) else ""
        return (
            f"{self.subject}, by {self.issuer}, {self.key}, {self.start:%Y-%m-%d} to "
            f"{self.end:%Y-%m-%d} ({self.days_left(now)} days left){test}"
        )

    def document(self, now: datetime) -> dict[str, object]:
        """Write it as plain JSON values."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "not_before": instant_text(self.start),
            "not_after": instant_text(self.end),
            "key": self.key,
            "days_left": self.days_left(now),
            "fingerprint": fingerprint(self.der),
            "test": is_test_certificate(self.der),
        }


def certificate(der: bytes) -> Certificate:
    """Read one certificate.

    Raises:
        ValueError: it cannot be read.
    """
    parsed = x509.load_der_x509_certificate(der)
    return Certificate(
        subject=_name(parsed.subject),
        issuer=_name(parsed.issuer),
        start=parsed.not_valid_before_utc.astimezone(UTC),
        end=parsed.not_valid_after_utc.astimezone(UTC),
        key=_key(parsed),
        der=der,
        parsed=parsed,
    )


def certificates(pem: bytes) -> tuple[Certificate, ...]:
    """Read every certificate of a PEM file, in its order; raises ``ValueError``."""
    found = x509.load_pem_x509_certificates(pem)
    return tuple(certificate(one.public_bytes(Encoding.DER)) for one in found)


def _name(name: x509.Name) -> str:
    """Return the common name, or the whole name where there is none."""
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string() or "(no name)"


def _key(parsed: x509.Certificate) -> str:
    key = parsed.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECC {key.curve.name}"
    return f"RSA {key.key_size}" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__


def missing_issuer(
    chain: Sequence[Certificate], anchors: Iterable[Certificate], known: Iterable[Certificate]
) -> tuple[Certificate, Certificate | None] | None:
    """Find where a chain breaks off.

    Args:
        chain: As the server sent it, leaf first.
        anchors: What is trusted.
        known: Certificates seen elsewhere, e.g. in our own chain, that could be the missing one.

    Returns:
        The last certificate whose issuer is neither sent nor trusted, and that issuer where it is known; None when
        the chain reaches an anchor, or ends in a root of its own.
    """
    last = chain[0]
    for _ in range(len(chain)):
        if any(_issued(last, anchor) for anchor in anchors) or last.self_issued:
            return None
        step = next((one for one in chain if one is not last and _issued(last, one)), None)
        if step is None:
            return last, next((one for one in known if _issued(last, one)), None)
        last = step
    return None


def _issued(leaf: Certificate, issuer: Certificate) -> bool:
    try:
        leaf.parsed.verify_directly_issued_by(issuer.parsed)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
