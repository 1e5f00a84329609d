"""How a hierarchy lies on disk, so that more leaves can be issued from it later.

DIR/anchor.pem                      the root certificate, to be handed to every peer
DIR/authority/<role>.pem, .key      the authorities; the keys never leave this folder
DIR/ven/<name>.pem, .key            leaves by role: chain and key
DIR/vtn/<host>.pem, .key
DIR/server/<host>.pem, .key
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs.facts import BAD_BLOCK
from certs.files import PRIVATE, PUBLIC, LeafFiles, NewFile, create, leaf_files, new_files, read
from certs.issue import Authority, Leaf, OpenAdrPki
from certs.keys import Fresh, KeySource, PrivateKey
from certs.profiles import SHAPES, KeyKind, Role
from gateway.domain.errors import MisuseError
from gateway.domain.test_mark import TEST_MARK_OID

ANCHOR: Final = "anchor.pem"
AUTHORITY: Final = "authority"
_FRESH: Final = Fresh()


def place(folder: Path, leaf: Leaf) -> LeafFiles:
    """Say where a leaf belongs in a hierarchy's folder.

    Raises:
        MisuseError: ``INVALID_NAME``.
    """
    return leaf_files(folder / leaf.role, leaf.name)


def save(pki: OpenAdrPki, leaves: Iterable[Leaf], folder: Path) -> None:
    """Write a new hierarchy and its first leaves: everything or nothing.

    Raises:
        MisuseError: ``ALREADY_EXISTS`` when the folder holds one of the files; ``NOT_WRITABLE``.
    """
    files = [NewFile(path=folder / ANCHOR, content=pki.anchor_pem, mode=PUBLIC)]
    for role, authority in pki.authorities.items():
        where = leaf_files(folder / AUTHORITY, role)
        files.append(NewFile(path=where.key, content=authority.key_pem, mode=PRIVATE))
        files.append(
            NewFile(path=where.certificate, content=authority.certificate_pem, mode=PUBLIC)
        )
    for leaf in leaves:
        files.extend(new_files(leaf, place(folder, leaf)))
    create(files)


def load(folder: Path, *, source: KeySource = _FRESH) -> OpenAdrPki:
    """Take up a hierarchy that ``save`` wrote.

    Raises:
        MisuseError: ``NO_HIERARCHY`` when the folder holds none; ``NOT_READABLE``; ``DAMAGED_HIERARCHY`` when a file
            in it is no certificate or key, or a key belongs to another certificate; ``NOT_A_TEST_AUTHORITY`` when an
            authority lacks the test mark, so that nobody issues from a real one by mistake.
    """
    if not (folder / ANCHOR).is_file():
        raise MisuseError(
            "NO_HIERARCHY",
            f"{folder} holds no {ANCHOR}; make a hierarchy there first: "
            f"gridgate-certs init {folder} --profile openadr-ecc",
        )
    authorities = {
        role: _load_authority(leaf_files(folder / AUTHORITY, role))
        for role, shape in SHAPES.items()
        if shape.is_authority
    }
    is_rsa = isinstance(authorities[Role.ROOT].key, rsa.RSAPrivateKey)
    kind = KeyKind.RSA if is_rsa else KeyKind.ECC
    return OpenAdrPki(kind=kind, authorities=authorities, source=source)


def _load_authority(files: LeafFiles) -> Authority:
    certificate, key = read_authority(files)
    return Authority(certificate=certificate, key=key)


def read_authority(files: LeafFiles) -> tuple[x509.Certificate, PrivateKey]:
    """Read an authority that was made here.

    Raises:
        MisuseError: ``NOT_READABLE``, ``DAMAGED_HIERARCHY`` or ``NOT_A_TEST_AUTHORITY``.
    """
    certificate_pem, key_pem = read(files.certificate).content, read(files.key).content
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        marked = any(found.oid.dotted_string == TEST_MARK_OID for found in certificate.extensions)
        key = load_pem_private_key(key_pem, password=None)
    except BAD_BLOCK as error:
        raise MisuseError(
            "DAMAGED_HIERARCHY",
            f"{files.certificate} and {files.key} are no certificate with its open key ({error}); "
            "restore them or start a new folder",
        ) from error
    if not marked:
        raise MisuseError(
            "NOT_A_TEST_AUTHORITY",
            f"{files.certificate} lacks the test mark, so it was not made here; nothing is issued from it",
        )
    if not isinstance(key, PrivateKey) or key.public_key() != certificate.public_key():
        raise MisuseError(
            "DAMAGED_HIERARCHY",
            f"{files.key} is not the key of {files.certificate}; restore it or start a new folder",
        )
    return certificate, key
