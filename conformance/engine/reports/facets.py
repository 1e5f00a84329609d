"""What the page shows beside single cases: requirements with their verdicts, connections, values, the legend."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.engine.ixit import Ixit
from conformance.engine.judging import Judged
from conformance.engine.requirements import Requirement
from conformance.kit.transcript import Connection, Mark, Transcript
from conformance.kit.verdict import Verdict, worst

LEGEND: Final = (
    (
        Verdict.PASS,
        "Every check holds, everything that had to be sent was delivered, and enough was observed.",
    ),
    (
        Verdict.FAIL,
        "A binding requirement was violated; the message and the place in it are cited.",
    ),
    (Verdict.WARN, "A recommendation was not followed, or what is deprecated was used."),
    (
        Verdict.INCONCLUSIVE,
        "It could not be judged: a precondition, the driver, the line, the time, or too little observed. Neither "
        "for nor against the device.",
    ),
    (Verdict.SKIP, "Not played: not claimed in the PICS, or not chosen."),
    (Verdict.ERROR, "A defect of the suite; it says nothing of the device."),
)
_TLS: Final = (
    "version",
    "cipher",
    "resumed",
    "sni",
    "curve",
    "peer_sha256",
    "peer_chain_sha256",
    "error",
    "verify",
    "alerts",
)
"""Facts of a connection that the page shows."""
_HIDDEN: Final = ("case.", "suite.tick")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A requirement and what came of it."""

    requirement: Requirement
    verdict: str
    """Worst of its cases; of a general rule: FAIL where it was violated, otherwise PASS."""
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Connections that are alike."""

    count: int
    opened_by: str
    version: str
    cipher: str
    resumed: str
    name: str
    """Server name that was asked for (SNI)."""
    curve: str
    peer: str
    chain: tuple[str, ...]
    """Of the device, as it was shown: SHA-256 of each certificate, the leaf first."""
    error: str
    """Why the handshake failed, with what was found wrong and the alerts."""


def traced(rows: Sequence[Judged], known: Sequence[Requirement]) -> list[Traced]:
    """Return the requirements with the cases that verify them."""
    return [_traced(one, rows) for one in known]


def _traced(one: Requirement, rows: Sequence[Judged]) -> Traced:
    mine = [row for row in rows if one.id in row.requirements]
    broken = [row for row in rows if any(f.requirement == one.id for f in row.findings)]
    if mine:
        verdict = worst([row.verdict for row in mine]) if _judged(mine) else Verdict.SKIP
    else:
        mine, verdict = broken, worst([row.verdict for row in broken])
    return Traced(requirement=one, verdict=verdict, cases=tuple(row.case for row in mine))


def _judged(rows: Sequence[Judged]) -> bool:
    return any(row.verdict is not Verdict.SKIP for row in rows)


def wires(connections: Iterable[Connection]) -> list[Wire]:
    """Return the connections of a run, alike ones together."""
    found = Counter((c.opened_by.value, *(c.tls.get(w, "") for w in _TLS)) for c in connections)
    return [
        _wire(key[0], dict(zip(_TLS, key[1:], strict=True)), n) for key, n in sorted(found.items())
    ]


def _wire(opened_by: str, tls: Mapping[str, str], count: int) -> Wire:
    error = tls["error"]
    told = [tls["verify"], f"alerts: {tls['alerts']}" if tls["alerts"] else ""]
    return Wire(
        count=count,
        opened_by=opened_by,
        version=tls["version"] or "plain",
        cipher=tls["cipher"],
        resumed=tls["resumed"],
        name=tls["sni"],
        curve=tls["curve"],
        peer=tls["peer_sha256"],
        chain=tuple(tls["peer_chain_sha256"].split()),
        error="; ".join(filter(None, (error, *told))) if error else "",
    )


def values_of(ixit: Ixit) -> list[tuple[str, str]]:
    """Return the values of an IXIT as rows; those that say nothing are left out."""
    return [row for row in _flat("", ixit.model_dump(mode="json")) if row[1]]


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list):
        yield name, " ".join(map(str, value))
    else:
        yield name, str(value)


def steps(transcript: Transcript) -> list[str]:
    """Say what was done and waited for, in order, with the time since the beginning of the case."""
    return [_said(m, transcript) for m in transcript.marks if not m.name.startswith(_HIDDEN)]


def _said(mark: Mark, transcript: Transcript) -> str:
    passed = mark.elapsed_s - transcript.marks[0].elapsed_s
    told = ", ".join(f"{key} = {value}" for key, value in mark.values.items())
    return f"{passed:.1f} s: {mark.name}{f' ({told})' if told else ''}"
