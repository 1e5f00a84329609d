"""A certificate of the 2030.5 test hierarchy as files, for whoever connects with it."""

from pathlib import Path

from certs.sep2.hierarchy import Sep2Leaf, Sep2Pki
from gateway.transport.tls import TlsFiles


def identity_files(folder: Path, name: str, leaf: Sep2Leaf, pki: Sep2Pki) -> TlsFiles:
    """Write a certificate with its chain, its key and the root into a folder.

    Raises:
        OSError: they cannot be written.
    """
    made = TlsFiles(
        certificate=folder / f"{name}.pem", key=folder / f"{name}.key", ca=folder / "serca.pem"
    )
    made.certificate.write_bytes(leaf.chain_pem)
    made.key.touch(mode=0o600)
    made.key.write_bytes(leaf.key_pem)
    made.ca.write_bytes(pki.anchor_pem)
    return made
