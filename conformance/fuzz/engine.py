"""Damages and tries, from a seed: the same seed finds the same harm."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.fuzz.mutate import damaged
from conformance.fuzz.stopwatch import cpu_s
from conformance.fuzz.targets import Target
from gateway.app.ids import SeededChance
from gateway.domain.chance import Chance

PIECE: Final = 8
"""Bytes below which nothing more is cut out of an input that does harm."""
SLOWEST_S: Final = 1.0
"""Processor time of one input above which it counts as a hang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """An input that does harm."""

    target: str
    why: str
    body: bytes
    number: int
    """Of the try, from 0."""


def tries(target: Target, seed: int, count: int) -> Iterator[bytes]:
    """Make the inputs of a run: every seed as it is, then damaged ones."""
    chance: Chance = SeededChance(seed, target.name)
    yield from target.seeds[:count]
    for _ in range(count - len(target.seeds)):
        yield damaged(target.seeds[chance.randint(0, len(target.seeds) - 1)], chance)


def attack(target: Target, seed: int, count: int) -> Harm | None:
    """Try ``count`` inputs; return the first that does harm, made as small as may be."""
    for number, body in enumerate(tries(target, seed, count)):
        why = harm(target, body)
        if why:
            small = smaller(target, body, why)
            return Harm(target=target.name, why=why, body=small, number=number)
    return None


def harm(target: Target, body: bytes) -> str:
    """Say what harm an input does; empty for none."""
    before = cpu_s()
    try:
        target.holds(body)
    except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked for
        return f"{type(error).__name__}: {error}"[:200]
    took = cpu_s() - before
    return f"slow: {took:.1f} s" if took > SLOWEST_S else ""


def smaller(target: Target, body: bytes, why: str) -> bytes:
    """Cut pieces out as long as the same kind of harm is done."""
    kind = why.partition(":")[0]
    if kind == "slow":
        return body
    size = len(body) // 2
    while size >= PIECE:
        start = 0
        while start < len(body):
            shorter = body[:start] + body[start + size :]
            if harm(target, shorter).startswith(kind):
                body = shorter
            else:
                start += size
        size //= 2
    return body
