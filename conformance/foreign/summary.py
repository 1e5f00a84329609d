"""A page about what a device got: counts, what deviates and why, what was skipped and why."""

from collections import Counter
from collections.abc import Iterator, Sequence

from conformance.engine.judging import Verdicts
from conformance.foreign.expected import Peer
from conformance.kit.verdict import Verdict

_HEAD = """# What `gridgate-conformance peers {name}` finds

Written by the command itself (`--summary FILE`); a pre-test by the makers of device and suite.
"""


def summary(played: Sequence[tuple[Peer, Verdicts]]) -> str:
    """Return the page, in Markdown.

    Args:
        played: A device under each of its names, and what it got.
    """
    lines = [_HEAD.format(name=played[0][0].name)]
    for peer, verdicts in played:
        lines += _plan(peer, verdicts)
    return "\n".join(lines) + "\n"


def _plan(peer: Peer, verdicts: Verdicts) -> Iterator[str]:
    counts = Counter(case.verdict for case in verdicts.cases)
    yield f"## {peer.expected.plan}"
    yield ""
    yield ", ".join(f"{counts[kind]} {kind}" for kind in Verdict if counts[kind]) + "."
    yield ""
    for row in peer.expected.left_out:
        yield f"Left out: {row.case}, {row.reason}."
    yield ""
    known = {row.case: row.reason for row in peer.expected.deviations}
    yield "| case | verdict | why |"
    yield "|---|---|---|"
    for case in verdicts.cases:
        if case.verdict is not Verdict.PASS and "deselected" not in case.cause:
            why = known.get(case.case, case.cause).replace("|", "/")
            yield f"| {case.case} | {case.verdict} | {why} |"
    yield ""
