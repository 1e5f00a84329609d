"""Why a handshake failed, in words that say whose move it is."""

import ssl
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from gateway.app.doctor.certificates import Certificate, missing_issuer
from gateway.app.doctor.finding import Finding, Scribe
from gateway.app.doctor.handshake import Shaken

_EXPIRED, _NOT_YET, _HOST, _ADDRESS = 10, 9, 62, 64
_NO_ISSUER: Final = frozenset({2, 18, 19, 20, 21, 27})
"""X509_V_ERR_*: no issuer, self-signed, not trusted."""
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH")
_REFUSALS: Final = {
    "UNKNOWN_CA": "it does not know the authority that issued it",
    "BAD_CERTIFICATE": "it cannot use it",
    "CERTIFICATE_EXPIRED": "it finds it expired",
    "CERTIFICATE_REVOKED": "it was revoked",
    "CERTIFICATE_UNKNOWN": "it does not accept it",
    "UNSUPPORTED_CERTIFICATE": "it does not accept its kind",
    "CERTIFICATE_REQUIRED": "it saw none",
    "ACCESS_DENIED": "it is not on its list",
    "DECRYPT_ERROR": "its signature did not fit",
}
_NO_COMMON: Final = (
    "HANDSHAKE_FAILURE",
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "INSUFFICIENT",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Judges a failed handshake.

    Args:
        write: Writes findings.
        host: Of the utility's url.
        port: The same.
        profile: The configured ``tls_profile``.
        anchors: What ``ca`` holds.
        own: Our own chain; a missing intermediate may stand there.
    """

    write: Scribe
    host: str
    port: int
    profile: str
    anchors: tuple[Certificate, ...]
    own: tuple[Certificate, ...]

    def judge(self, shaken: Shaken, shown: Shaken, chain: tuple[Certificate, ...]) -> Finding:
        """Say why a handshake failed.

        Args:
            shaken: With our identity, verified.
            shown: As far as the server shows itself to a stranger.
            chain: Its certificates; empty when it shows none.
        """
        if isinstance(shaken.error, ssl.SSLCertVerificationError):
            return self._unverified(shaken.error, chain)
        word = shaken.word
        if any(sign in word for sign in _NO_TLS):
            return self.write.fail("tls", "NOT_TLS", f"{self._place} speaks no TLS")
        why = next((text for sign, text in _REFUSALS.items() if sign in word), "")
        if why:
            text = f"the server refuses our certificate: {why} ({word})"
            return self.write.fail("tls", "CERTIFICATE_REFUSED", text)
        if shaken.closed or any(sign in word for sign in _NO_COMMON):
            return self._broken_off(shaken, shown, chain)
        return self.write.fail("tls", "TLS", f"{word or shaken.error}")

    @property
    def _place(self) -> str:
        return place_text(self.host, self.port)

    def _broken_off(self, shaken: Shaken, shown: Shaken, chain: tuple[Certificate, ...]) -> Finding:
        if not shaken.chain and not chain and shaken.closed:
            return self.write.fail("tls", "NOT_TLS", f"{self._place} hangs up in the handshake")
        if not shaken.chain:  # it shows its certificate as soon as a suite is agreed on
            return self._no_suite(shown)
        text = "the server hangs up after it saw our certificate, without saying why"
        return self.write.fail("tls", "CERTIFICATE_REFUSED", text)

    def _no_suite(self, shown: Shaken) -> Finding:
        told = f", it would take {shown.version} {shown.suite}" if shown.suite else ""
        text = f"no suite of tls_profile {self.profile!r} is taken by the server{told}"
        return self.write.fail("tls", "NO_SUITE", text)

    def _unverified(
        self, error: ssl.SSLCertVerificationError, chain: tuple[Certificate, ...]
    ) -> Finding:
        code = error.verify_code
        if code == _EXPIRED:
            return self.write.fail("tls", "SERVER_EXPIRED", "the server's chain has expired")
        if code == _NOT_YET:
            return self.write.fail("tls", "SERVER_NOT_YET", "the server's chain is not valid yet")
        if code in (_HOST, _ADDRESS):
            names = ", ".join(_host_names(chain[0])) if chain else ""
            text = f"the certificate is for {names or 'no host at all'}, url says {self.host}"
            return self.write.fail("tls", "HOST_NAME", text)
        if code in _NO_ISSUER and chain:
            return self._untrusted(chain)
        return self.write.fail("tls", "WEAK_CERTIFICATE", error.verify_message)

    def _untrusted(self, chain: tuple[Certificate, ...]) -> Finding:
        gap = missing_issuer(chain, self.anchors, self.own)
        trusted = ", ".join(anchor.subject for anchor in self.anchors)
        if gap is not None and (gap[1] is not None or len(chain) == 1):
            last, issuer = gap
            name = issuer.subject if issuer else last.issuer
            sure = "" if issuer else ", or `ca` is the wrong root"
            text = f"the server does not send the certificate of {name!r}, which issued {last.subject!r}{sure}"
            return self.write.fail("tls", "INCOMPLETE_CHAIN", text, missing=name)
        ends = f"the chain ends at {chain[-1].issuer!r}, `ca` holds {trusted!r}"
        return self.write.fail("tls", "UNKNOWN_CA", f"{ends}; set ca to the utility's root")


def place_text(address: str, port: int) -> str:
    """Write an address and a port."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _host_names(leaf: Certificate) -> list[str]:
    try:
        names = leaf.parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    hosts = names.get_values_for_type(x509.DNSName)
    return [*hosts, *map(str, names.get_values_for_type(x509.IPAddress))]
