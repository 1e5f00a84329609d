"""HTTP and TLS, a VEN under test: refusals, hostile documents, slow answers, strangers (2.0b section 9)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from conformance.kit.case import Case, Start, Timing, case
from conformance.kit.checks.events import never_answers
from conformance.kit.checks.flow import never, sends
from conformance.kit.checks.network import (
    GOES_ON,
    HANDSHAKE,
    STATUS,
    goes_on,
    refusal_seen,
    refuses,
    says_nothing_to_strangers,
    sends_once,
    strangers_met,
    uses_tls,
)
from conformance.kit.finding import Check
from conformance.kit.oadr20b.conditions import answered, received
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.offers import USAGE, offered
from conformance.kit.oadr20b.traps import announced, instead
from conformance.kit.observations import event_answered, exchanges, mark_set, sent
from conformance.kit.stage import VenStage, raw, status, struck

PATIENCE = timedelta(minutes=2)
HOUR = timedelta(hours=1)
_SUITES = ("ECDHE-ECDSA-AES128-SHA256", "AES128-SHA256")
_DOCUMENT = "REQ-OADR20B-3-1"
_WAITS = "REQ-OADR20B-9.1.6-1"
_CHUNKS = "REQ-OADR20B-9.1.9.4-1"
_DEEP = 100_000
_AGAIN = ("oadrCreatePartyRegistration", "oadrRegisterReport")


def _takes(event_id: str) -> Check:
    """Demand that a good event is answered after all, whatever the answer says."""
    where = (".//ei:eventResponse//ei:eventID", event_id)
    return sends(
        "oadrCreatedEvent", 1, requirement=_DOCUMENT, where=where, until="watched", most=99
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Push:
    """One push that an endpoint has to refuse."""

    number: int
    title: str
    wrong: str
    statuses: tuple[int, ...]
    mutant: str
    requirement: str = STATUS
    service: str = "EiEvent"
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    spoil: Callable[[bytes], bytes] = bytes


def _cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _chunked(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


def _with_entity(body: bytes) -> bytes:
    """Declare an entity and have the event's id come of it."""
    head, _, rest = body.partition(b"?>")
    doctype = b'<!DOCTYPE oadr:oadrPayload [<!ENTITY name "trap-1">]>'
    return head + b"?>" + doctype + rest.replace(b">trap-1<", b">&name;<")


def _hollow(body: bytes) -> bytes:
    return b"<?xml version='1.0' encoding='UTF-8'?><nothing xmlns='urn:of-ours'/>"


def deep(body: bytes) -> bytes:
    """Nest a hundred thousand elements behind the message."""
    place = body.rindex(b"</")
    return body[:place] + b"<x>" * _DEEP + b"</x>" * _DEEP + body[place:]


_PUSHES = (
    _Push(
        number=30,
        title="Another method than POST is answered by 501",
        wrong="a method other than POST",
        statuses=(501,),
        mutant="takes-any-method",
        method="PUT",
    ),
    _Push(
        number=31,
        title="A service that the VEN does not have is answered by 404",
        wrong="an unknown service",
        statuses=(404,),
        mutant="takes-any-service",
        service="EiQuote",
    ),
    _Push(
        number=32,
        title="Another content type than XML is answered by 406",
        wrong="a content type that is not XML",
        statuses=(406,),
        mutant="takes-any-content-type",
        headers=(("Content-Type", "text/plain"),),
    ),
    _Push(
        number=33,
        title="What is cut off is answered by 406",
        wrong="half a document",
        statuses=(406,),
        mutant="refuses-documents-by-500",
        spoil=_cut,
    ),
    _Push(
        number=34,
        title="A document of another kind is answered by 406",
        wrong="no document of 2.0b",
        statuses=(406,),
        mutant="refuses-documents-by-500",
        spoil=_hollow,
    ),
    _Push(
        number=35,
        title="A body in chunks is refused",
        wrong="a body in chunks",
        statuses=(400, 406, 411, 501),
        mutant="takes-chunks",
        requirement=_CHUNKS,
        headers=(("Transfer-Encoding", "chunked"),),
        spoil=_chunked,
    ),
    _Push(
        number=37,
        title="A document without end in its depth is refused",
        wrong="elements a hundred thousand deep",
        statuses=(400, 406, 413),
        mutant="refuses-documents-by-500",
        spoil=deep,
    ),
    _Push(
        number=36,
        title="A document with a DTD is refused",
        wrong="a document with a DTD",
        statuses=(400, 406),
        mutant="refuses-documents-by-500",
        spoil=_with_entity,
    ),
)


