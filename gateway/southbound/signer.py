"""The gateway's signing key: ES256, made at first start, never leaving its file."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.database.place import flush_names
from gateway.domain.errors import ConfigError

_ORDER_P256: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_FILE: Final = "intent-signing.pem"


class KeyFileSigner:
    """Signs intents and plans (``Signer``).

    Args:
        key: A private key on P-256.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._key = ECKey.import_key(pem)
        self._kid = self._key.thumbprint()
        public = self._key.as_dict(private=False)
        self._public = {"kty": "EC", "crv": "P-256", "x": public["x"], "y": public["y"]}

    @classmethod
    def seeded(cls, seed: bytes) -> "KeyFileSigner":
        """Make the key that follows from a seed: for test mode alone, nothing is written."""
        scalar = int.from_bytes(hashlib.sha512(b"intent signing key" + seed).digest())
        return cls(ec.derive_private_key(scalar % (_ORDER_P256 - 1) + 1, ec.SECP256R1()))

    @property
    def kid(self) -> str:
        """Return the key's thumbprint (RFC 7638)."""
        return self._kid

    def detached(self, payload: bytes) -> str:
        """Sign canonical bytes: compact JWS ES256 with the payload part left empty (RFC 7515, appendix F)."""
        header = {"alg": "ES256", "kid": self._kid}
        compact = jws.serialize_compact(header, payload, self._key, algorithms=["ES256"])
        head, _, signature = compact.split(".")
        return f"{head}..{signature}"

    def key_set(self) -> Mapping[str, object]:
        """Return the public key as a JWK set (RFC 7517)."""
        return {"keys": [{**self._public, "kid": self._kid, "use": "sig", "alg": "ES256"}]}


def open_signer(data_dir: Path) -> KeyFileSigner:
    """Open the signing key under ``data_dir/keys``, making it at the first start.

    Raises:
        ConfigError: others may read the file, or it holds no such key.
    """
    folder = data_dir / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / _FILE
    if not path.exists():
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError(
            (f"{path}: others may read the signing key; chmod 600 it",), "PRIVATE_FILE"
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as error:
        raise ConfigError(
            (f"{path}: no readable private key: {type(error).__name__}",), "PRIVATE_FILE"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ConfigError((f"{path}: the signing key must lie on P-256",), "PRIVATE_FILE")
    return KeyFileSigner(key)


def _make(path: Path) -> None:
    """Write a fresh key under a name of its own, then link it in: no reader ever sees half a key."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        fresh.unlink()
    flush_names(
        path.parent
    )  # a key that a power loss takes away would be made anew, and be another one
    flush_names(path.parent.parent)
