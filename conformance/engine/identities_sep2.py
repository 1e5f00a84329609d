"""TLS identities of 2030.5: a test hierarchy made for a run, whose server has many faces, or a laboratory's files."""

import ssl
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from certs.sep2.hierarchy import DEPTHS, Sep2Leaf, Sep2Pki, sep2
from certs.sep2.variants import VARIANTS
from conformance.engine.drivers.entry import Pem
from conformance.engine.errors import PreconditionError, SuiteError
from conformance.engine.identities import Identities
from conformance.engine.wallets import Filed, Made, hierarchies
from conformance.faults.disguise import HONEST, Disguise
from conformance.kit.sep2.notices import NO_CERTIFICATE, OTHER_ROOT, STRANGER
from gateway.domain.errors import ConfigError
from gateway.transport.sep2_tls import Sep2Profile, sep2_client, sep2_server
from gateway.transport.tls import TlsFiles

PLAIN_FACE: Final = "honest"
_LEVEL: Final = "@SECLEVEL=0"


def _new(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def _strange(context: ssl.SSLContext) -> None:
    context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")


_SPOILT: Final[Mapping[str, Callable[[ssl.SSLContext], None]]] = {
    "tls13": _new,
    "no-common-cipher": _strange,
}
"""Faces with the right certificate and another TLS."""


class Faces:
    """The suite's server contexts (meets ``peers.script2b.ports.Contexts``): one face is worn at a time.

    Args:
        pkis: By depth; the client trusts the roots of all.
        own: The suite's certificate, by which it notifies as well.
    """

    def __init__(self, pkis: Mapping[int, Sep2Pki], own: Sep2Leaf) -> None:
        self._pkis = pkis
        self._own = own
        self._made: dict[str, ssl.SSLContext] = {}
        self._face = PLAIN_FACE

    def wear(self, face: str) -> None:
        """Show this from the next handshake on.

        Raises:
            SuiteError: there is no such face.
        """
        if face not in {PLAIN_FACE, *_SPOILT, *VARIANTS, *(f"depth-{n}" for n in DEPTHS)}:
            raise SuiteError(f"there is no identity {face}")
        self._face = face

    def context(self, disguise: Disguise) -> ssl.SSLContext:
        """Return the context of the face that is worn.

        Raises:
            SuiteError: a fault of the schedule wants a certificate of another hierarchy.
        """
        if disguise != HONEST:
            raise SuiteError("certificates of 2030.5 are spoilt by faces, not by a schedule")
        if self._face not in self._made:
            self._made[self._face] = self._make(self._face)
        return self._made[self._face]

    def _make(self, face: str) -> ssl.SSLContext:
        pki = self._pkis[int(face[-1])] if face.startswith("depth-") else self._pkis[4]
        usual = pki.server() if face.startswith("depth-") else self._own
        leaf = VARIANTS[face].make(pki) if face in VARIANTS else usual
        made = _context(leaf, self._pkis[4])
        if face in _SPOILT:
            _SPOILT[face](made)
        return made


def _context(leaf: Sep2Leaf, pki: Sep2Pki) -> ssl.SSLContext:
    """Make a server's context for whatever certificate, also for one that no server of the profile would load."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET
    context.set_ciphers(
        f"ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:{_LEVEL}"
    )
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        path = Path(file.name)
        path.write_bytes(leaf.key_pem + leaf.chain_pem)
        context.load_cert_chain(path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=pki.anchor_pem.decode())
    return context


def made_for_run() -> Identities:
    """Make test hierarchies of each depth, a server and one client; nothing of it stays on the disk."""
    pkis = {depth: sep2(word) for depth, word in DEPTHS.items()}
    leaf, own = pkis[4].device("0001"), pkis[4].server()
    anchors = b"".join(pki.anchor_pem for pki in pkis.values())
    with tempfile.TemporaryDirectory(prefix="gridgate-suite-") as text:
        theirs = _files(Path(text), "device", leaf, anchors)
        return Identities(
            server=Faces(pkis, own),
            client=sep2_client(
                _files(Path(text), "server", own, pkis[4].anchor_pem),
                Sep2Profile.CSIP,
                host_names=False,
            ),
            device_client=sep2_client(theirs, Sep2Profile.CSIP, host_names=False),
            device_server=sep2_server(theirs, Sep2Profile.CSIP),
            device_pem=Pem(certificate=leaf.chain_pem, key=leaf.key_pem, ca=anchors),
            device_lfdi=leaf.lfdi,
            masks=partial(_masked, pkis[4]),
        )


def made_for_server() -> Identities:
    """Make test hierarchies of each depth, a server that trusts them all, and a wallet of clients."""
    pkis = hierarchies()
    leaf, anchors = pkis[4].server(), b"".join(pki.anchor_pem for pki in pkis.values())
    with tempfile.TemporaryDirectory(prefix="gridgate-suite-") as text:
        theirs = _files(Path(text), "server", leaf, anchors)
        return Identities(
            server=None,
            client=None,
            device_client=sep2_client(theirs, Sep2Profile.CSIP, host_names=False),
            device_server=sep2_server(theirs, Sep2Profile.SEP2, tickets=False),
            device_pem=Pem(certificate=leaf.chain_pem, key=leaf.key_pem, ca=anchors),
            wallet=Made(pkis),
        )


def clients_from_files(certificate: Path, key: Path, ca: Path, profile: str) -> Identities:
    """Read the identities of the suite's clients from files.

    Raises:
        SuiteError: a file cannot be read, or the profile is none of 2030.5.
    """
    try:
        Sep2Profile(profile)
        wallet = Filed(certificate, key, ca)
        wallet.worn("first", PLAIN_FACE)
    except (PreconditionError, ValueError, OSError) as error:
        raise SuiteError(f"the suite's certificate: {error}") from None
    return Identities(server=None, client=None, wallet=wallet)


def _masked(pki: Sep2Pki, face: str) -> ssl.SSLContext:
    """Make the client's context of somebody who is not the suite.

    Raises:
        SuiteError: there is no such face.
    """
    if face == NO_CERTIFICATE:
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.minimum_version = bare.maximum_version = ssl.TLSVersion.TLSv1_2
        bare.check_hostname = False
        bare.set_ciphers(f"ECDHE-ECDSA-AES128-CCM8:{_LEVEL}")
        bare.load_verify_locations(cadata=pki.anchor_pem.decode())
        return bare
    if face not in (STRANGER, OTHER_ROOT):
        raise SuiteError(f"nobody notifies as {face}")
    leaf = (pki if face == STRANGER else sep2()).device("0666")
    with tempfile.TemporaryDirectory(prefix="gridgate-suite-") as text:
        files = _files(Path(text), "mask", leaf, pki.anchor_pem)
        return sep2_client(files, Sep2Profile.CSIP, host_names=False)


def _files(folder: Path, name: str, leaf: Sep2Leaf, anchors: bytes) -> TlsFiles:
    found = TlsFiles(
        certificate=folder / f"{name}.pem", key=folder / f"{name}.key", ca=folder / f"{name}-ca.pem"
    )
    found.certificate.write_bytes(leaf.chain_pem)
    found.key.write_bytes(leaf.key_pem)
    found.ca.write_bytes(anchors)
    return found


class Honest:
    """A laboratory's one server identity.

    Args:
        context: It.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def context(self, disguise: Disguise) -> ssl.SSLContext:
        """Return it.

        Raises:
            SuiteError: another identity is wanted.
        """
        if disguise != HONEST:
            raise SuiteError("faults of TLS need the suite's own PKI")
        return self._context


def from_files(certificate: Path, key: Path, ca: Path, profile: str) -> Identities:
    """Read the suite's identity from files.

    Raises:
        SuiteError: a file cannot be read.
    """
    files = TlsFiles(certificate=certificate, key=key, ca=ca)
    try:
        chosen = Sep2Profile(profile)
        return Identities(
            server=Honest(sep2_server(files, chosen, tickets=False)),
            client=sep2_client(files, chosen, host_names=False),
        )
    except (ConfigError, ValueError, OSError) as error:
        raise SuiteError(f"the suite's certificate: {error}") from None
