"""The classes of forgery: each makes a false bundle of an honest one, and says what a verifier has to name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random  # noqa: TID251 - seeds forgeries; nothing of it reaches the code under test
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance.forgeries.editing import (
    Files,
    listed,
    swapped,
    with_document,
    with_lines,
    with_records,
    without,
)
from gateway.domain.canonical import canonical, read_json
from gateway.domain.timespan import instant, instant_text
from gateway.settlement.evidence import HEADS, INCLUSION, MANIFEST, RECORDS, RESULT
from gateway.settlement.heads import LogKey, TreeHead, sign_head

OTHER_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"\x66" * 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """A false bundle."""

    files: Files
    named: tuple[str, ...]
    """One finding at least must be about one of these: a file, or ``record N``."""


_CLOSING: Final = frozenset({"vee", "baseline", "settlement"})
Forge = Callable[[Files, Random], Forgery]


def flip(body: bytes, chance: Random) -> bytes:
    """Flip one bit."""
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :]


def flip_a_file(files: Files, chance: Random) -> Forgery:
    """Flip one bit of one file."""
    name = chance.choice(sorted(files))
    return Forgery(files={**files, name: flip(files[name], chance)}, named=(name,))


def flip_and_list(files: Files, chance: Random) -> Forgery:
    """Flip one bit of one file, and list the files anew."""
    name = chance.choice(sorted(set(files) - {MANIFEST}))
    changed = {**files, name: flip(files[name], chance)}
    touched: list[str] = []
    if name in {RECORDS, INCLUSION}:
        at = next(
            i for i, (a, b) in enumerate(zip(files[name], changed[name], strict=True)) if a != b
        )
        before = files[name][:at]
        position = before.count(b"\n") if name == RECORDS else max(before.count(b'"index"') - 1, 0)
        touched = [record(files, near) for near in (position - 1, position, position + 1)]
    elif name == RESULT:
        touched = _closing(files)
    return Forgery(files=listed(changed), named=(name, *touched))


def drop(files: Files, chance: Random) -> Forgery:
    """Leave out one record and its proof."""
    position = _position(files, chance)
    # Nothing stands behind the last record, but the result still states what it said.
    stated = (RESULT,) if position == len(indexes(files)) - 1 else ()
    return Forgery(
        files=with_records(files, lambda items: without(items, position)),
        named=(
            record(files, position),
            record(files, position + 1),
            *_followers(files, position),
            *stated,
        ),
    )


def drop_last(files: Files, chance: Random) -> Forgery:
    """Leave out the last records and their proofs."""
    total = len(indexes(files))
    left = chance.randrange(1, total)
    gone = tuple(record(files, position) for position in range(left, total))
    # The result still states what the last records said.
    return Forgery(files=with_records(files, lambda items: items[:left]), named=(*gone, RESULT))


def drop_lines(files: Files, chance: Random) -> Forgery:
    """Leave out a line of the records, and keep its proof."""
    position = _position(files, chance)
    changed = with_lines(files, lambda lines: without(lines, position))
    return Forgery(files=listed(changed), named=(RECORDS,))


def reorder(files: Files, chance: Random) -> Forgery:
    """Shuffle a stretch of records, with their proofs or without."""
    total = len(indexes(files))
    first = chance.randrange(total - 3)
    order = list(range(first, min(total, first + 3 + chance.randrange(8))))
    mixed = order[1:] + order[:1]

    def turn(items: list[Any]) -> list[Any]:
        return [*items[:first], *(items[at] for at in mixed), *items[first + len(order) :]]

    moved = with_records(files, turn) if chance.random() < 0.5 else listed(with_lines(files, turn))
    return Forgery(files=moved, named=tuple(record(files, at) for at in order))


def swap(files: Files, chance: Random) -> Forgery:
    """Exchange two records, with their proofs or without."""
    one, other = sorted(chance.sample(range(len(indexes(files))), 2))
    turn = lambda items: swapped(items, one, other)  # noqa: E731 - one use, twice
    moved = with_records(files, turn) if chance.random() < 0.5 else listed(with_lines(files, turn))
    return Forgery(files=moved, named=(record(files, one), record(files, other)))


def repeat(files: Files, chance: Random) -> Forgery:
    """Count one record twice."""
    position = _position(files, chance)
    again = lambda items: [*items[: position + 1], *items[position:]]  # noqa: E731 - one use
    return Forgery(files=with_records(files, again), named=(record(files, position),))


def back_date(files: Files, chance: Random) -> Forgery:
    """Date one record earlier than it was logged."""
    position = _position(files, chance)
    earlier = timedelta(seconds=chance.randrange(1, 7200))

    def change(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "t": instant_text(instant(document["t"]) - earlier)}

    return _edited(files, position, change)


def lower_a_reading(files: Files, chance: Random) -> Forgery:
    """Change one metered value."""
    metered = [
        i for i, line in enumerate(files[RECORDS].splitlines()) if b'"k":"telemetry"' in line
    ]
    position = chance.choice(metered)

    def change(document: dict[str, Any]) -> dict[str, Any]:
        samples = document["batch"]["samples"]
        first = {**samples[0], "energy_kwh": f"0.{chance.randrange(1, 10**9):09d}"}
        return {**document, "batch": {**document["batch"], "samples": [first, *samples[1:]]}}

    return _edited(files, position, change)


def change_a_digit(files: Files, chance: Random) -> Forgery:
    """Change one digit of one record."""
    position = _position(files, chance)

    def change(lines: list[bytes]) -> list[bytes]:
        line = lines[position]
        at = chance.choice([at for at, byte in enumerate(line) if 0x31 <= byte <= 0x39])
        digit = bytes([0x31 + (line[at] - 0x31 + chance.randrange(1, 9)) % 9])
        return [*lines[:position], line[:at] + digit + line[at + 1 :], *lines[position + 1 :]]

    touched = (record(files, position), RECORDS)
    return Forgery(files=listed(with_lines(files, change)), named=touched)


def graft(files: Files, chance: Random) -> Forgery:
    """Put another record of the same log in the place of one, under the old proof."""
    position, other = chance.sample(range(len(indexes(files))), 2)

    def change(lines: list[bytes]) -> list[bytes]:
        return [*lines[:position], lines[other], *lines[position + 1 :]]

    return Forgery(files=listed(with_lines(files, change)), named=(record(files, position),))


def pay_more(files: Files, chance: Random) -> Forgery:
    """Change one total of the statement."""
    totals = read_json(files[RESULT], largest=1 << 28)["statement"]["totals"]
    key = chance.choice(sorted(key for key, value in totals.items() if _is_number(value)))
    figure = f"{chance.randrange(1, 10**6)}.{chance.randrange(1, 100):02d}"

    def change(document: dict[str, Any]) -> dict[str, Any]:
        statement = document["statement"]
        return {**document, "statement": {**statement, "totals": {**totals, key: figure}}}

    return Forgery(files=listed(with_document(files, RESULT, change)), named=(RESULT,))


def sign_with_another_key(files: Files, chance: Random) -> Forgery:
    """Sign every head with another key: another log, which nobody was told to trust."""
    public = OTHER_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = LogKey(public=public, sign=OTHER_KEY.sign)

    def change(document: dict[str, Any]) -> dict[str, Any]:
        heads = [_signed_anew(one["head"], key) for one in document["heads"]]
        kept = document["public_key"] if chance.random() < 0.5 else public.hex()
        return {**document, "heads": heads, "public_key": kept}

    return Forgery(files=listed(with_document(files, HEADS, change)), named=(HEADS,))


def sign_another_root(files: Files, chance: Random) -> Forgery:
    """Claim another root, size or instant in one signed head."""

    def change(document: dict[str, Any]) -> dict[str, Any]:
        at = chance.randrange(len(document["heads"]))
        signed = document["heads"][at]
        head = dict(signed["head"])
        key = chance.choice(["root", "size", "ts"])
        other = {
            "root": chance.randbytes(32).hex(),
            "size": head["size"] + 1 + chance.randrange(50),
            "ts": instant_text(instant(head["ts"]) - timedelta(seconds=1 + chance.randrange(900))),
        }
        head[key] = other[key]
        heads = [*document["heads"][:at], {**signed, "head": head}, *document["heads"][at + 1 :]]
        return {**document, "heads": heads}

    return Forgery(files=listed(with_document(files, HEADS, change)), named=(HEADS,))


def remove_a_file(files: Files, chance: Random) -> Forgery:
    """Take a file away."""
    name = chance.choice(sorted(files))
    return Forgery(files={n: body for n, body in files.items() if n != name}, named=(name,))


def slip_in_a_file(files: Files, chance: Random) -> Forgery:
    """Add a file that belongs to no bundle."""
    name = f"note-{chance.randrange(10**6)}.txt"
    return Forgery(files=listed({**files, name: chance.randbytes(20)}), named=(name,))


FORGERIES: Final[Mapping[str, Forge]] = {
    "flip a bit": flip_a_file,
    "flip a bit, listed anew": flip_and_list,
    "drop a record": drop,
    "drop the last records": drop_last,
    "drop a line, keep its proof": drop_lines,
    "reorder records": reorder,
    "swap two records": swap,
    "repeat a record": repeat,
    "back-date a record": back_date,
    "change a reading": lower_a_reading,
    "change a digit": change_a_digit,
    "put another record in its place": graft,
    "change a total": pay_more,
    "re-sign with another key": sign_with_another_key,
    "another root, size or time": sign_another_root,
    "remove a file": remove_a_file,
    "slip in a file": slip_in_a_file,
}
"""Class -> how it is done."""


def indexes(files: Files) -> list[int]:
    """Return the place in the log of every record of a bundle."""
    return [proof["index"] for proof in read_json(files[INCLUSION], largest=1 << 28)]


def record(files: Files, position: int) -> str:
    """Return how a verifier names the record at a position of the file."""
    known = indexes(files)
    return f"record {known[min(max(position, 0), len(known) - 1)]} "


def _position(files: Files, chance: Random) -> int:
    return chance.randrange(len(indexes(files)))


def _closing(files: Files) -> list[str]:
    """Name the records that vouch for the result: when they disagree with it, either may be named."""
    kinds = [read_json(line)["k"] for line in files[RECORDS].splitlines()]
    return [record(files, at) for at, kind in enumerate(kinds) if kind in _CLOSING]


def _followers(files: Files, position: int) -> list[str]:
    """Name the records after one that come from the same source: the gap shows at the next of them."""
    lines = [read_json(line) for line in files[RECORDS].splitlines()]
    source = lines[position]["src"]
    later = [at for at in range(position + 1, len(lines)) if lines[at]["src"] == source]
    return [record(files, at) for at in later[:1]]


def _edited(
    files: Files, position: int, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Forgery:
    def lines(found: list[bytes]) -> list[bytes]:
        changed = canonical(change(read_json(found[position])))
        return [*found[:position], changed, *found[position + 1 :]]

    return Forgery(files=listed(with_lines(files, lines)), named=(record(files, position),))


def _signed_anew(head: dict[str, Any], key: LogKey) -> dict[str, Any]:
    found = TreeHead.model_validate(head)
    signed = sign_head(bytes.fromhex(found.root), found.size, at=found.ts, key=key)
    return signed.model_dump(mode="json")


def _is_number(value: object) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit()
