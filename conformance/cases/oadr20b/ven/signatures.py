"""XML signatures, a VEN at high security under test: its own, and those it must not believe (2.0b section 10.6)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from conformance.kit.case import Case, Start, Timing, case
from conformance.kit.checks.events import never_answers
from conformance.kit.checks.flow import field, sends
from conformance.kit.checks.network import GOES_ON, goes_on
from conformance.kit.checks.signatures import (
    NAMED,
    ON_FILE,
    REPLAY,
    SIGNED,
    brought,
    protects_from_replay,
    signatures_seen,
    signs_as_it_shows_itself,
    signs_by_named_algorithms,
    signs_everything,
)
from conformance.kit.finding import Check
from conformance.kit.oadr20b import forging
from conformance.kit.oadr20b.conditions import answered, received
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.signing import MD5, SHA1, Seal
from conformance.kit.oadr20b.traps import announced
from conformance.kit.observations import event_answered, mark_set
from conformance.kit.stage import VenStage

PATIENCE: Final = timedelta(minutes=2)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_IGNORED: Final = "REQ-OADR20B-R514-2"
_WINDOW: Final = "REQ-OADR20B-R514-4"
_NONCE: Final = "REQ-OADR20B-R514-5"
_TELLS: Final = "REQ-OADR20B-R514-6"
_COVERED: Final = "REQ-OADR20B-10.6.1-1"
_HIGH: Final = (("xml_signature", "yes"),)
_UNTRUSTED: Final = ("RULE-2B-004",)
"""A requestID that nobody has vouched for need not be repeated."""


@case(
    id="OADR20B-VEN-SEC-100",
    title="A VEN at high security signs all that it says",
    purpose="Exposes a VEN whose signatures do not verify, cover too little, or are made by another key than TLS's.",
    public=("CFX2B-SEC-05",),
    applies_if="VEN-SIGNATURE",
    requirements=(SIGNED, REPLAY, NAMED, ON_FILE, _TELLS),
    checks=(
        signs_everything(),
        signs_by_named_algorithms(),
        signs_as_it_shows_itself(),
        protects_from_replay(),
        field("oadrCreatePartyRegistration", "oadr:oadrXmlSignature", "true", requirement=_TELLS),
    ),
    observations=(signatures_seen(4), event_answered("good-1"), mark_set("watched")),
    start=Start.FRESH,
    facts=_HIGH,
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=(
        "digests-without-canonical-form",
        "signs-the-message-alone",
        "one-nonce-for-all",
        "timestamp-of-yesterday",
        "tells-of-no-signature",
        "leaves-answers-unsigned",
        "signs-by-sha1",
    ),
)
async def own_signatures(stage: VenStage) -> None:
    """Start the device, announce an event, ask for nothing else."""
    await stage.until(received("oadrRequestEvent"), PATIENCE, "register and ask for its events")
    stage.utility.publish(simple("good-1", stage.now + HOUR, HOUR))
    await stage.until(answered("good-1"), PATIENCE, "answer event good-1")
    stage.utility.request_reregistration()
    here = stage.transcript.messages[-1].number
    await stage.until(
        received("oadrCreatePartyRegistration", after=here), PATIENCE, "register again"
    )
    await stage.sleep(timedelta(seconds=25))
    stage.mark("watched")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrong:
    """One document that must not be believed."""

    number: int
    title: str
    wrong: str
    requirement: str
    mutant: str
    seal: Seal | None = None
    """None: no signature at all."""
    event: str = forging.TRAP
    """Name of the event when it is signed."""
    public: str = ""
    applies_if: str = "VEN-SIGNATURE"


_ROWS: Final = (
    _Wrong(
        number=101,
        title="A message without a signature is ignored",
        wrong="no signature",
        requirement=_IGNORED,
        mutant="believes-the-unsigned",
        public="CFX2B-SEC-01",
    ),
    _Wrong(
        number=102,
        title="A message that was changed after it was signed is ignored",
        wrong="changed after signing",
        requirement=_IGNORED,
        mutant="compares-no-digests",
        seal=Seal(afterwards=forging.change),
        event="decoy-1",
    ),
    _Wrong(
        number=103,
        title="A message whose signature value does not fit is ignored",
        wrong="another signature value",
        requirement=_IGNORED,
        mutant="checks-no-value",
        seal=Seal(afterwards=forging.break_value),
    ),
    _Wrong(
        number=104,
        title="A message beside the signed one is ignored",
        wrong="a wrapped signature",
        requirement=_COVERED,
        mutant="reads-beside-the-signed",
        seal=Seal(afterwards=forging.wrap),
        event="decoy-1",
        public="CFX2B-SEC-04",
    ),
    _Wrong(
        number=105,
        title="A message that shares its Id with the signed one is ignored",
        wrong="a wrapped signature with one Id twice",
        requirement=_COVERED,
        mutant="takes-the-first-of-an-id",
        seal=Seal(afterwards=forging.wrap_under_one_id),
        event="decoy-1",
        public="CFX2B-SEC-04",
    ),
    _Wrong(
        number=106,
        title="A message signed by a stranger is ignored",
        wrong="signed by a certificate that is not on file",
        requirement=ON_FILE,
        mutant="believes-any-certificate",
        seal=Seal(stranger=True),
        public="CFX2B-SEC-05",
    ),
    _Wrong(
        number=107,
        title="A message without ReplayProtect is ignored",
        wrong="no ReplayProtect",
        requirement=_IGNORED,
        mutant="needs-no-replay-protect",
        seal=Seal(protect=False),
    ),
    _Wrong(
        number=108,
        title="A message whose ReplayProtect is not signed is ignored",
        wrong="a ReplayProtect that nobody has signed",
        requirement=_IGNORED,
        mutant="takes-unsigned-replay-protect",
        seal=Seal(protect_covered=False),
    ),
    _Wrong(
        number=109,
        title="A message of yesterday is ignored",
        wrong="a timestamp of yesterday",
        requirement=_WINDOW,
        mutant="takes-the-past",
        seal=Seal(age=DAY),
        public="CFX2B-SEC-03",
    ),
    _Wrong(
        number=110,
        title="A message of tomorrow is ignored",
        wrong="a timestamp of tomorrow",
        requirement=_WINDOW,
        mutant="takes-the-future",
        seal=Seal(age=-DAY),
        public="CFX2B-SEC-03",
    ),
    _Wrong(
        number=112,
        title="Digests by MD5 are not accepted",
        wrong="digests by MD5",
        requirement=NAMED,
        mutant="takes-any-digest",
        seal=Seal(digest=MD5),
    ),
    _Wrong(
        number=113,
        title="Digests by SHA-1 are not accepted",
        wrong="digests by SHA-1",
        requirement=NAMED,
        mutant="takes-any-digest",
        seal=Seal(digest=SHA1),
        applies_if="VEN-SIGNATURE and not VEN-SIGNATURE-SHA1",
    ),
    _Wrong(
        number=114,
        title="Signature values by way of SHA-1 are not accepted",
        wrong="a value by way of SHA-1",
        requirement=NAMED,
        mutant="takes-sha1-values",
        seal=Seal(sha1_value=True),
        applies_if="VEN-SIGNATURE and not VEN-SIGNATURE-SHA1",
    ),
)


async def _goes_on(stage: VenStage) -> None:
    """Announce a good event, signed as it should be, and wait for the answer."""
    await stage.sleep(timedelta(seconds=15))
    stage.mark("again")
    stage.utility.publish(simple("good-1", stage.now + 2 * HOUR, HOUR))
    await stage.maybe(answered("good-1"), PATIENCE, "answer event good-1")
    await stage.sleep(timedelta(seconds=15))
    stage.mark("watched")


def _takes(event_id: str) -> Check:
    """Demand that a good event is answered after all."""
    where = (".//ei:eventResponse//ei:eventID", event_id)
    return sends("oadrCreatedEvent", 1, requirement=GOES_ON, where=where, until="watched", most=99)


def _ignored(row: _Wrong) -> Case:
    async def play(stage: VenStage) -> None:
        """Bring it, and a good event afterwards."""
        body = announced(stage, row.event)
        made = body if row.seal is None else stage.utility.signed(body, row.seal)
        stage.utility.send_raw(made, service="EiEvent", wrong=row.wrong)
        await _goes_on(stage)

    return case(
        id=f"OADR20B-VEN-SEC-{row.number:03}",
        title=row.title,
        purpose=f"Exposes a VEN at high security that acts on a message with {row.wrong}.",
        public=(row.public,) if row.public else (),
        applies_if=row.applies_if,
        requirements=tuple(dict.fromkeys((row.requirement, GOES_ON))),
        checks=(
            never_answers(forging.TRAP, requirement=row.requirement),
            goes_on(),
            _takes("good-1"),
        ),
        observations=(brought(row.wrong), event_answered("good-1"), mark_set("watched")),
        suspends=_UNTRUSTED,
        facts=_HIGH,
        timing=Timing(lasts=timedelta(minutes=1)),
        mutants=(row.mutant,),
    )(play)


IGNORED: Final = tuple(_ignored(row) for row in _ROWS)
_AGAIN: Final = "the same document once more"


@case(
    id="OADR20B-VEN-SEC-111",
    title="A message that comes once more as it was is ignored",
    purpose="Exposes a VEN at high security that takes a recorded message a second time.",
    public=("CFX2B-SEC-02",),
    applies_if="VEN-SIGNATURE and VEN-SIGNATURE-NONCE",
    requirements=(_NONCE, GOES_ON),
    checks=(
        sends(
            "oadrCreatedEvent",
            1,
            requirement=_NONCE,
            where=(".//ei:eventResponse//ei:eventID", "once-1"),
            until="again",
        ),
        goes_on(),
        _takes("good-1"),
    ),
    observations=(
        brought(_AGAIN),
        event_answered("once-1"),
        event_answered("good-1"),
        mark_set("watched"),
    ),
    suspends=_UNTRUSTED,
    facts=_HIGH,
    timing=Timing(lasts=timedelta(minutes=1)),
    mutants=("forgets-nonces",),
)
async def replayed(stage: VenStage) -> None:
    """Bring a message as it should be, the same bytes once more, and a good event afterwards."""
    made = stage.utility.signed(announced(stage, "once-1"))
    stage.utility.send_raw(made, service="EiEvent", wrong="")
    await stage.until(answered("once-1"), PATIENCE, "answer event once-1")
    stage.utility.send_raw(made, service="EiEvent", wrong=_AGAIN)
    await _goes_on(stage)
