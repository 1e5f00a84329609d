"""Checks about log events."""

from collections.abc import Iterator

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import carried, posts
from conformance.kit.transcript import Transcript

DER, CSIP = "11", "2"
PEN = "40732"


def logs(codes: tuple[int, ...], *, requirement: str) -> Check:
    """Demand log events of the DER function set with these codes, in this order."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = posts(transcript, "LogEvent")
        found = [m.text("s:logEventCode") for m in rows]
        for place, code in enumerate(codes):
            if place < len(rows) and found[place] != str(code):
                yield wrong(requirement, rows[place], "s:logEventCode", str(code), found[place])
        for message in rows:
            for path, value in (
                ("s:functionSet", DER),
                ("s:profileID", CSIP),
                ("s:logEventPEN", PEN),
            ):
                if message.text(path) != value:
                    yield wrong(requirement, message, path, value, message.text(path) or "none")
        if 0 < len(rows) < len(codes):
            yield Finding(
                requirement=requirement,
                expected=f"LogEvent {codes[len(rows)]}",
                observed="none",
                message=rows[-1].number,
                late=True,
                healthy=carried(transcript, rows[-1].at, transcript.ended_at),
            )

    return Check(f"logs {', '.join(map(str, codes))}", judge)