def _refused_push(row: _Push) -> Case:
    async def play(stage: VenStage) -> None:
        """Push it, and a good event afterwards."""
        body = row.spoil(announced(stage))
        stage.utility.send_raw(
            body, service=row.service, wrong=row.wrong, headers=row.headers, method=row.method
        )
        stage.mark("again")
        stage.utility.publish(simple("good-1", stage.now + 2 * HOUR, HOUR))
        await stage.maybe(answered("good-1"), PATIENCE, "answer event good-1")
        await stage.sleep(timedelta(seconds=10))
        stage.mark("watched")

    return case(
        id=f"OADR20B-VEN-NET-{row.number:03}",
        title=row.title,
        purpose=f"Exposes a push VEN that takes {row.wrong}, or is no good afterwards.",
        applies_if="VEN-PUSH",
        requirements=tuple(dict.fromkeys((row.requirement, _DOCUMENT, GOES_ON))),
        checks=(
            refuses(row.wrong, *row.statuses, requirement=row.requirement),
            never_answers("trap-1", requirement=_DOCUMENT),
            _takes("good-1"),
            goes_on(),
        ),
        observations=(refusal_seen(row.wrong), event_answered("good-1"), mark_set("watched")),
        modes=("push",),
        mutants=(row.mutant,),
    )(play)


CASES = tuple(_refused_push(row) for row in _PUSHES)


@case(
    id="OADR20B-VEN-NET-009",
    title="Error statuses end nothing",
    purpose="Exposes a VEN that ends, or registers again, on 500, 400 or 403.",
    public=("CFX2B-NET-09",),
    requirements=(GOES_ON, _DOCUMENT),
    checks=(
        goes_on(),
        never(_AGAIN, requirement=GOES_ON, after="case.prepared"),
        _takes("good-1"),
    ),
    observations=(sent("oadrPoll", 4), event_answered("good-1"), mark_set("watched")),
    modes=("pull",),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("ends-on-empty-answer", "registers-after-nothing"),
)
async def statuses(stage: VenStage) -> None:
    """Answer three polls by 500, 400 and 403."""
    await instead(stage, status(500), status(400), status(403))


@case(
    id="OADR20B-VEN-NET-010",
    title="A document cut off ends nothing",
    purpose="Exposes a VEN that acts on half a document, or does not survive it.",
    requirements=(GOES_ON, _DOCUMENT),
    checks=(
        goes_on(),
        never_answers("trap-1", requirement=_DOCUMENT),
        _takes("good-1"),
    ),
    observations=(sent("oadrPoll", 3), event_answered("good-1"), mark_set("watched")),
    modes=("pull",),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("mends-documents",),
)
async def cut_off(stage: VenStage) -> None:
    """Answer a poll by an event whose document has lost its last tag, and one by half of it."""
    body = announced(stage)
    cut = body[: body.rindex(b"</")]
    await instead(stage, raw(cut, wrong="cut off"), raw(_cut(body), wrong="half a document"))


