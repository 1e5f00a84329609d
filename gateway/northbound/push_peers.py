"""Who pushes: the holder of a certificate, compared with the utility whose address was used."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509

from gateway.domain.errors import IdentityError, WireError
from gateway.protocols.oadr2b.identity import fingerprint, same_fingerprint
from gateway.transport.marks import is_test_certificate
from gateway.transport.tls import peer_certificate

_REMEMBERED: Final = 256


@dataclass(slots=True)
class Certificates:
    """Reads the certificate of each connection, once per certificate.

    Args:
        test_mode: False refuses certificates that carry the test mark.
    """

    test_mode: bool
    _read: OrderedDict[bytes, tuple[str, datetime]] = field(default_factory=OrderedDict)

    def peer(self, transport: object, now: datetime) -> str:
        """Return the fingerprint of whoever speaks, empty over plain HTTP.

        Raises:
            IdentityError: ``TEST_CERTIFICATE``; ``EXPIRED``: a connection may outlive its certificate (rule 516).
        """
        der = peer_certificate(transport)
        if der is None:
            return ""
        if not self.test_mode and is_test_certificate(der):
            raise IdentityError("TEST_CERTIFICATE", "the utility shows a test certificate")
        found = self._read.get(der)
        if found is None:
            found = (fingerprint(der), x509.load_der_x509_certificate(der).not_valid_after_utc)
            self._read[der] = found
            if len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        if now > found[1]:
            raise IdentityError("EXPIRED", "the utility's certificate has expired")
        return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Which certificates a utility pushes with.

    Without a setting it is the one that the utility shows as a server: its chain and its host name were verified when
    we called it, so that a stranger whom the same authority has signed is still a stranger.
    """

    pinned: Sequence[str] = ()
    """Fingerprints out of the configuration."""
    secure: bool = True
    """False: plain HTTP on loopback, for rehearsals."""
    seen: Callable[[], str] = lambda: ""
    """Returns the fingerprint that the utility showed last; empty before the first exchange."""

    def check(self, peer: str) -> None:
        """Let a peer pass.

        Raises:
            IdentityError: ``FINGERPRINT``: it is somebody else.
            WireError: ``OVERLOADED``: nobody can tell yet; it shall come back later.
        """
        if not self.secure:
            return
        known = self.pinned or [seen for seen in (self.seen(),) if seen]
        if not known:
            raise WireError("OVERLOADED", "the utility has not been heard yet, so nobody knows it")
        if not any(same_fingerprint(peer, one) for one in known):
            raise IdentityError("FINGERPRINT", "this certificate is not the utility's")
