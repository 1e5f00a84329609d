"""A bundle as one zip file, byte for byte reproducible; bytes in, bytes out."""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

from gateway.domain.errors import WireError
from gateway.settlement.evidence import REQUIRED

_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises over broken or unusual archives."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
LARGEST: Final = 1 << 30
"""A bundle of 45,000 records is about 70 MB."""


def to_zip(files: Mapping[str, bytes]) -> bytes:
    """Pack a bundle: stored, fixed time stamps, manifest first; equal files give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files, key=_place):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return packed.getvalue()


def from_zip(packed: bytes) -> dict[str, bytes]:
    """Unpack a bundle.

    Only what ``to_zip`` writes is accepted, byte for byte: nothing can hide in comments, gaps, extra fields or a second
    entry of the same name, and nothing unpacks to more than it is. A bundle that another tool packed again can be
    verified as a folder.

    Raises:
        WireError: ``MALFORMED_ARCHIVE``.
    """
    if len(packed) > LARGEST:
        raise WireError("MALFORMED_ARCHIVE", f"a bundle has {LARGEST} bytes at most")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise WireError("MALFORMED_ARCHIVE", "the entries of a bundle are not compressed")
            files = {entry.filename: archive.read(entry) for entry in entries}
    except _UNREADABLE as error:
        raise WireError("MALFORMED_ARCHIVE", f"this is no readable zip file: {error}") from None
    if to_zip(files) != packed:
        raise WireError(
            "MALFORMED_ARCHIVE",
            "the archive is not packed as exported; unpack it and verify the folder instead",
        )
    return files


def _place(name: str) -> tuple[int, str]:
    known = REQUIRED.index(name) if name in REQUIRED else len(REQUIRED)
    return known, name
