"""The folder of one run: RSA certificates of a utility and of some VENs, and what every party knows beforehand."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from certs.files import write
from certs.issue import openadr
from gateway.transport.tls import TlsFiles

VENS: Final = 4
"""Connections that poll side by side."""
VTN_ID: Final = "bench"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with every file.

    Args:
        folder: Where.
    """

    folder: Path

    @property
    def anchor(self) -> Path:
        """Return the file of the trust anchor."""
        return self.folder / "anchor.pem"

    def files(self, name: str) -> TlsFiles:
        """Return the identity of ``vtn`` or of a VEN."""
        return TlsFiles(
            certificate=self.folder / f"{name}.pem",
            key=self.folder / f"{name}.key",
            ca=self.anchor,
        )

    @property
    def vens(self) -> dict[str, str]:
        """Return venID -> fingerprint."""
        return {
            name: (self.folder / f"{name}.fingerprint").read_text()
            for name in (f"ven-{number}" for number in range(VENS))
        }

    def fill(self, now: datetime) -> None:
        """Make the hierarchy and its leaves; takes a few seconds."""
        pki = openadr("rsa", now)
        self.anchor.write_bytes(pki.anchor_pem)
        write(pki.vtn("localhost"), self.folder, "vtn")
        for number in range(VENS):
            leaf = pki.ven(f"ven-{number}")
            write(leaf, self.folder, leaf.name)
            (self.folder / f"{leaf.name}.fingerprint").write_text(leaf.fingerprint)
