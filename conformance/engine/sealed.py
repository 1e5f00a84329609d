"""The sealed directory: a hash of every file, the chain over the history, a signature; verified without network.

``MANIFEST.json`` names every file with its SHA-256 and the head of a hash chain over the lines of the history;
``MANIFEST.sig`` is an Ed25519 signature over its bytes, with the public key. Who holds the private key is for the
laboratory to say: ``verify`` shows the key's fingerprint and compares it with one that is given.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from conformance.engine.errors import SuiteError
from conformance.engine.record import HISTORY

MANIFEST: Final = "MANIFEST.json"
SIGNATURE: Final = "MANIFEST.sig"
SCHEMA: Final = "gridgate-conformance-manifest/1"
_OUTSIDE: Final = frozenset({MANIFEST, SIGNATURE})


@dataclass(frozen=True, slots=True)
class Seal:
    """What a verification found."""

    faults: tuple[str, ...]
    key: str
    """Fingerprint of the signing key: SHA-256 of its raw bytes, hex."""


def files(folder: Path) -> Iterator[Path]:
    """Yield every file that a seal covers, sorted by name."""
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    yield from sorted(p for p in found if p.relative_to(folder).as_posix() not in _OUTSIDE)


def chain_head(history: Path) -> str:
    """Return the head of the hash chain over the lines of a history: h = SHA-256(h before + line)."""
    head = bytes(32)
    with history.open("rb") as lines:
        for line in lines:
            head = hashlib.sha256(head + line).digest()
    return head.hex()


def manifest(folder: Path) -> bytes:
    """Write the manifest of a directory."""
    rows = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files(folder)
    }
    fields = {"schema": SCHEMA, "history_head": chain_head(folder / HISTORY), "files": rows}
    return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()


def load_key(path: Path | None) -> Ed25519PrivateKey:
    """Read the signing key, or make one for this run alone.

    Raises:
        SuiteError: the file holds no Ed25519 key.
    """
    if path is None:
        return Ed25519PrivateKey.generate()
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SuiteError(f"{path}: {error}") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise SuiteError(f"{path}: not an Ed25519 key")
    return found


def new_key() -> bytes:
    """Make a signing key, PEM (PKCS 8)."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def seal(folder: Path, key: Ed25519PrivateKey) -> str:
    """Seal a directory and return the fingerprint of the key."""
    written = manifest(folder)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    fields = {"public_key": public.hex(), "signature": key.sign(written).hex()}
    (folder / MANIFEST).write_bytes(written)
    (folder / SIGNATURE).write_text(json.dumps(fields, indent=1, sort_keys=True) + "\n")
    return hashlib.sha256(public).hexdigest()


def verify(folder: Path, expected_key: str = "") -> Seal:
    """Verify a sealed directory: any changed, missing or added byte or file is a fault.

    Args:
        folder: Of the run.
        expected_key: Fingerprint of the key that must have signed; empty: any.

    Raises:
        SuiteError: there is no seal, or it cannot be read.
    """
    try:
        written = (folder / MANIFEST).read_bytes()
        told = json.loads((folder / SIGNATURE).read_bytes())
        public = bytes.fromhex(told["public_key"])
        signature = bytes.fromhex(told["signature"])
        rows = json.loads(written)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SuiteError(f"{folder}: no seal that can be read: {error}") from None
    fingerprint = hashlib.sha256(public).hexdigest()
    faults = []
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, written)
    except (InvalidSignature, ValueError):
        faults.append(f"{MANIFEST}: the signature does not fit")
    if expected_key and expected_key != fingerprint:
        faults.append(f"{SIGNATURE}: signed by {fingerprint}, not by {expected_key}")
    return Seal((*faults, *_differences(folder, rows)), fingerprint)


def _differences(folder: Path, told: object) -> list[str]:
    rows = told.get("files") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(rows, dict):
        return [f"{MANIFEST}: not a manifest"]
    found = []
    present = {path.relative_to(folder).as_posix(): path for path in files(folder)}
    for name in sorted(set(rows) | set(present)):
        path = present.get(name)
        if path is None:
            found.append(f"{name}: missing")
        elif name not in rows:
            found.append(f"{name}: added")
        elif path.is_symlink():
            found.append(f"{name}: a link")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != rows[name]:
            found.append(f"{name}: changed")
    history = folder / HISTORY
    if not history.is_file() or chain_head(history) != told.get("history_head"):
        found.append(f"{HISTORY}: the chain over its lines ends otherwise")
    return found
