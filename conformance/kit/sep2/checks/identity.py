"""Checks about how a CSIP-AUS client names itself: EndDevice that it registers, ConnectionPoint."""

from collections.abc import Iterator

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import carried, own_lfdi, posts, puts, same_hex
from conformance.kit.transcript import Message, Transcript

_CATEGORIES = 0x03FFFFFF
"""Bits of deviceCategory that mean something."""


def registers_itself(*, requirement: str) -> Check:
    """Demand that the EndDevice which is posted bears the LFDI of the certificate, and its SFDI."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        own = own_lfdi(transcript)
        rows = posts(transcript, "EndDevice")
        for message in rows:
            lfdi, sfdi = message.text("s:lFDI"), message.text("s:sFDI")
            if not same_hex(lfdi, own):
                yield wrong(requirement, message, "s:lFDI", own, lfdi or "none")
            right = f"{sfdi_of(own)}"
            if sfdi != right:
                yield wrong(requirement, message, "s:sFDI", right, sfdi)
        for message in rows[1:]:
            yield wrong(requirement, message, "", "registered once", "once more")
        if not rows:
            yield _absent(transcript, requirement, "POST of EndDevice")

    return Check("registers itself", judge)


def sfdi_of(lfdi: str) -> int:
    """Return the SFDI: 36 bits as a number, and a digit by which its digits sum to a multiple of ten (6.3.3)."""
    number = int(lfdi[:9], 16)
    return number * 10 + (10 - sum(int(digit) for digit in str(number)) % 10) % 10


def _absent(transcript: Transcript, requirement: str, expected: str) -> Finding:
    healthy = carried(transcript, transcript.began_at, transcript.ended_at)
    return Finding(
        requirement=requirement, expected=expected, observed="none", late=True, healthy=healthy
    )


def names_its_meter(*, requirement: str) -> Check:
    """Demand that a ConnectionPoint with an id is put."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = puts(transcript, "ConnectionPoint")
        for message in rows:
            if not _meter(message):
                yield wrong(requirement, message, "aus:connectionPointId", "the meter's id", "none")
        if not rows:
            yield _absent(transcript, requirement, "PUT of ConnectionPoint")

    return Check("names its meter", judge)


def _meter(message: Message) -> str:
    return message.text("aus:connectionPointId") or message.text("aus:id")


def can_respond_to_demand(*, requirement: str) -> Check:
    """Demand a deviceCategory with a bit that means something, and opModFixedW among the modes (DRA-01)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in posts(transcript, "EndDevice"):
            found = message.text("s:deviceCategory") or "0"
            if not int(found, 16) & _CATEGORIES:
                told = f"a bit of {_CATEGORIES:08X}"
                yield wrong(requirement, message, "s:deviceCategory", told, found)

    return Check("tells what kind of device it is", judge)
