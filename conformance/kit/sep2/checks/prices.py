"""Checks about prices: what one costs at a look of the script, by which document an interval is responded to."""

from collections.abc import Iterator

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import reads, responses
from conformance.kit.transcript import Transcript


def costs(when: str, component: str, value: str, *, requirement: str) -> Check:
    """Demand that a component has a price at a look of the script (``acts.look``); an empty value: none.

    Args:
        when: Name of the look.
        component: The script marked its mRID, as ``component.<name>`` with the value ``mrid``.
        value: In units of the currency, for the unit of the component.
        requirement: That is cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        look, named = transcript.mark(f"state.{when}"), transcript.mark(f"component.{component}")
        if look is None or named is None:
            return
        found = look.values.get(f"price.{named.values['mrid']}", "")
        if found != value:
            yield Finding(
                requirement=requirement,
                expected=f"{component} costs {value or 'nothing known'} at {when}",
                observed=found or "no price",
                message=look.number,
            )

    return Check(f"{component} costs {value or 'nothing'} at {when}", judge)


def responds_as_to_prices(*intervals: str, requirement: str) -> Check:
    """Demand that Responses to intervals of a tariff are PriceResponses."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for name in intervals:
            for row in responses(transcript, name):
                if row.message.name not in ("PriceResponse", "Response"):
                    yield wrong(requirement, row.message, "", "PriceResponse", row.message.name)

    return Check(f"responds to {', '.join(intervals)} by PriceResponse", judge)


def read_at_most(name: str, times: int, *, requirement: str) -> Check:
    """Demand that what does not change is not read again and again."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in reads(transcript, name)[times:]:
            yield wrong(requirement, message, "path", f"{name} read {times} times", "once more")

    return Check(f"reads {name} at most {times} times", judge)
