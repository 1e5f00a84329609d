"""TLS identities of a run: a test PKI made for it, or the files that a laboratory names."""

import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certs.files import write
from certs.issue import OpenAdrPki, openadr
from conformance.engine.drivers.entry import Pem
from conformance.engine.errors import SuiteError
from conformance.engine.masks import Masks
from conformance.engine.wallets import Wallet
from conformance.faults.disguise import HONEST, Disguise, Wardrobe
from conformance.kit.oadr20b.signing import Signer
from conformance.peers.script2b.ports import Contexts
from gateway.client.clock import SystemClock
from gateway.domain.errors import ConfigError
from gateway.transport.tls import TlsFiles, TlsProfile, openadr_client, openadr_server


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Who is who in a run."""

    server: Contexts | None
    """The suite as a server; None: plain HTTP."""
    client: ssl.SSLContext | None
    """The suite as a client (pushes)."""
    device_client: ssl.SSLContext | None = None
    device_server: ssl.SSLContext | None = None
    """A device in this process."""
    device_pem: Pem | None = None
    device_lfdi: str = ""
    """Of a 2030.5 client: its long-form device identifier; empty: the IXIT says it."""
    signer: Signer | None = None
    """Signs the suite's messages at high security; None: plain HTTP."""
    stranger: Signer | None = None
    """Somebody whose certificate is on no file."""
    suite_pem: bytes = b""
    """The suite's certificate with its chain."""
    masks: Callable[[str], ssl.SSLContext] | None = None
    """Wrong identities of the suite as a client; None: without a PKI of its own it has none."""
    another: Callable[[str], ssl.SSLContext | None] = lambda _: None
    """Makes the client's context of one more scripted VEN."""
    wallet: Wallet | None = None
    """Who the suite's 2030.5 clients are; None: it plays none, or over plain HTTP."""


PLAIN = Identities(server=None, client=None)


class Dressing:
    """The suite's server contexts: the certification suites when honest, any disguise of the test PKI otherwise.

    Args:
        honest: Shown unless a fault says otherwise.
        wardrobe: Makes disguises; None where only the laboratory's own files are there.
    """

    def __init__(self, honest: ssl.SSLContext, wardrobe: Wardrobe | None) -> None:
        self._honest = honest
        self._wardrobe = wardrobe

    def context(self, disguise: Disguise) -> ssl.SSLContext:
        """Return the context that shows so.

        Raises:
            SuiteError: a disguise needs the test PKI.
        """
        if disguise == HONEST:
            return self._honest
        if self._wardrobe is None:
            raise SuiteError("faults of TLS need the suite's own PKI")
        return self._wardrobe.context(disguise)


def made_for_run(now: datetime, role: str = "ven", kind: str = "ecc") -> Identities:
    """Make a test PKI with one VTN and one VEN; nothing of it stays on the disk.

    Args:
        now: Of the certificates.
        role: Of the device: ``ven`` or ``vtn``; the suite is the other one.
        kind: ``ecc`` or ``rsa``.
    """
    pki = openadr("rsa" if kind == "rsa" else "ecc", now)

    def another(name: str) -> ssl.SSLContext:
        with tempfile.TemporaryDirectory(prefix="gridgate-suite-") as text:
            return openadr_client(_files(pki, Path(text), name)[1], TlsProfile.CERTIFICATION)

    with tempfile.TemporaryDirectory(prefix="gridgate-suite-") as text:
        vtn, ven = _files(pki, Path(text), "reference-ven")
        ours, theirs = (vtn, ven) if role == "ven" else (ven, vtn)
        return Identities(
            server=Dressing(openadr_server(ours, TlsProfile.CERTIFICATION), Wardrobe(pki)),
            client=_client(ours, role == "vtn"),
            device_client=_client(theirs, role == "ven"),
            device_server=openadr_server(theirs, TlsProfile.CERTIFICATION),
            device_pem=_pem(theirs),
            signer=_signer(ours),
            stranger=made_up(pki),
            masks=Masks(pki),
            suite_pem=ours.certificate.read_bytes(),
            another=another,
        )


def _client(files: TlsFiles, host_names: bool) -> ssl.SSLContext:  # noqa: FBT001 - passed on
    return openadr_client(files, TlsProfile.CERTIFICATION, host_names=host_names)


def _signer(files: TlsFiles) -> Signer:
    return Signer.of(files.certificate.read_bytes(), files.key.read_bytes())


def made_up(pki: OpenAdrPki) -> Signer:
    """Return a signer that a PKI vouches for, and that nobody has on file."""
    leaf = pki.vtn("elsewhere.example")
    return Signer.of(leaf.chain_pem, leaf.key_pem)


def _pem(files: TlsFiles) -> Pem:
    return Pem(
        certificate=files.certificate.read_bytes(),
        key=files.key.read_bytes(),
        ca=files.ca.read_bytes(),
    )


def _files(pki: OpenAdrPki, folder: Path, ven_name: str) -> tuple[TlsFiles, TlsFiles]:
    root = folder / "root.pem"
    root.write_bytes(pki.anchor_pem)
    vtn = write(pki.vtn("localhost"), folder, "vtn")
    ven = write(pki.ven(ven_name), folder, "ven")
    return (
        TlsFiles(certificate=vtn.certificate, key=vtn.key, ca=root),
        TlsFiles(certificate=ven.certificate, key=ven.key, ca=root),
    )


def from_files(certificate: Path, key: Path, ca: Path, profile: str) -> Identities:
    """Read the suite's identity from files.

    Raises:
        SuiteError: a file cannot be read.
    """
    files = TlsFiles(certificate=certificate, key=key, ca=ca)
    try:
        chosen = TlsProfile(profile)
        return Identities(
            server=Dressing(openadr_server(files, chosen), None),
            client=openadr_client(files, chosen, host_names=False),
            signer=_signer(files),
            stranger=made_up(openadr("ecc", SystemClock().now())),
            suite_pem=certificate.read_bytes(),
        )
    except (ConfigError, ValueError, OSError) as error:
        raise SuiteError(f"the suite's certificate: {error}") from None
