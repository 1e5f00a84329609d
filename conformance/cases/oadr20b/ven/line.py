"""Slow, large and deep answers, and strangers that push, a VEN under test (2.0b section 9)."""

from datetime import timedelta
from typing import Final

from conformance.kit.case import Case, Timing, case
from conformance.kit.checks.events import never_answers
from conformance.kit.checks.flow import sends
from conformance.kit.checks.network import (
    GOES_ON,
    SERVED,
    goes_on,
    stranger_came,
    turns_away,
)
from conformance.kit.finding import Check
from conformance.kit.oadr20b.traps import GOOD, TRAP, announced, good_event, instead
from conformance.kit.observations import event_answered, mark_set, sent
from conformance.kit.stage import Reply, VenStage, raw

_WAITS: Final = "REQ-OADR20B-9.1.6-1"
_DOCUMENT: Final = "REQ-OADR20B-3-1"
_DEEP: Final = 100_000
_LARGE: Final = 9 << 20
_MINUTES: Final = timedelta(minutes=3)


def _takes(event_id: str, requirement: str) -> Check:
    """Demand that an event is answered."""
    where = (".//ei:eventResponse//ei:eventID", event_id)
    return sends(
        "oadrCreatedEvent", 1, requirement=requirement, where=where, until="watched", most=99
    )


@case(
    id="OADR20B-VEN-NET-040",
    title="An answer that comes byte by byte, or slowly, is read whole",
    purpose="Exposes a VEN that takes what came first for all, or gives a slow answer up before five seconds.",
    public=("CFX2B-NET-04",),
    requirements=(_WAITS,),
    checks=(_takes("bytes-1", _WAITS), _takes("slow-1", _WAITS), goes_on(requirement=_WAITS)),
    observations=(event_answered(GOOD), mark_set("watched")),
    modes=("pull",),
    timing=Timing(lasts=_MINUTES),
    mutants=("waits-two-seconds",),
)
async def piecemeal(stage: VenStage) -> None:
    """Answer a poll in writes of one byte, and one by 800 bytes a second."""
    pieces = Reply(wrong="", body=announced(stage, "bytes-1"), fault="one_byte_writes")
    slow = Reply(wrong="", body=announced(stage, "slow-1"), fault="bandwidth=800")
    await instead(stage, pieces, slow)


def _spoilt(number: int, title: str, wrong: str, public: str) -> Case:
    async def play(stage: VenStage) -> None:
        """Answer a poll so, and then as usual."""
        body = announced(stage)
        place = body.rindex(b"</")
        more = (
            b"<x>" * _DEEP + b"</x>" * _DEEP
            if "deep" in wrong
            else b"<x>" + b" " * _LARGE + b"</x>"
        )
        await instead(stage, raw(body[:place] + more + body[place:], wrong=wrong))

    return case(
        id=f"OADR20B-VEN-SEC-{number:03}",
        title=title,
        purpose=f"Exposes a VEN that acts on {wrong}, or does not survive them.",
        public=(public,),
        requirements=(GOES_ON, _DOCUMENT),
        checks=(
            goes_on(),
            never_answers(TRAP, requirement=_DOCUMENT),
            _takes(GOOD, GOES_ON),
        ),
        observations=(sent("oadrPoll", 3), event_answered(GOOD), mark_set("watched")),
        modes=("pull",),
        timing=Timing(lasts=_MINUTES),
        mutants=("ends-on-hostile-size",),
    )(play)


SPOILT: Final = (
    _spoilt(120, "Nine megabytes in an answer end nothing", "nine megabytes", "CFX2B-SEC-10"),
    _spoilt(
        121, "A deep document ends nothing", "elements a hundred thousand deep", "CFX2B-SEC-10"
    ),
)
_STRANGERS: Final = (
    (131, "expired", "a certificate that has ended"),
    (132, "not_yet_valid", "a certificate of the future"),
    (133, "wrong_authority", "a certificate of a stranger's authority"),
    (134, "nobody", "no certificate"),
)


def _stranger(number: int, mask: str, what: str) -> Case:
    async def play(stage: VenStage) -> None:
        """Push an event so, and a good one as usual."""
        stage.utility.send_raw(announced(stage), service="EiEvent", wrong=what, mask=mask)
        await stage.sleep(timedelta(seconds=10))
        stage.mark("again")
        await good_event(stage)

    return case(
        id=f"OADR20B-VEN-SEC-{number:03}",
        title=f"A push with {what} is turned away",
        purpose=f"Exposes a push VEN that serves a VTN with {what}, or none any more afterwards.",
        public=("CFX2B-SEC-07",),
        applies_if="VEN-PUSH",
        requirements=(SERVED, GOES_ON),
        checks=(
            turns_away(what),
            never_answers(TRAP, requirement=SERVED),
            goes_on(),
            _takes(GOOD, GOES_ON),
        ),
        observations=(stranger_came(what), event_answered(GOOD), mark_set("watched")),
        modes=("push",),
        timing=Timing(lasts=timedelta(minutes=1)),
        mutants=("serves-anybody",),
    )(play)


STRANGERS: Final = tuple(_stranger(*row) for row in _STRANGERS)
