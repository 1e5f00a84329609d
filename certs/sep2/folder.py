"""How a 2030.5 hierarchy lies on disk, so that more can be issued from it later.

DIR/anchor.pem                            the root (SERCA), to be handed to every peer
DIR/authority/serca|mca|mica.pem, .key    the authorities; the keys never leave this folder
DIR/device/<serial>.pem, .key             leaves by role: chain and key
DIR/aggregator/<name>.pem, .key
DIR/server/<host>.pem, .key
DIR/bad/<variant>.pem, .key               identities that every peer must refuse
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.files import PRIVATE, PUBLIC, LeafFiles, NewFile, create, leaf_files
from certs.folder import ANCHOR, AUTHORITY, read_authority
from certs.keys import Fresh, KeySource
from certs.sep2.hierarchy import Authority, Sep2Leaf, Sep2Pki
from certs.sep2.variants import VARIANTS
from gateway.domain.errors import MisuseError

_TITLES: Final = {2: ("serca",), 3: ("serca", "mica"), 4: ("serca", "mca", "mica")}
_FRESH: Final = Fresh()


class Sep2Role(StrEnum):
    """What can be issued."""

    DEVICE = "device"
    AGGREGATOR = "aggregator"
    SEP2_SERVER = "sep2-server"
    BAD = "bad"


def _bad(pki: Sep2Pki, name: str) -> Sep2Leaf:
    variant = VARIANTS.get(name)
    if variant is None:
        known = ", ".join(VARIANTS)
        raise MisuseError("INVALID_NAME", f"there is no variant {name!r}; there is {known}")
    return replace(variant.make(pki), name=name)


_MAKERS: Final[Mapping[Sep2Role, Callable[[Sep2Pki, str], Sep2Leaf]]] = {
    Sep2Role.DEVICE: Sep2Pki.device,
    Sep2Role.AGGREGATOR: Sep2Pki.aggregator,
    Sep2Role.SEP2_SERVER: Sep2Pki.server,
    Sep2Role.BAD: _bad,
}


def make(pki: Sep2Pki, role: Sep2Role, name: str) -> Sep2Leaf:
    """Issue one identity.

    Raises:
        MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``.
    """
    return _MAKERS[role](pki, name)


def place(folder: Path, role: Sep2Role, name: str) -> LeafFiles:
    """Say where an identity belongs.

    Raises:
        MisuseError: ``INVALID_NAME``.
    """
    return leaf_files(folder / ("server" if role is Sep2Role.SEP2_SERVER else role), name)


def leaf_content(leaf: Sep2Leaf, files: LeafFiles) -> tuple[NewFile, NewFile]:
    """Return the files of an identity, the key first."""
    return (
        NewFile(path=files.key, content=leaf.key_pem, mode=PRIVATE),
        NewFile(path=files.certificate, content=leaf.chain_pem, mode=PUBLIC),
    )


def save(pki: Sep2Pki, leaves: Iterable[tuple[Sep2Leaf, LeafFiles]], folder: Path) -> None:
    """Write a new hierarchy and its first identities: everything or nothing.

    Raises:
        MisuseError: ``ALREADY_EXISTS``; ``NOT_WRITABLE``.
    """
    files = [NewFile(path=folder / ANCHOR, content=pki.anchor_pem, mode=PUBLIC)]
    titles = _TITLES[len(pki.authorities) + 1]
    for title, authority in zip(titles, pki.authorities, strict=True):
        where = leaf_files(folder / AUTHORITY, title)
        key = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.append(NewFile(path=where.key, content=key, mode=PRIVATE))
        files.append(NewFile(path=where.certificate, content=authority.pem, mode=PUBLIC))
    for leaf, where in leaves:
        files.extend(leaf_content(leaf, where))
    create(files)


def is_here(folder: Path) -> bool:
    """Say whether a folder holds a 2030.5 hierarchy."""
    return leaf_files(folder / AUTHORITY, "serca").certificate.is_file()


def load(folder: Path, *, source: KeySource = _FRESH) -> Sep2Pki:
    """Take up a hierarchy that ``save`` wrote.

    Raises:
        MisuseError: ``NOT_READABLE``; ``DAMAGED_HIERARCHY``; ``NOT_A_TEST_AUTHORITY``.
    """
    found = [
        Authority(certificate=certificate, key=key)
        for title in _TITLES[4]
        if leaf_files(folder / AUTHORITY, title).certificate.is_file()
        for certificate, key in [read_authority(leaf_files(folder / AUTHORITY, title))]
    ]
    return Sep2Pki(authorities=tuple(found), source=source)
