"""Judging a VTN: the scripted VEN and the stage, played against the reference VTN in virtual time."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from conformance.engine.bundled_vtn import vtn
from conformance.engine.clocks import Time
from conformance.engine.drivers.hands import Nobody
from conformance.engine.identities import made_for_run
from conformance.engine.judging import outcome_of
from conformance.engine.play import play
from conformance.engine.setting import Carried, Setting
from conformance.engine.tape import Archive
from conformance.kit.case import Case, Start, case
from conformance.kit.checks.messages import answers_with
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.conditions import received
from conformance.kit.oadr20b.event import CONTEXT, simple
from conformance.kit.observations import sent
from conformance.kit.stage import VtnStage
from conformance.kit.transcript import Transcript
from conformance.kit.verdict import Outcome, Verdict
from gateway.client.clock import SystemClock


@case(
    id="OADR20B-VTN-TRY-001",
    title="t",
    purpose="p",
    requirements=("REQ-OADR20B-R12-1",),
    checks=(
        answers_with("oadrPoll", ("oadrResponse", "oadrDistributeEvent", "oadrRegisterReport")),
    ),
    observations=(sent("oadrDistributeEvent"),),
)
async def event_reaches_the_ven(stage: VtnStage) -> None:
    """Publish an event, fetch and answer it."""
    await stage.publish(simple("e1", stage.now + timedelta(hours=2), timedelta(hours=1)))
    if stage.mode == "pull":
        came = await stage.ven.drain()
        stage.mark("drained", names=",".join(m.name for m in came))
    await stage.until(received("oadrDistributeEvent"), timedelta(minutes=1), "distribute event e1")
    await stage.sleep(timedelta(seconds=5))


@case(
    id="OADR20B-VTN-TRY-002",
    title="t",
    purpose="p",
    requirements=("REQ-OADR20B-R12-1",),
    checks=(answers_with("oadrQueryRegistration", ("oadrCreatedPartyRegistration",)),),
    observations=(sent("oadrCreatedPartyRegistration", 2),),
    start=Start.FRESH,
    modes=("pull",),
)
async def two_vens(stage: VtnStage) -> None:
    """Query with one identity, register with another."""
    await stage.ven.send(party.query_registration(stage.ven.request_id()))
    other = await stage.another_ven("other-ven")
    await other.register()
    stage.mark("registered", first=stage.ven.ven_id, other=other.ven_id)


async def played(given: Case, mode: str, folder: Path) -> tuple[Transcript, Outcome]:
    archive = Archive(folder)
    setting = Setting(
        archive=archive,
        identities=made_for_run(SystemClock().now(), "vtn"),
        role="vtn",
        mode=mode,
        seed=1,
        values={"market_context": CONTEXT},
        clock=Time("virtual").maker(),
        factory=vtn,
        hands=Nobody(),
    )
    try:
        transcript = await play(given, setting, Carried())
    finally:
        archive.close()
    return transcript, outcome_of(given, transcript, strict=False)


@pytest.mark.parametrize("mode", ["pull", "push"])
async def test_an_event_of_the_operator_reaches_the_scripted_ven(mode: str, tmp_path: Path) -> None:
    seen, outcome = await played(event_reaches_the_ven, mode, tmp_path)

    assert (outcome.verdict, outcome.cause) == (Verdict.PASS, "")
    created = seen.from_suite("oadrCreatedEvent")
    assert [m.text(".//ei:eventID") for m in created] == ["e1"]
    assert {c.tls["cipher"] for c in seen.connections} == {"ECDHE-ECDSA-AES128-SHA256"}


async def test_several_scripted_vens_have_identities_of_their_own(tmp_path: Path) -> None:
    seen, outcome = await played(two_vens, "pull", tmp_path)

    assert (outcome.verdict, outcome.cause) == (Verdict.PASS, "")
    mark = seen.mark("registered")
    assert mark is not None
    assert mark.values["first"] == ""
    assert mark.values["other"] != ""


async def test_an_operator_who_cannot_is_inconclusive(tmp_path: Path) -> None:
    @case(
        id="OADR20B-VTN-TRY-003",
        title="t",
        purpose="p",
        requirements=("REQ-OADR20B-R12-1",),
        checks=(),
        observations=(),
    )
    async def script(stage: VtnStage) -> None:
        await stage.driver.call("dance")

    _, outcome = await played(script, "pull", tmp_path)

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert (
        outcome.cause.startswith("driver: the device has no method") or "no method" in outcome.cause
    )


@case(
    id="OADR20B-VTN-TRY-004",
    title="t",
    purpose="p",
    requirements=("REQ-OADR20B-R12-1",),
    checks=(answers_with("oadrQueryRegistration", ("oadrCreatedPartyRegistration",)),),
    observations=(sent("oadrCreatedPartyRegistration", 20),),
)
async def while_it_polls(stage: VtnStage) -> None:
    """Send from the script, several at a time, while the same VEN polls in the background."""
    ven = stage.ven
    ven.keep_polling(timedelta(seconds=1))
    for _ in range(10):
        await asyncio.gather(
            *(ven.send(party.query_registration(ven.request_id())) for _ in range(2)),
            ven.poll(),
        )
    await stage.sleep(timedelta(seconds=5))


async def test_a_ven_has_one_exchange_at_a_time_however_many_want_one(tmp_path: Path) -> None:
    transcript, outcome = await played(while_it_polls, "pull", tmp_path)

    assert outcome.verdict is Verdict.PASS
    requests = transcript.from_suite()
    assert all(transcript.answer(one) is not None for one in requests)
    assert len(requests) >= 35, "its polling went on"