@case(
    id="OADR20B-VEN-SEC-009",
    title="A document with a DTD is not acted on",
    purpose="Exposes a VEN that expands entities of its VTN's.",
    public=("CFX2B-SEC-09",),
    requirements=(GOES_ON, _DOCUMENT),
    checks=(
        goes_on(),
        never_answers("trap-1", requirement=_DOCUMENT),
        _takes("good-1"),
    ),
    observations=(sent("oadrPoll", 3), event_answered("good-1"), mark_set("watched")),
    modes=("pull",),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("expands-entities",),
)
async def entity(stage: VenStage) -> None:
    """Answer a poll by an event whose id is an entity."""
    await instead(stage, raw(_with_entity(announced(stage)), wrong="a DTD"))


@case(
    id="OADR20B-VEN-NET-004",
    title="An answer that takes four seconds is waited for",
    purpose="Exposes a VEN that gives up, and sends again, before five seconds have passed.",
    public=("CFX2B-NET-04",),
    requirements=(_WAITS,),
    checks=(sends_once("oadrUpdateReport", requirement=_WAITS),),
    observations=(sent("oadrUpdateReport"), exchanges(1, after_mark="again"), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("waits-two-seconds",),
)
async def slow(stage: VenStage) -> None:
    """Answer a delivery after four seconds."""
    offer = await offered(stage, USAGE)
    stage.utility.answer_next("oadrUpdateReport", struck("delay=4"))
    stage.utility.request_report(offer.request("slow-1"))
    await stage.until(received("oadrUpdateReport"), PATIENCE, "deliver the report")
    await stage.sleep(timedelta(seconds=10))
    stage.mark("again")
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=40))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-SEC-001",
    title="TLS is of the profile, with a client certificate",
    purpose="Exposes a VEN that speaks plain HTTP, another suite, or hides who it is.",
    public=("G1_4010", "G0_9010"),
    requirements=("REQ-OADR20B-R67-1",),
    checks=(uses_tls(*_SUITES),),
    observations=(exchanges(2), event_answered("good-1")),
    start=Start.FRESH,
    mutants=("offers-another-suite",),
)
async def profile(stage: VenStage) -> None:
    """Start the device and announce an event."""
    await stage.until(received("oadrRequestEvent"), PATIENCE, "register and ask for its events")
    stage.utility.publish(simple("good-1", stage.now + HOUR, HOUR))
    await stage.until(answered("good-1"), PATIENCE, "answer event good-1")


_STRANGERS = (
    (71, "tls_expired", "whose certificate has ended"),
    (72, "tls_not_yet_valid", "whose certificate is of the future"),
    (73, "tls_wrong_ca", "of a stranger's authority"),
    (74, "tls_wrong_host", "with another host's certificate"),
    (75, "tls_critical_extension", "whose certificate has a critical extension that nobody knows"),
)


def _stranger(number: int, fault: str, who: str) -> Case:
    async def play(stage: VenStage) -> None:
        """Close the port, open it under the wrong identity for two connections, then under the right one."""
        await stage.utility.down()
        stage.utility.schedule(f"1-2: {fault}")
        await stage.utility.up()
        stage.mark("struck")
        stage.utility.publish(simple("good-1", stage.now + HOUR, HOUR))
        await stage.maybe(answered("good-1"), timedelta(minutes=4), "answer event good-1")
        stage.mark("again")
        stage.utility.publish(simple("good-2", stage.now + 3 * HOUR, HOUR))
        await stage.maybe(answered("good-2"), PATIENCE, "answer event good-2")
        stage.mark("watched")

    return case(
        id=f"OADR20B-VEN-SEC-{number:03}",
        title=f"Nothing is said to a VTN {who}",
        purpose=f"Exposes a VEN that talks to a VTN {who}, or to none any more afterwards.",
        public=("CFX2B-SEC-07",),
        requirements=(HANDSHAKE, GOES_ON),
        checks=(says_nothing_to_strangers(), goes_on()),
        observations=(strangers_met(2), mark_set("watched"), exchanges(1, after_mark="struck")),
        timing=Timing(lasts=timedelta(minutes=2)),
        mutants=("takes-any-host",) if fault == "tls_wrong_host" else ("takes-any-certificate",),
    )(play)


STRANGERS = tuple(_stranger(*row) for row in _STRANGERS)
