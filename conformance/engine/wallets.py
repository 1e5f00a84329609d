"""Who the suite's 2030.5 clients are: certificates of a test hierarchy made for a run, wrong ones too, or files."""

import hashlib
import re
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from certs.sep2.hierarchy import DEPTHS, Sep2Leaf, Sep2Pki, sep2
from certs.sep2.variants import VARIANTS
from conformance.engine.errors import PreconditionError, SuiteError
from conformance.faults.disguise import HONEST, Disguise
from conformance.kit.stage import UnobservedError
from conformance.peers.script2b.ports import Contexts
from conformance.peers.scriptsep2.client import HONEST as OWN
from conformance.peers.scriptsep2.client import Worn

NOBODY: Final = "none"
"""Face of a client that shows no certificate."""
_SUITES: Final = "ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0"
_OFFERS: Final[Mapping[str, str]] = {
    "ccm8-alone": "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0",
    "no-common-cipher": "ECDHE-ECDSA-CHACHA20-POLY1305:@SECLEVEL=0",
}
"""Faces with the right certificate and other suites on offer."""
_FIRST: Final = "first"
_END: Final = b"-----END CERTIFICATE-----"
_NAME: Final = re.compile(r"[a-z0-9-]+")


class Wallet(Protocol):
    """Has the identities of the suite's clients."""

    def fresh(self) -> None:
        """Give everybody a new certificate from now on, where certificates can be made."""
        ...

    def worn(self, name: str, face: str) -> Worn:
        """Return what a client shows.

        Args:
            name: Of the client.
            face: ``honest``, ``depth-2`` …, ``none``, ``ccm8-alone``, ``no-common-cipher``, or a name of
                ``certs.sep2.variants``.

        Raises:
            PreconditionError: the laboratory has no certificate for a client of this name.
            UnobservedError: wrong identities need the suite's own PKI.
        """
        ...

    def listening(self, name: str) -> Contexts | None:
        """Return the identity under which a client takes notifications; None: plain HTTP."""
        ...


class Plain:
    """Plain HTTP: names stand for certificates."""

    def fresh(self) -> None:
        """Do nothing."""

    def worn(self, name: str, face: str) -> Worn:
        """Return an LFDI made of the name."""
        if face != OWN:
            raise UnobservedError(f"be shown {face}, for which the suite needs a PKI of its own")
        return Worn(context=None, lfdi=hashlib.sha256(name.encode()).hexdigest()[:40].upper())

    def listening(self, name: str) -> None:
        """Return nothing."""


@dataclass(frozen=True, slots=True)
class Listening:
    """One identity of a listener."""

    shown: ssl.SSLContext

    def context(self, disguise: Disguise) -> ssl.SSLContext:
        """Return it.

        Raises:
            SuiteError: another identity is wanted.
        """
        if disguise != HONEST:
            raise SuiteError("a listener of 2030.5 has one face")
        return self.shown


class Made:
    """Certificates of test hierarchies.

    Args:
        pkis: By depth; the server trusts the roots of all.
    """

    def __init__(self, pkis: Mapping[int, Sep2Pki]) -> None:
        self._pkis = pkis
        self._anchor = pkis[4].anchor_pem
        self._leaves: dict[str, Sep2Leaf] = {}
        self._faces: dict[str, Sep2Leaf] = {}
        self._issued = 0

    def fresh(self) -> None:
        """Issue new certificates from now on."""
        self._leaves.clear()

    def _leaf(self, name: str) -> Sep2Leaf:
        if name not in self._leaves:
            self._issued += 1
            self._leaves[name] = self._pkis[4].device(f"S{self._issued:06}")
        return self._leaves[name]

    def worn(self, name: str, face: str) -> Worn:
        """Return what a client shows."""
        if face == NOBODY:
            return Worn(context=_client(None, self._anchor), lfdi="")
        leaf = self._leaf(name) if face in {OWN, *_OFFERS} else self._face(face)
        context = _client(leaf, self._anchor)
        if face in _OFFERS:
            context.set_ciphers(_OFFERS[face])
        return Worn(context=context, lfdi=leaf.lfdi)

    def _face(self, face: str) -> Sep2Leaf:
        if face not in self._faces:
            if face.startswith("depth-"):
                self._faces[face] = self._pkis[DEPTHS[int(face[-1])]].device("FACE")
            elif face in VARIANTS:
                self._faces[face] = VARIANTS[face].make(self._pkis[4])
            else:
                raise SuiteError(f"there is no identity {face}")
        return self._faces[face]

    def listening(self, name: str) -> Contexts:
        """Return the identity of a listener."""
        return Listening(_server(self._leaf(name), self._anchor))


def _client(leaf: Sep2Leaf | None, anchor: bytes) -> ssl.SSLContext:
    """Make a client's context for whatever certificate, also for one that no client of the profile would load."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.set_ciphers(_SUITES)
    return _dressed(context, leaf, anchor)


def _server(leaf: Sep2Leaf, anchor: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_TICKET
    context.set_ciphers(_SUITES)
    return _dressed(context, leaf, anchor)


def _dressed(context: ssl.SSLContext, leaf: Sep2Leaf | None, anchor: bytes) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if leaf is not None:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            path = Path(file.name)
            path.write_bytes(leaf.key_pem + leaf.chain_pem)
            context.load_cert_chain(path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=anchor.decode())
    return context


class Filed:
    """A laboratory's certificates: the first client's, and ``<name>.pem`` with ``<name>.key`` beside it.

    Args:
        certificate: Of the first client, with its chain.
        key: Its key.
        ca: What the server's certificate must end in.
    """

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        self._first = (certificate, key)
        self._anchor = ca.read_bytes()

    def fresh(self) -> None:
        """Do nothing: there are no others."""

    def worn(self, name: str, face: str) -> Worn:
        """Return what a client shows."""
        if face == NOBODY:
            return Worn(context=_client(None, self._anchor), lfdi="")
        if face != OWN:
            raise UnobservedError(f"be shown {face}, for which the suite needs a PKI of its own")
        leaf = self._leaf(name)
        return Worn(context=_client(leaf, self._anchor), lfdi=leaf.lfdi)

    def listening(self, name: str) -> Contexts:
        """Return the identity of a listener."""
        return Listening(_server(self._leaf(name), self._anchor))

    def _leaf(self, name: str) -> Sep2Leaf:
        if not _NAME.fullmatch(name):
            raise SuiteError(f"{name!r} is no name of a client")
        beside = self._first[0].parent
        certificate, key = (
            self._first if name == _FIRST else (beside / f"{name}.pem", beside / f"{name}.key")
        )
        if not (certificate.is_file() and key.is_file()):
            raise PreconditionError(
                f"the suite has no certificate for client {name}: put {certificate} and {key} there"
            )
        chain = certificate.read_bytes()
        first = chain[: chain.index(_END) + len(_END)] + b"\n"
        der = ssl.PEM_cert_to_DER_cert(first.decode())
        return Sep2Leaf(name=name, der=der, chain_pem=chain, key_pem=key.read_bytes())


def hierarchies() -> Mapping[int, Sep2Pki]:
    """Make one hierarchy of each depth."""
    return {depth: sep2(word) for depth, word in DEPTHS.items()}
