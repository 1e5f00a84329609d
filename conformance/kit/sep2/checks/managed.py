"""Checks about what an aggregator does for every device that it manages."""

from collections.abc import Iterator

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import managed, posts, puts, same_hex
from conformance.kit.transcript import Transcript


def puts_each(name: str, *, requirement: str) -> Check:
    """Demand that a document is put for every managed device, each to a place of its own."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        wanted = len(managed(transcript))
        rows = puts(transcript, name)
        found = {m.path for m in rows}
        if rows and len(found) < wanted:
            yield wrong(
                requirement, rows[-1], "path", f"{name} of {wanted} devices", str(len(found))
            )

    return Check(f"puts {name} for each device", judge)


def mirrors_each(*, requirement: str) -> Check:
    """Demand a mirror with the LFDI of every managed device."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = posts(transcript, "MirrorUsagePoint")
        found = [m.text("s:deviceLFDI") for m in rows]
        for lfdi in managed(transcript):
            if rows and not any(same_hex(lfdi, one) for one in found):
                told = ", ".join(found)
                yield wrong(requirement, rows[-1], "s:deviceLFDI", f"one for {lfdi}", told)

    return Check("mirrors each device", judge)
