"""Checks about what is in force, as the driver's method ``state`` tells it."""

from collections.abc import Iterator

from conformance.kit.finding import Check, Finding
from conformance.kit.sep2.reading import named
from conformance.kit.transcript import Transcript


def in_force(when: str, mode: str, value: str, *, requirement: str, lfdi: str = "") -> Check:
    """Demand that a mode has a value at a look of the script (``acts.look``); an empty value: none.

    Args:
        when: Name of the look.
        mode: E.g. ``opModMaxLimW``; names of CSIP-AUS with ``aus:``.
        value: In force; of watts with the multiplier applied.
        requirement: That is cited.
        lfdi: EndDevice; empty: every one that is told.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(f"state.{when}")
        if mark is None:
            return
        found = {
            key: text
            for key, text in mark.values.items()
            if key.startswith(f"control.{named(transcript, lfdi)}") and key.endswith(f".{mode}")
        }
        texts = set(found.values()) or {""}
        for text in sorted(texts - {value}):
            yield Finding(
                requirement=requirement,
                expected=f"{mode} = {value or 'nothing'} in force at {when}",
                observed=text or "nothing",
                message=mark.number,
            )

    return Check(f"{mode} is {value or 'free'} at {when}", judge)
