"""Read a bundle back: bytes from nobody in particular become typed values, or faults that name the file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import GatewayError, WireError
from gateway.settlement.evidence import (
    CONSISTENCY,
    HEADS,
    INCLUSION,
    RECORDS,
    REQUIRED,
    RESULT,
    Consistency,
    Heads,
    Proof,
    Result,
)
from gateway.settlement.records import Logged, logged

T = TypeVar("T")
LARGEST_FILE: Final = 1 << 29
_CERTIFICATE: Final = re.compile(r"certs/([0-9a-f]{64})\.pem")
PROOFS_OF: Final = TypeAdapter(tuple[Proof, ...])
HEADS_OF: Final = TypeAdapter(Heads)
CONSISTENCY_OF: Final = TypeAdapter(Consistency)
_RESULT: Final = TypeAdapter(Result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle whose files could be read; nothing in it is believed yet."""

    files: Mapping[str, bytes]
    records: Sequence[Logged]
    """In file order, with the index that their proof claims."""
    proofs: Sequence[Proof]
    heads: Heads
    consistency: Consistency
    result: Result
    certificates: Mapping[str, bytes]
    """kid -> PEM."""


def missing_files(files: Mapping[str, bytes]) -> list[str]:
    """Name the files that every bundle has and this one lacks."""
    return [name for name in REQUIRED if name not in files]


def read_bundle(files: Mapping[str, bytes]) -> Bundle:
    """Read all files of a complete bundle.

    Raises:
        WireError: ``MALFORMED_BUNDLE``, the detail begins with the file's name and a colon.
    """
    strangers = [
        name for name in files if name not in REQUIRED and not _CERTIFICATE.fullmatch(name)
    ]
    if strangers:
        raise _malformed(strangers[0][:80], "no file of a bundle has this name")
    proofs = typed(files, INCLUSION, PROOFS_OF)
    return Bundle(
        files=files,
        records=records_of(files[RECORDS], proofs),
        proofs=proofs,
        heads=typed(files, HEADS, HEADS_OF),
        consistency=typed(files, CONSISTENCY, CONSISTENCY_OF),
        result=typed(files, RESULT, _RESULT),
        certificates={
            match.group(1): body
            for name, body in files.items()
            if (match := _CERTIFICATE.fullmatch(name))
        },
    )


def typed(files: Mapping[str, bytes], name: str, adapter: TypeAdapter[T]) -> T:
    """Read one file in canonical form.

    Raises:
        WireError: ``MALFORMED_BUNDLE``, the detail begins with the file's name and a colon.
    """
    document = _document(files, name)
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise _malformed(name, f"{where}: {fault['msg']}") from None


def _document(files: Mapping[str, bytes], name: str) -> Any:
    try:
        document = read_json(files[name], largest=LARGEST_FILE)
        is_canonical = canonical(document) == files[name]
    except GatewayError as error:
        raise _malformed(name, error.detail) from None
    if not is_canonical:
        raise _malformed(name, "the file is not in canonical form (RFC 8785)")
    return document


def records_of(body: bytes, proofs: Sequence[Proof]) -> tuple[Logged, ...]:
    """Read the records, each at the place that its proof claims.

    Raises:
        WireError: ``MALFORMED_BUNDLE``.
    """
    lines = body.split(b"\n")
    if lines.pop() != b"":
        raise _malformed(RECORDS, "the last line has no end")
    if len(lines) != len(proofs):
        text = f"{len(lines)} records, but {INCLUSION} has {len(proofs)} proofs"
        raise _malformed(RECORDS, text)
    try:
        return tuple(logged(proof.index, line) for proof, line in zip(proofs, lines, strict=True))
    except WireError as error:
        raise _malformed(RECORDS, error.detail) from None


def _malformed(name: str, text: str) -> WireError:
    return WireError("MALFORMED_BUNDLE", f"{name}: {text}")
