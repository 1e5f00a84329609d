"""Tools of a forger who knows how a bundle is made."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, TypeVar

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import WireError
from gateway.settlement.bundle import read_bundle
from gateway.settlement.evidence import INCLUSION, MANIFEST, RECORDS, manifest_of

Files = dict[str, bytes]
T = TypeVar("T")
_LARGEST: Final = 1 << 28


def listed(files: Mapping[str, bytes]) -> Files:
    """Write the manifest anew, so that every file has the digest that it claims."""
    manifest = read_json(files[MANIFEST], largest=_LARGEST)
    hashes = {name: sha256(body).hexdigest() for name, body in files.items() if name != MANIFEST}
    found = {**files, MANIFEST: canonical({**manifest, "files": hashes})}
    try:
        bundle = read_bundle(found)
    except WireError:
        return found
    return {**found, MANIFEST: manifest_of(found, bundle.result, bundle.heads)}


def with_lines(files: Files, change: Callable[[list[bytes]], list[bytes]]) -> Files:
    """Change the lines of ``records.jsonl``."""
    lines = change(files[RECORDS].splitlines())
    return {**files, RECORDS: b"".join(line + b"\n" for line in lines)}


def with_document(files: Files, name: str, change: Callable[[Any], Any]) -> Files:
    """Change one JSON file."""
    return {**files, name: canonical(change(read_json(files[name], largest=_LARGEST)))}


def with_records(files: Files, change: Callable[[list[Any]], list[Any]]) -> Files:
    """Change the order or the number of records and, alike, of their proofs; list the files anew."""
    return listed(with_document(with_lines(files, change), INCLUSION, change))


def without(items: Sequence[T], *positions: int) -> list[T]:
    """Leave items out."""
    return [item for position, item in enumerate(items) if position not in positions]


def swapped(items: Sequence[T], one: int, other: int) -> list[T]:
    """Exchange two items."""
    found = list(items)
    found[one], found[other] = found[other], found[one]
    return found
