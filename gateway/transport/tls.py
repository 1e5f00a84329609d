"""TLS contexts, one per profile and role; none is ever shared between profiles.

OpenADR 2.0b asks for TLS 1.2 with mutual certificates and names two suites (rule 67, profile ``certification``).
Fielded servers increasingly want forward secrecy, so ``modern`` puts GCM first and lets TLS 1.3 win where offered.
"""

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.errors import ConfigError, IdentityError
from gateway.transport.marks import first_test_mark

_CERTIFICATION: Final = "ECDHE-ECDSA-AES128-SHA256:AES128-SHA256"
_MODERN: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:" + _CERTIFICATION
)


class TlsProfile(StrEnum):
    """Which suites an OpenADR connection offers."""

    MODERN = "modern"
    CERTIFICATION = "certification"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Where one identity lives; PEM files, the chain leaf first."""

    certificate: Path
    key: Path
    ca: Path


def openadr_client(
    files: TlsFiles, profile: TlsProfile = TlsProfile.MODERN, *, host_names: bool = True
) -> ssl.SSLContext:
    """Make the VEN's context: mutual TLS, the server's chain and, normally, its host name verified.

    Args:
        files: Our identity and the utility's trust anchor.
        profile: Suites on offer.
        host_names: Switch off only where the server's fingerprint is pinned instead.

    Raises:
        ConfigError: a file is missing or is no certificate, key or anchor.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = host_names
    return _openadr(context, files, profile)


def openadr_server(files: TlsFiles, profile: TlsProfile = TlsProfile.MODERN) -> ssl.SSLContext:
    """Make the VTN's context: a client certificate is demanded.

    Raises:
        ConfigError: a file is missing or is no certificate, key or anchor.
    """
    return _openadr(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), files, profile)


def openadr_listener(
    files: TlsFiles, others: Iterable[Path] = (), profile: TlsProfile = TlsProfile.MODERN
) -> ssl.SSLContext:
    """Make the context under which several utilities push to us: the certificate of one of them is demanded.

    A chain says only that an authority of any of them has signed; who may say what is the fingerprint's to tell.

    Args:
        files: Our identity, and the anchors of one utility.
        others: Anchors of the others.
        profile: Suites on offer.

    Raises:
        ConfigError: a file is missing or is no certificate, key or anchor.
    """
    context = openadr_server(files, profile)
    for ca in others:
        _trust(context, ca)
    return context


def _openadr(context: ssl.SSLContext, files: TlsFiles, profile: TlsProfile) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if profile is TlsProfile.CERTIFICATION:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CERTIFICATION)
    else:
        context.set_ciphers(_MODERN)
    context.verify_mode = ssl.CERT_REQUIRED
    return trusting(context, files)


def trusting(context: ssl.SSLContext, files: TlsFiles) -> ssl.SSLContext:
    """Return a context with an identity and an anchor in it.

    Raises:
        ConfigError: a file is missing or is no certificate, key or anchor.
    """
    _load(context, files.certificate, files.key)
    _trust(context, files.ca)
    return context


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        fault = f"{ca}: no trust anchors in PEM ({error}); name the root in `ca`"
        raise ConfigError((fault,), "UNUSABLE_FILE") from None


def southbound_server(certificate: Path, key: Path) -> ssl.SSLContext:
    """Make the context of the southbound listener: TLS 1.2 or 1.3, the site is known by its token.

    Raises:
        ConfigError: a file is missing or does not fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key)
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # Without an answer of ours OpenSSL would ask the terminal for an encrypted key's pass phrase, and wait.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except FileNotFoundError:
        missing = certificate if not certificate.exists() else key
        raise ConfigError(
            (f"{missing}: no such file; give the path of a PEM file",), "NO_FILE"
        ) from None
    except (OSError, ssl.SSLError) as error:
        fault = f"{certificate} and {key}: no usable pair ({error}); they must belong together"
        raise ConfigError((fault,), "UNUSABLE_FILE") from None


def exchange_identity(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Show another certificate to whoever connects from now on; open connections go on.

    Args:
        context: In use.
        certificate: The new chain.
        key: Its key.

    Raises:
        ConfigError: a file is missing or they do not fit; the context stays as it was.
    """
    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    _load(context, certificate, key)


def peer_certificate(transport: object) -> bytes | None:
    """Return the peer's leaf certificate as DER, None without TLS or without a certificate."""
    get = getattr(transport, "get_extra_info", None)
    found = get("ssl_object") if get else None
    return found.getpeercert(binary_form=True) if isinstance(found, ssl.SSLObject) else None


def peer_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return what the peer's certificate was verified by: DER, leaf first, the anchor last.

    A resumed session knows its leaf alone. Python publishes this from 3.13 on; until then it has it under this name.
    """
    inner = tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - the stubs lack it; pinned by a test
    found = inner.get_verified_chain()
    if found:
        return tuple(ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in found)
    leaf = tls.getpeercert(binary_form=True)
    return (leaf,) if leaf else ()


def admit_peers(context: ssl.SSLContext, admit: Callable[[Sequence[bytes]], None]) -> None:
    """Let ``admit`` judge every peer's chain (DER, leaf first) at the end of the handshake, before any data is sent.

    Args:
        context: A client's or a server's; the judge stays with it.
        admit: Raises ``IdentityError`` to refuse; the connection then fails as one whose chain does not verify.
    """

    class Judged(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            try:
                admit(peer_chain(self))
            except IdentityError as error:
                raise ssl.SSLCertVerificationError(error.detail) from None

    context.sslobject_class = Judged


def refuse_test_files(paths: Iterable[Path]) -> None:
    """Refuse certificates that carry the test mark; called when test mode is off.

    Raises:
        IdentityError: ``TEST_CERTIFICATE`` naming the file.
    """
    for path in paths:
        ders = [
            found.public_bytes(Encoding.DER)
            for found in x509.load_pem_x509_certificates(path.read_bytes())
        ]
        if first_test_mark(ders) is not None:
            detail = f"{path} is a test certificate; use a real one, or set [gateway] test_mode"
            raise IdentityError("TEST_CERTIFICATE", detail)
