"""Checks of a VEN that serves several VTNs: what belongs to one is never said to another."""

from collections.abc import Iterator

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.transcript import Side, Transcript

_CREATED = "oadrCreatedPartyRegistration"


def ven_ids(transcript: Transcript) -> dict[str, str]:
    """Return the venID that each VTN has given, by the Host under which the device speaks to it."""
    found: dict[str, str] = {}
    for one in transcript.exchanges(Side.DEVICE):
        if one.response is not None and one.response.name == _CREATED:
            given = one.response.text("ei:venID")
            if given:
                found[one.request.header("Host")] = given
    return found


def keeps_apart(*, requirement: str) -> Check:
    """Demand that the device names to each VTN the venID that it has of it, and answers no event of another."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        known = ven_ids(transcript)
        for one in transcript.exchanges(Side.DEVICE):
            own = known.get(one.request.header("Host"), "")
            strange = {*known.values()} - {own}
            for found in one.request.all(".//ei:venID"):
                if found in strange:
                    yield wrong(requirement, one.request, ".//ei:venID", own, found)

    return Check("says to each VTN what is of it", judge)


def answers_only(event_id: str, asked: str, *, requirement: str) -> Check:
    """Demand that an event is answered to the VTN that announced it and to no other.

    Args:
        event_id: Of the event.
        asked: Mark whose ``ven_id`` is the device's at that VTN.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark, known = transcript.mark(asked), ven_ids(transcript)
        if mark is None:
            return
        path = ".//ei:eventResponse//ei:eventID"
        for message in transcript.from_device("oadrCreatedEvent"):
            at = known.get(message.header("Host"), "")
            if event_id in message.all(path) and at != mark.values["ven_id"]:
                yield wrong(requirement, message, path, f"no answer to {event_id} here", event_id)

    return Check(f"answers {event_id} to its VTN alone", judge)
